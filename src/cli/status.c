/* status.c - `belfry status`: one job, whole; without one, belfry itself (seen.c). */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "http_target.h"
#include "not_ran.h"
#include "pausing.h"
#include "pick.h"
#include "run.h"
#include "say.h"
#include "seen.h"
#include "show.h"
#include "str.h"
#include "verbs.h"
#include "when.h"

enum { LATEST = 5 };
#define LATEST_TEXT "5"

static void add_line(struct buf *out, const char *name, const char *text)
{
	char label[32];

	if (!*text)
		return;
	snprintf(label, sizeof(label), "%-14s", name);
	terminal_add(out, OUTPUT_STDOUT, STYLE_DIM, label);
	terminal_add(out, OUTPUT_STDOUT, STYLE_PLAIN, text);
	buf_char(out, '\n');
}

/* Adds the line and empties the text. */
static void add_text(struct buf *out, const char *name, struct buf *text)
{
	add_line(out, name, buf_string(text));
	buf_clear(text);
}

static void add_duration(struct buf *out, const json_t *object, const char *key)
{
	char text[DURATION_TEXT_MAX];

	buf_text(out, str_duration_format(client_int(object, key, 0), text));
}

/* ---- what it is ---- */

static void add_words(struct buf *text, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));

		buf_format(text, "%s%s", i ? " " : "", word ? word : "");
	}
}

static void add_schedule(struct buf *out, const json_t *job, struct buf *text)
{
	const json_t *schedule = json_object_get(job, "schedule");

	if (json_is_string(schedule))
		buf_text(text, json_string_value(schedule));
	else
		show_schedule(text, job);
	buf_format(text, "  in %s", client_text(job, "timezone"));
	add_text(out, "schedule", text);
	add_line(out, "", client_text(job, "explain"));
}

static void add_what(struct buf *out, const json_t *job, struct buf *text)
{
	terminal_add(out, OUTPUT_STDOUT, STYLE_BOLD, client_text(job, "name"));
	buf_char(out, '\n');
	add_line(out, "description", client_text(job, "description"));
	add_words(text, json_object_get(job, "tags"));
	add_text(out, "tags", text);
	add_schedule(out, job, text);
	buf_format(text, "%s: ", client_text(job, "executor"));
	add_words(text, json_object_get(job, "command"));
	add_text(out, "executor", text);
}

/* ---- how it is treated ---- */

static void add_retry(struct buf *text, const json_t *retry)
{
	int64_t attempts = client_int(retry, "attempts", 1);

	if (attempts <= 1) {
		buf_text(text, "no retry");
		return;
	}
	buf_format(text, "up to %lld attempts, ", (long long)attempts);
	add_duration(text, retry, "backoff_ms");
	buf_text(text, " apart at first, at most ");
	add_duration(text, retry, "max_backoff_ms");
}

static void add_group(struct buf *out, const json_t *job, struct buf *text)
{
	int64_t priority = client_int(job, "priority", 0);

	if (*client_text(job, "group"))
		buf_format(text, "%s, %lld at a time", client_text(job, "group"),
			   (long long)client_int(job, "group_limit", 1));
	add_text(out, "group", text);
	if (priority != 0)
		buf_format(text, "%lld", (long long)priority);
	add_text(out, "priority", text);
}

static void add_policies(struct buf *out, const json_t *job, struct buf *text)
{
	if (client_int(job, "timeout_ms", 0) > 0) {
		add_duration(text, job, "timeout_ms");
		buf_text(text, ", then ");
		add_duration(text, job, "grace_ms");
		buf_text(text, " to end");
	} else {
		buf_text(text, "none");
	}
	add_text(out, "timeout", text);
	if (client_int(job, "deadline_ms", 0) > 0) {
		add_duration(text, job, "deadline_ms");
		buf_text(text, " from due to done");
	}
	add_text(out, "deadline", text);
	add_group(out, job, text);
	add_retry(text, json_object_get(job, "retry"));
	add_text(out, "retry", text);
	add_line(out, "overlap", client_text(job, "overlap"));
	buf_text(text, client_text(job, "catchup"));
	if (strcmp(client_text(job, "catchup"), "none") != 0) {
		buf_text(text, " within ");
		add_duration(text, job, "catchup_window_ms");
	}
	add_text(out, "catchup", text);
}

/* ---- how it fares ---- */

static void add_instant(struct buf *out, const char *name, const json_t *job, const char *key,
			struct buf *text)
{
	struct utc at = client_time(job, key);

	if (utc_is_set(at)) {
		buf_format(text, "%s  (", client_text(job, key));
		when_relative(text, at, when_now());
		buf_char(text, ')');
	} else {
		buf_char(text, '-');
	}
	add_text(out, name, text);
}

static void add_counts(struct buf *text, const json_t *job)
{
	const json_t *counts = json_object_get(job, "counts");

	for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++) {
		const char *word = outcome_word((enum outcome)i);
		int64_t count = client_int(counts, word, 0);

		if (count > 0)
			buf_format(text, "%s%lld %s", text->length ? ", " : "", (long long)count,
				   word);
	}
	buf_format(text, "%s%lld skipped, %lld missed", text->length ? "; " : "",
		   (long long)client_int(job, "skipped", 0),
		   (long long)client_int(job, "missed", 0));
}

/* Only where something of this job fell due in it. */
static void add_downtime(struct buf *out, const json_t *downtime, struct buf *text)
{
	if (client_int(downtime, "occurrences", 0) > 0)
		seen_downtime(text, downtime);
	add_text(out, "last downtime", text);
}

static void add_fares(struct buf *out, const json_t *job, struct buf *text)
{
	int64_t failures = client_int(job, "consecutive_failures", 0);

	pausing_add_words(text, job);
	add_text(out, "paused", text);
	if (json_is_false(json_object_get(job, "enabled")))
		add_line(out, "next", "never: it is disabled");
	else
		add_instant(out, "next", job, "next", text);
	add_words(text, json_object_get(job, "running"));
	add_text(out, "running", text);
	add_instant(out, "last success", job, "last_success_at", text);
	if (failures > 0)
		buf_format(text, "%lld in a row", (long long)failures);
	add_text(out, "failures", text);
	add_counts(text, job);
	add_text(out, "so far", text);
	seen_lateness(text, json_object_get(job, "lateness"));
	add_text(out, "lateness", text);
	add_downtime(out, json_object_get(job, "downtime"), text);
}

/* ---- the verb ---- */

static int print(const struct args *args, const json_t *job, const json_t *due, const json_t *runs)
{
	struct buf out = {0}, text = {0};

	add_what(&out, job, &text);
	add_policies(&out, job, &text);
	add_fares(&out, job, &text);
	if (json_array_size(runs) > 0) {
		buf_char(&out, '\n');
		show_runs(&out, runs, false, when_now());
	}
	if (json_array_size(due) > 0) {
		buf_char(&out, '\n');
		not_ran_show(&out, due);
	}
	buf_finish(&text);
	return say_text(args, &out);
}

static json_t *ask_job(const struct args *args, const char *name, struct err *err)
{
	struct buf target = {0};

	buf_text(&target, "/api/v1/jobs/");
	http_escape(&target, name);
	json_t *job = client_get(args, buf_string(&target), err);
	buf_finish(&target);
	return job;
}

static int run(const struct args *args)
{
	const char *name = args_operand(args, 0);
	struct err err;

	if (!name)
		return seen_status(args);
	json_t *job = ask_job(args, name, &err);
	json_t *due = job ? not_ran_ask(args, name, LATEST, &err) : NULL;
	json_t *runs = due ? pick_runs(args, name, LATEST_TEXT, NULL, &err) : NULL;
	int code;

	if (runs)
		show_say_refused(args);
	if (!runs) {
		code = say_failed(args, &err);
	} else if (args_has(args, "json")) {
		json_object_set(job, "occurrences", due);
		code = say_json(args, json_incref(job));
	} else {
		code = print(args, job, due, runs);
	}
	json_decref(runs);
	json_decref(due);
	json_decref(job);
	return code;
}

const struct command command_status = {
	.name = "status",
	.operands = "[JOB]",
	.operands_min = 0,
	.operands_max = 1,
	.complete = COMPLETE_JOB,
	.summary = "one job, whole; without one, belfry itself",
	.description =
		"Without a JOB: since when belfry is up, whether it does its work, how late it\n"
		"started the latest 1000 runs, and when it was last down, the machine asleep,\n"
		"the loop stalled or the clock set forward, with what became of what fell due.\n"
		"Exit code 1 if it is failing, and nothing new starts.\n"
		"\n"
		"With a JOB, its part of these, its latest runs, and the latest due instants that\n"
		"did not run, skipped or missed, with the reason. --json has those as\n"
		"\"occurrences\".",
	.examples = "  belfry status\n"
		    "  belfry status send-reminders",
	.asks_server = true,
	.run = run,
};
