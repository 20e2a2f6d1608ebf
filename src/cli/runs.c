/* runs.c - `belfry runs`: what ran, newest first. */
#include <string.h>

#include "client.h"
#include "pick.h"
#include "say.h"
#include "show.h"
#include "verbs.h"
#include "when.h"

/* Of the API. */
enum { PAGE_MAX = 1000, LIMIT_USUAL = 20, LIMIT_MAX = 100000000 };

static void make_target(struct buf *target, const struct args *args, const char *before,
			int64_t limit)
{
	static const char *const passed_on[] = {"job", "outcome", "state", "trigger"};

	buf_clear(target);
	buf_format(target, "/api/v1/runs?limit=%lld",
		   (long long)(limit < PAGE_MAX ? limit : PAGE_MAX));
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		client_query(target, passed_on[i], args_value(args, passed_on[i]));
	client_query(target, "before", before);
}

/* Page by page, until there are enough or no more. NULL: err says why. */
static json_t *collect(const struct args *args, int64_t limit, struct err *err)
{
	json_t *all = json_array(), *page = NULL;
	struct buf target = {0};
	const char *next = NULL;

	do {
		int64_t missing = limit - (int64_t)json_array_size(all);

		make_target(&target, args, next, missing);
		json_decref(page);
		page = client_get(args, buf_string(&target), err);
		if (!page) {
			json_decref(all);
			all = NULL;
			break;
		}
		json_t *runs = client_list(page, "runs");
		json_array_extend(all, runs);
		next = json_array_size(runs) ? client_text(page, "next") : "";
		json_decref(runs);
	} while (*next && (int64_t)json_array_size(all) < limit);
	json_decref(page);
	buf_finish(&target);
	return all;
}

static bool is_filtered(const struct args *args)
{
	return args_has(args, "outcome") || args_has(args, "state") || args_has(args, "trigger");
}

static int run(const struct args *args)
{
	struct buf out = {0};
	struct err err;
	int64_t limit;

	if (!args_number(args, "limit", 1, LIMIT_MAX, LIMIT_USUAL, &limit, &err))
		return say_usage(args, &err);
	json_t *runs = collect(args, limit, &err);
	/* A job that is gone from the file may have runs still; one that has none must be
	 * there. */
	if (runs && json_array_size(runs) == 0 && args_has(args, "job") &&
	    !pick_job(args, args_value(args, "job"), &err)) {
		json_decref(runs);
		runs = NULL;
	}
	if (!runs)
		return say_failed(args, &err);
	if (args_has(args, "json"))
		return say_json(args, runs);
	if (json_array_size(runs) == 0)
		say_note(is_filtered(args) ? "no such runs" : "no runs yet");
	else
		show_runs(&out, runs, true, when_now());
	json_decref(runs);
	return say_print(args, &out);
}

static const char *const outcomes[] = {"succeeded", "partial", "failed", "timed_out",
				       "canceled",  "unknown", NULL};
static const char *const states[] = {"open", "finished", NULL};
static const char *const triggers[] = {"schedule", "manual", "retry", "catchup", "boot", NULL};

static const struct option_row options[] = {
	{.name = "job",
	 .letter = 'j',
	 .value = "JOB",
	 .summary = "of this job",
	 .complete = COMPLETE_JOB},
	{.name = "outcome",
	 .letter = 'o',
	 .value = "OUTCOME",
	 .summary = "that ended so",
	 .complete = COMPLETE_WORDS,
	 .words = outcomes},
	{.name = "state",
	 .value = "STATE",
	 .summary = "that go on still, or have ended",
	 .complete = COMPLETE_WORDS,
	 .words = states},
	{.name = "trigger",
	 .value = "TRIGGER",
	 .summary = "that were started by this",
	 .complete = COMPLETE_WORDS,
	 .words = triggers},
	{.name = "limit", .letter = 'n', .value = "N", .summary = "at most so many (20)"},
	{0},
};

const struct command command_runs = {
	.name = "runs",
	.operands = "",
	.summary = "what ran, newest first",
	.examples = "  belfry runs --job send-reminders\n"
		    "  belfry runs --outcome failed --limit 100\n"
		    "  belfry runs --state open         what runs now\n"
		    "  belfry runs --limit 100000 --json",
	.options = options,
	.asks_server = true,
	.run = run,
};
