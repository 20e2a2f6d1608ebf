/*
 * test.c - `belfry test`: rehearses every job, for CI.
 *
 * Each job is checked: its program is there, its user, its folder. A job that says
 * how it is run dry ("dry_run", if only an empty list), or that verifies, is then run
 * dry. Others are left at the check, for a job that knows nothing of dry runs would do
 * real work.
 */
#include <stdlib.h>
#include <string.h>

#include "here.h"
#include "jobs_file.h"
#include "progress.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { PARALLEL_USUAL = 4, PARALLEL_MAX = 1000, LOG_KEPT = 64 * 1024, TICK_MS = 1000 };
/* In the place of an outcome, for a job that was not run. */
#define CHECKED "checked"

struct trial {
	const struct job *job;
	uint64_t run;        /* 0: not started */
	const char *outcome; /* NULL: not over */
	char *message;       /* owned; NULL: none */
	int64_t took_ms;     /* -1: it did not run */
	int32_t exit_code;
	struct buf log;
};

struct tests {
	const struct args *args;
	struct here *here;
	struct loop_timer *ticks;
	struct progress progress;
	struct trial *trials;
	size_t count, next, over;
	int64_t parallel;
	bool is_ending; /* the rest is canceled */
};

/* ---- one trial ---- */

static void conclude(struct tests *tests, struct trial *trial, const char *outcome,
		     const char *message)
{
	trial->outcome = outcome;
	trial->message = message ? mem_copy_text(message) : NULL;
	tests->over++;
}

static bool is_bad(const struct trial *trial)
{
	return strcmp(trial->outcome, CHECKED) != 0 &&
	       strcmp(trial->outcome, outcome_word(OUTCOME_SUCCEEDED)) != 0 &&
	       strcmp(trial->outcome, outcome_word(OUTCOME_PARTIAL)) != 0;
}

static void begin(struct tests *tests, struct trial *trial)
{
	struct err err;

	if (tests->is_ending)
		conclude(tests, trial, outcome_word(OUTCOME_CANCELED), NULL);
	else if (!here_check(tests->here, trial->job, &err))
		conclude(tests, trial, outcome_word(OUTCOME_FAILED), err.text);
	else if (!trial->job->dry_run.items)
		conclude(tests, trial, CHECKED, "not run: it has no \"dry_run\"");
	else
		trial->run = here_start(tests->here, trial->job, true);
}

static void begin_more(struct tests *tests)
{
	while (tests->next < tests->count && here_running(tests->here) < (size_t)tests->parallel)
		begin(tests, &tests->trials[tests->next++]);
}

/* By the job's name: the first answer may come before the run's id is known. */
static struct trial *find(struct tests *tests, const char *job)
{
	for (size_t i = 0; i < tests->count; i++)
		if (strcmp(tests->trials[i].job->name, job) == 0)
			return &tests->trials[i];
	return NULL;
}

/* ---- what is heard ---- */

static void on_output(void *context, const struct run *run, const struct log_chunk *chunk)
{
	struct trial *trial = find(context, run->job);

	buf_add(&trial->log, chunk->data, chunk->length);
	if (chunk->stream == STREAM_BELFRY)
		buf_char(&trial->log, '\n');
	if (trial->log.length > 2 * (size_t)LOG_KEPT)
		buf_drop_front(&trial->log, trial->log.length - LOG_KEPT);
}

static void show_progress(struct tests *tests)
{
	struct buf text = {0};
	bool first = true;

	buf_format(&text, "%zu of %zu jobs done; now ", tests->over, tests->count);
	for (size_t i = 0; i < tests->next; i++) {
		if (tests->trials[i].outcome)
			continue;
		buf_format(&text, "%s%s", first ? "" : ", ", tests->trials[i].job->name);
		first = false;
	}
	if (!first)
		progress_show(&tests->progress, buf_string(&text));
	buf_finish(&text);
}

static void on_tick(void *context)
{
	struct tests *tests = context;

	show_progress(tests);
	loop_timer_start(tests->ticks, TICK_MS);
}

static void on_finished(void *context, const struct run *run)
{
	struct tests *tests = context;
	struct trial *trial = find(tests, run->job);

	conclude(tests, trial, outcome_word(run->outcome), run->message);
	trial->exit_code = run->exit_code;
	if (utc_is_set(run->started_at))
		trial->took_ms = run->finished_at.ms - run->started_at.ms;
	begin_more(tests);
	show_progress(tests);
}

static void on_asked_to_end(void *context, int times)
{
	struct tests *tests = context;

	tests->is_ending = true;
	progress_break(&tests->progress);
	say_note("%s what runs", times == 1 ? "ending" : times == 2 ? "killing" : "leaving");
}

/* ---- what is told ---- */

static void add_table(struct buf *out, const struct tests *tests)
{
	static const struct table_column columns[] = {
		{.title = "JOB", .least = 20, .rank = 1},
		{.title = "OUTCOME"},
		{.title = "TOOK", .is_right = true, .may_go = true},
		{.title = "MESSAGE", .wraps = true, .rank = 2},
	};
	struct table table;

	table_init(&table, columns, 4);
	for (size_t i = 0; i < tests->count; i++) {
		const struct trial *trial = &tests->trials[i];
		struct buf took = {0};

		if (trial->took_ms >= 0)
			when_took(&took, trial->took_ms);
		table_add(&table, STYLE_PLAIN, trial->job->name);
		table_add(&table, show_style(trial->outcome), trial->outcome);
		table_add(&table, STYLE_PLAIN, took.length ? buf_string(&took) : NULL);
		table_add(&table, STYLE_PLAIN, trial->message);
		buf_finish(&took);
	}
	table_write(&table, out);
	table_finish(&table);
}

static void add_log(struct buf *out, const struct trial *trial)
{
	buf_char(out, '\n');
	terminal_add(out, OUTPUT_STDOUT, STYLE_BOLD, trial->job->name);
	buf_text(out, " printed:\n");
	buf_add(out, trial->log.data, trial->log.length);
	if (trial->log.data[trial->log.length - 1] != '\n')
		buf_char(out, '\n');
}

static void add_json(struct buf *out, const struct trial *trial)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "job", trial->job->name);
	buf_json_text(out, "outcome", trial->outcome);
	buf_json_bool(out, "dry_run", trial->took_ms >= 0);
	if (trial->took_ms >= 0)
		buf_json_int(out, "took_ms", trial->took_ms);
	else
		buf_json_null(out, "took_ms");
	if (trial->exit_code >= 0)
		buf_json_int(out, "exit_code", trial->exit_code);
	else
		buf_json_null(out, "exit_code");
	buf_json_text(out, "message", trial->message);
	buf_json_bytes(out, "log", buf_string(&trial->log), trial->log.length);
	buf_json_close(out, '}');
}

static int tell(const struct tests *tests)
{
	bool in_json = args_has(tests->args, "json"), has_bad = false;
	struct buf out = {0};

	if (in_json)
		buf_json_open(&out, NULL, '[');
	else
		add_table(&out, tests);
	for (size_t i = 0; i < tests->count; i++) {
		const struct trial *trial = &tests->trials[i];

		has_bad |= is_bad(trial);
		if (in_json)
			add_json(&out, trial);
		else if (is_bad(trial) && trial->log.length)
			add_log(&out, trial);
	}
	if (in_json) {
		buf_json_close(&out, ']');
		buf_char(&out, '\n');
	}
	int code = say_print(tests->args, &out);
	return has_bad ? CLI_FAILED : code;
}

/* ---- the verb ---- */

static bool is_chosen(const struct args *args, const char *name)
{
	for (size_t i = 0; i < args->given_count; i++)
		if (strcmp(args->given[i].row->name, "job") == 0 &&
		    strcmp(args->given[i].value, name) == 0)
			return true;
	return !args_has(args, "job");
}

static void choose(struct tests *tests, const struct config *config)
{
	tests->trials = mem_alloc((config->job_count + 1) * sizeof(*tests->trials));
	for (size_t i = 0; i < config->job_count; i++)
		if (is_chosen(tests->args, config->jobs[i].name))
			tests->trials[tests->count++] = (struct trial){
				.job = &config->jobs[i], .took_ms = -1, .exit_code = -1};
}

static void finish(struct tests *tests)
{
	for (size_t i = 0; i < tests->count; i++) {
		buf_finish(&tests->trials[i].log);
		free(tests->trials[i].message);
	}
	free(tests->trials);
}

static int run_tests(const struct args *args, const struct config *config)
{
	struct tests tests = {.args = args};
	struct here_ears ears = {on_output, on_finished, on_asked_to_end, &tests};
	struct err err;

	if (!args_number(args, "parallel", 1, PARALLEL_MAX, PARALLEL_USUAL, &tests.parallel, &err))
		return say_usage(args, &err);
	tests.here = here_create(&ears, &err);
	if (!tests.here)
		return say_failed(args, &err);
	choose(&tests, config);
	progress_init(&tests.progress);
	tests.ticks = loop_timer_create(here_loop(tests.here), on_tick, &tests);
	loop_timer_start(tests.ticks, TICK_MS);
	begin_more(&tests);
	here_wait(tests.here);
	loop_timer_destroy(tests.ticks);
	progress_hide(&tests.progress);
	here_destroy(tests.here);
	int code = tell(&tests);
	finish(&tests);
	return code;
}

/* Every job named has to be there. */
static bool has_jobs(const struct args *args, const struct jobs_file *file)
{
	for (size_t i = 0; i < args->given_count; i++)
		if (strcmp(args->given[i].row->name, "job") == 0 &&
		    !jobs_file_find(file, args, args->given[i].value))
			return false;
	return true;
}

static int run(const struct args *args)
{
	const char *path = args_operand(args, 0);
	struct jobs_file file;
	int code = jobs_file_open(&file, args, path ? path : JOBS_FILE_DEFAULT);

	if (code == CLI_OK)
		code = has_jobs(args, &file) ? run_tests(args, file.config) : CLI_USAGE;
	jobs_file_finish(&file);
	return code;
}

static const struct option_row options[] = {
	{.name = "job",
	 .letter = 'j',
	 .value = "JOB",
	 .summary = "this job only; may be given again",
	 .complete = COMPLETE_JOB},
	{.name = "parallel", .value = "N", .summary = "so many at a time (4)"},
	{0},
};

const struct command command_test = {
	.name = "test",
	.operands = "[FILE]",
	.operands_max = 1,
	.complete = COMPLETE_FILE,
	.summary = "dry-runs every job; for CI",
	.description =
		"Checks of each job that its program, user and folder are there, and runs it dry\n"
		"if it has \"dry_run\" (an empty list will do where BELFRY_DRY_RUN=1 is enough "
		"for\n"
		"it). Jobs with \"verify\" change nothing, and are run. Others are only checked: "
		"they\n"
		"might do real work. Exit code 1 if anything failed; what a failed job printed\n"
		"follows the table.",
	.examples = "  belfry test\n"
		    "  belfry test schedules.json --job send-reminders --json",
	.options = options,
	.run = run,
};
