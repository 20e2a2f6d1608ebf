/*
 * run.c - `belfry run`: a job here and now, in the foreground, without a server.
 */
#include <string.h>

#include "here.h"
#include "jobs_file.h"
#include "progress.h"
#include "record_json.h"
#include "say.h"
#include "show.h"
#include "verbs.h"
#include "when.h"

enum { TICK_MS = 1000 };

struct foreground {
	const struct args *args;
	struct job job; /* with --timeout in it */
	struct here *here;
	struct loop_timer *ticks;
	struct progress progress;
	int64_t ticked_ms;
	struct buf json; /* --json: the run */
	enum outcome outcome;
};

/* ---- on the way ---- */

static void on_output(void *context, const struct run *run, const struct log_chunk *chunk)
{
	struct foreground *fg = context;
	bool in_json = args_has(fg->args, "json");

	(void)run;
	switch (chunk->stream) {
	case STREAM_STDOUT:
		progress_write(&fg->progress, in_json ? OUTPUT_STDERR : OUTPUT_STDOUT, chunk->data,
			       chunk->length);
		break;
	case STREAM_STDERR:
		progress_write(&fg->progress, OUTPUT_STDERR, chunk->data, chunk->length);
		break;
	case STREAM_BELFRY:
		progress_end_line(&fg->progress);
		say_note("belfry: %.*s", (int)chunk->length, chunk->data);
		break;
	case STREAM_COUNT: break;
	}
}

static void on_tick(void *context)
{
	struct foreground *fg = context;
	struct buf text = {0};

	fg->ticked_ms += TICK_MS;
	buf_format(&text, "%s runs since ", fg->job.name);
	when_took(&text, fg->ticked_ms);
	buf_text(&text, "; Ctrl-C ends it");
	progress_show(&fg->progress, buf_string(&text));
	buf_finish(&text);
	loop_timer_start(fg->ticks, TICK_MS);
}

static void on_asked_to_end(void *context, int times)
{
	struct foreground *fg = context;
	struct buf grace = {0};

	progress_break(&fg->progress);
	when_took(&grace, fg->job.grace_ms);
	if (times == 1)
		say_note("ending %s: SIGTERM, and SIGKILL after %s or another Ctrl-C", fg->job.name,
			 buf_string(&grace));
	else if (times == 2)
		say_note("killing %s", fg->job.name);
	else
		say_note("leaving %s", fg->job.name);
	buf_finish(&grace);
}

/* ---- the end ---- */

static void on_finished(void *context, const struct run *run)
{
	struct foreground *fg = context;

	loop_timer_stop(fg->ticks);
	progress_end_line(&fg->progress);
	fg->outcome = run->outcome;
	show_say_verdict(&(struct verdict_text){
		outcome_word(run->outcome), run->message,
		utc_is_set(run->started_at) ? run->finished_at.ms - run->started_at.ms : -1});
	if (!args_has(fg->args, "json"))
		return;
	buf_json_open(&fg->json, NULL, '{');
	record_json_run_members(&fg->json, run);
	buf_json_close(&fg->json, '}');
	buf_char(&fg->json, '\n');
}

/* ---- the verb ---- */

static void carry_out(struct foreground *fg)
{
	bool is_dry = args_has(fg->args, "dry-run");

	if (is_dry && !fg->job.dry_run.items)
		show_say_no_dry_run(fg->job.name);
	progress_init(&fg->progress);
	fg->ticks = loop_timer_create(here_loop(fg->here), on_tick, fg);
	loop_timer_start(fg->ticks, TICK_MS);
	here_start(fg->here, &fg->job, is_dry);
	here_wait(fg->here);
	loop_timer_destroy(fg->ticks);
}

static int run_job(const struct args *args, const struct job *job)
{
	struct foreground fg = {.args = args, .job = *job};
	struct here_ears ears = {on_output, on_finished, on_asked_to_end, &fg};
	struct err err;

	if (!args_duration(args, "timeout", job->timeout_ms, &fg.job.timeout_ms, &err))
		return say_usage(args, &err);
	fg.here = here_create(&ears, &err);
	if (!fg.here)
		return say_failed(args, &err);
	carry_out(&fg);
	here_destroy(fg.here);
	int code = say_print(args, &fg.json);
	bool is_fine = fg.outcome == OUTCOME_SUCCEEDED || fg.outcome == OUTCOME_PARTIAL;
	return is_fine ? code : CLI_FAILED;
}

static int run(const struct args *args)
{
	const char *path = args_value(args, "config");
	struct jobs_file file;
	int code = jobs_file_open(&file, args, path ? path : JOBS_FILE_DEFAULT);

	if (code == CLI_OK) {
		const struct job *job = jobs_file_find(&file, args, args_operand(args, 0));

		code = job ? run_job(args, job) : CLI_USAGE;
	}
	jobs_file_finish(&file);
	return code;
}

static const struct option_row options[] = {
	{.name = "dry-run",
	 .summary = "rehearse: BELFRY_DRY_RUN=1 and the job's dry_run arguments"},
	{.name = "config",
	 .letter = 'c',
	 .value = "FILE",
	 .summary = "where the job is (schedules.json)",
	 .complete = COMPLETE_FILE},
	{.name = "timeout", .value = "DURATION", .summary = "instead of the job's own; 0: none"},
	{0},
};

const struct command command_run = {
	.name = "run",
	.operands = "JOB",
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_JOB,
	.summary = "runs a job here, in the foreground",
	.description =
		"No server is asked, and nothing is recorded. What the job prints is handed on as\n"
		"it comes; the outcome is told on standard error. It is tried once, whatever its\n"
		"retry says. Ctrl-C ends it with SIGTERM, and SIGKILL after its grace.\n"
		"\n"
		"Exit code 0 if it succeeded, also in part; else 1. With --json the run is "
		"printed\n"
		"at the end, and the job's own standard output goes to standard error.",
	.examples = "  belfry run send-reminders --dry-run\n"
		    "  belfry run send-reminders --timeout 30s\n"
		    "  belfry run send-weekly-digest --json 2>/dev/null",
	.options = options,
	.run = run,
};
