/* cancel.c - `belfry cancel`: ends a run on the server. */
#include "client.h"
#include "http_target.h"
#include "pick.h"
#include "say.h"
#include "terminal.h"
#include "verbs.h"

/* Of open runs that are named where a job has many. */
#define OPEN_MAX "20"

static json_t *end_run(const struct args *args, const char *id, struct err *err)
{
	struct buf target = {0};

	buf_text(&target, "/api/v1/runs/");
	http_escape(&target, id);
	buf_text(&target, "/cancel");
	json_t *answer = client_post(args, buf_string(&target), NULL, err);
	buf_finish(&target);
	return answer;
}

/* Of several nobody but the caller can tell which is meant. */
static void refuse_many(const json_t *runs, const char *job, struct err *err)
{
	struct buf ids = {0};

	for (size_t i = 0; i < json_array_size(runs); i++)
		buf_format(&ids, " %s", client_text(json_array_get(runs, i), "id"));
	err_set(err, "%s has several open runs; which one?%s", job, buf_string(&ids));
	buf_finish(&ids);
}

/* The one open run of the job, ended. */
static json_t *end_run_of(const struct args *args, const char *job, struct err *err)
{
	json_t *runs = pick_runs(args, job, OPEN_MAX, "open", err), *answer = NULL;
	size_t count = json_array_size(runs);

	if (count > 1)
		refuse_many(runs, job, err);
	else if (count == 1)
		answer = end_run(args, client_text(json_array_get(runs, 0), "id"), err);
	else if (runs && pick_job(args, job, err))
		err_set(err, "%s has no open run", job);
	json_decref(runs);
	return answer;
}

static int run(const struct args *args)
{
	const char *word = args_operand(args, 0);
	struct buf out = {0};
	struct err err;
	json_t *found, *answer;

	if (!pick_run(args, word, &found, &err))
		return say_failed(args, &err);
	answer = found ? end_run(args, word, &err) : end_run_of(args, word, &err);
	json_decref(found);
	if (!answer)
		return say_failed(args, &err);
	if (args_has(args, "json"))
		return say_json(args, answer);
	terminal_add(&out, OUTPUT_STDOUT, STYLE_PLAIN, client_text(answer, "job"));
	buf_format(&out, ": run %s is asked to end\n", client_text(answer, "id"));
	json_decref(answer);
	return say_print(args, &out);
}

const struct command command_cancel = {
	.name = "cancel",
	.operands = "RUN|JOB",
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_OPEN_RUN,
	.summary = "ends a run on the server: SIGTERM, and SIGKILL after the job's grace",
	.description = "A JOB is its run, if it has one open run.",
	.examples = "  belfry cancel 06nk2v0d80200\n"
		    "  belfry runs --state open      what could be canceled",
	.asks_server = true,
	.run = run,
};
