/* logs.c - `belfry logs`: what a run wrote. */
#include <string.h>

#include "client.h"
#include "follow.h"
#include "http_target.h"
#include "run.h"
#include "say.h"
#include "verbs.h"

enum { NOT_FOUND = 404, TIMEOUT_MS = 30000 };

static bool is_run(const struct args *args, const char *word, struct err *err, bool *is)
{
	struct buf target = {0};
	uint64_t id;
	int status = 0;

	*is = false;
	if (!run_id_parse(word, &id))
		return true;
	buf_text(&target, "/api/v1/runs/");
	http_escape(&target, word);
	json_t *run = client_ask(args,
				 &(struct client_question){.method = "GET",
							   .target = buf_string(&target),
							   .timeout_ms = TIMEOUT_MS},
				 &status, err);
	buf_finish(&target);
	*is = run != NULL;
	json_decref(run);
	return *is || status == NOT_FOUND;
}

/* An answer is the job; who asks wants only to know that there is one. */
static bool is_job(const struct args *args, const char *name, struct err *err)
{
	struct buf target = {0};

	buf_text(&target, "/api/v1/jobs/");
	http_escape(&target, name);
	json_t *job = client_get(args, buf_string(&target), err);
	buf_finish(&target);
	json_decref(job);
	return job != NULL;
}

/* The latest run of the job: a copy of its id, "" if it has none. */
static bool latest_run(const struct args *args, const char *job, char id[RUN_ID_TEXT_MAX],
		       struct err *err)
{
	struct buf target = {0};

	buf_text(&target, "/api/v1/runs?limit=1");
	client_query(&target, "job", job);
	json_t *answer = client_get(args, buf_string(&target), err);
	buf_finish(&target);
	if (!answer)
		return false;
	json_t *runs = client_list(answer, "runs");
	const char *text = client_text(json_array_get(runs, 0), "id");

	id[0] = '\0';
	strncat(id, text, RUN_ID_TEXT_MAX - 1);
	json_decref(runs);
	json_decref(answer);
	return true;
}

/* From the operand, a run's id or a job's name, to a run's id. */
static bool find_run(const struct args *args, char id[RUN_ID_TEXT_MAX], struct err *err)
{
	const char *word = args_operand(args, 0);
	bool is;

	if (!is_run(args, word, err, &is))
		return false;
	if (is) {
		id[0] = '\0';
		strncat(id, word, RUN_ID_TEXT_MAX - 1);
		return true;
	}
	if (!latest_run(args, word, id, err))
		return false;
	if (*id)
		return true;
	return is_job(args, word, err) && err_set(err, "%s has not run yet", word);
}

static int run(const struct args *args)
{
	char id[RUN_ID_TEXT_MAX] = "";
	struct log_wish wish = {.run = id,
				.stream = args_value(args, "stream"),
				.is_following = args_has(args, "follow"),
				.is_json = args_has(args, "json")};
	struct err err;

	if (!find_run(args, id, &err) || !follow_log(args, &wish, &err))
		return say_failed(args, &err);
	return CLI_OK;
}

static const char *const streams[] = {"stdout", "stderr", "belfry", NULL};

static const struct option_row options[] = {
	{.name = "follow", .letter = 'f', .summary = "go on until the run has ended"},
	{.name = "stream",
	 .letter = 's',
	 .value = "STREAM",
	 .summary = "only this one, byte by byte",
	 .complete = COMPLETE_WORDS,
	 .words = streams},
	{0},
};

const struct command command_logs = {
	.name = "logs",
	.operands = "RUN|JOB",
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_RUN_OR_JOB,
	.summary = "what a run wrote; of a job, its latest run",
	.description =
		"What the job wrote goes to standard output; what belfry notes in its log goes\n"
		"to standard error. --json gives JSON Lines, with stream, time and attempt.",
	.examples = "  belfry logs send-reminders\n"
		    "  belfry logs -f 06nk2v0d80200\n"
		    "  belfry logs 06nk2v0d80200 --stream stderr",
	.options = options,
	.asks_server = true,
	.run = run,
};
