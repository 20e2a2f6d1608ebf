/* trigger.c - `belfry trigger`: starts a run on the server, and may follow it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "follow.h"
#include "http_target.h"
#include "say.h"
#include "show.h"
#include "terminal.h"
#include "verbs.h"

static json_t *ask(const struct args *args, struct err *err)
{
	const char *body = args_has(args, "dry-run") ? "{\"dry_run\":true}" : NULL;
	struct buf target = {0};

	buf_text(&target, "/api/v1/jobs/");
	http_escape(&target, args_operand(args, 0));
	buf_text(&target, "/trigger");
	json_t *run = client_post(args, buf_string(&target), body, err);
	buf_finish(&target);
	return run;
}

/* A dry run of a job that does not say how it is run dry may do real work. */
static void warn_of_real_work(const struct args *args)
{
	struct buf target = {0};
	struct err err;

	buf_text(&target, "/api/v1/jobs/");
	http_escape(&target, args_operand(args, 0));
	json_t *job = client_get(args, buf_string(&target), &err);
	if (json_is_false(json_object_get(job, "has_dry_run")))
		show_say_no_dry_run(client_text(job, "name"));
	json_decref(job);
	buf_finish(&target);
}

/* ---- waiting ---- */

/* What Ctrl-C says; made before, for a signal's handler may do next to nothing. */
static char farewell[160];

static void leave(int number)
{
	size_t done = 0, length = strlen(farewell);
	ssize_t n;

	while (done < length && (n = write(STDERR_FILENO, farewell + done, length - done)) > 0)
		done += (size_t)n;
	_exit(128 + number);
}

static void prepare_to_leave(const char *id)
{
	snprintf(farewell, sizeof(farewell), "%srun %.20s goes on; belfry cancel %.20s ends it\n",
		 terminal_is(OUTPUT_STDERR) ? "\n" : "", id, id);
	signal(SIGINT, leave);
}

/* Follows the run to its end; the exit code tells its outcome. */
static int wait_for(const struct args *args, json_t *started)
{
	const char *id = client_text(started, "id");
	struct err err;

	prepare_to_leave(id);
	say_note("%s: run %s%s", client_text(started, "job"), id,
		 client_bool(started, "dry_run") ? " (dry)" : "");
	json_t *ended = follow_run(args, started, &err);
	int code;

	json_decref(started);
	if (!ended)
		return say_failed(args, &err);
	code = follow_exit_code(ended);
	if (args_has(args, "json")) {
		int said = say_json(args, ended);

		return said == CLI_OK ? code : said;
	}
	follow_say_end(ended);
	json_decref(ended);
	return code;
}

static int run(const struct args *args)
{
	bool is_json = args_has(args, "json");
	struct buf out = {0};
	struct err err;

	if (args_has(args, "dry-run"))
		warn_of_real_work(args);
	json_t *started = ask(args, &err);
	if (!started)
		return say_failed(args, &err);
	if (args_has(args, "wait"))
		return wait_for(args, started);
	if (is_json)
		return say_json(args, started);
	terminal_add(&out, OUTPUT_STDOUT, STYLE_PLAIN, client_text(started, "job"));
	buf_format(&out, ": run %s%s\n", client_text(started, "id"),
		   client_bool(started, "dry_run") ? " (dry)" : "");
	if (terminal_is(OUTPUT_STDOUT))
		buf_format(&out, "follow it with: belfry logs -f %s\n", client_text(started, "id"));
	json_decref(started);
	return say_print(args, &out);
}

static const struct option_row options[] = {
	{.name = "dry-run",
	 .summary = "rehearse: BELFRY_DRY_RUN=1 and the job's dry_run arguments"},
	{.name = "wait", .letter = 'w', .summary = "show its output, exit with 1 if it goes wrong"},
	{0},
};

const struct command command_trigger = {
	.name = "trigger",
	.operands = "JOB",
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_JOB,
	.summary = "starts a run on the server, now",
	.description = "With --wait the output is shown as it comes and, with --json, kept away:\n"
		       "only the finished run is printed. Succeeded and partial exit with 0. "
		       "Ctrl-C leaves\n"
		       "the run alone and exits with 130.",
	.examples = "  belfry trigger send-weekly-digest\n"
		    "  belfry trigger send-weekly-digest --dry-run --wait",
	.options = options,
	.asks_server = true,
	.run = run,
};
