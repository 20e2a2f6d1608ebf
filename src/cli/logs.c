/* logs.c - `belfry logs`: what a run wrote. */
#include <string.h>

#include "client.h"
#include "follow.h"
#include "pick.h"
#include "say.h"
#include "verbs.h"

enum { TAIL_MAX = 10000000 };

/* From the operand, a run's id or a job's name, to a run; NULL with err. */
static json_t *find_run(const struct args *args, struct err *err)
{
	const char *word = args_operand(args, 0);
	json_t *run;

	if (!pick_run(args, word, &run, err) || run)
		return run;
	json_t *runs = pick_runs(args, word, "1", NULL, err);
	if (!runs)
		return NULL;
	run = json_incref(json_array_get(runs, 0));
	json_decref(runs);
	if (!run && pick_job(args, word, err))
		err_set(err, "%s has not run yet", word);
	return run;
}

/* How it ended; of a run that goes on still, nothing. */
static bool say_end(const struct args *args, json_t *run, struct err *err)
{
	json_t *ended = args_has(args, "follow") ? follow_to_end(args, client_text(run, "id"), err)
						 : json_incref(run);

	if (!ended)
		return false;
	if (strcmp(client_text(ended, "state"), "finished") == 0)
		follow_say_end(ended);
	json_decref(ended);
	return true;
}

static int run(const struct args *args)
{
	struct log_wish wish = {.stream = args_value(args, "stream"),
				.is_following = args_has(args, "follow"),
				.is_json = args_has(args, "json")};
	struct err err;

	if (!args_number(args, "tail", 1, TAIL_MAX, 0, &wish.tail, &err))
		return say_usage(args, &err);
	json_t *run = find_run(args, &err);
	if (!run)
		return say_failed(args, &err);
	wish.run = client_text(run, "id");
	bool is_whole = !wish.stream && !wish.is_json;
	bool is_done = follow_log(args, &wish, &err) && (!is_whole || say_end(args, run, &err));
	json_decref(run);
	return is_done ? CLI_OK : say_failed(args, &err);
}

static const char *const streams[] = {"stdout", "stderr", "belfry", NULL};

static const struct option_row options[] = {
	{.name = "follow", .letter = 'f', .summary = "go on until the run has ended"},
	{.name = "tail", .letter = 'n', .value = "N", .summary = "only the last N lines there are"},
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
		"to standard error, and so does the outcome of a run that has ended, as the last\n"
		"line. --json gives JSON Lines, with stream, time and attempt.",
	.examples = "  belfry logs send-reminders\n"
		    "  belfry logs -f --tail 20 06nk2v0d80200\n"
		    "  belfry logs 06nk2v0d80200 --stream stderr",
	.options = options,
	.asks_server = true,
	.run = run,
};
