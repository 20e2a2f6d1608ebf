/* revisions.c - `belfry revisions`: the versions of schedules.json that were applied. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "deploying.h"
#include "http_target.h"
#include "listing.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

/* ---- the list ---- */

/* "2 created, 1 updated" */
static void add_changes(struct buf *out, const json_t *revision)
{
	static const struct {
		const char *change, *done;
	} kinds[] = {{"create", "created"},
		     {"update", "updated"},
		     {"rename", "renamed"},
		     {"delete", "deleted"}};
	const json_t *changes = json_object_get(revision, "changes");

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		size_t count = 0;

		for (size_t i = 0; i < json_array_size(changes); i++)
			count += strcmp(client_text(json_array_get(changes, i), "change"),
					kinds[k].change) == 0;
		if (count)
			buf_format(out, "%s%zu %s", out->length ? ", " : "", count, kinds[k].done);
	}
	if (!out->length)
		buf_text(out, "no job");
}

static void add_row(struct table *table, const json_t *revision, struct utc now)
{
	char number[24];
	struct buf cell = {0};

	snprintf(number, sizeof(number), "%lld", (long long)client_int(revision, "number", 0));
	table_add(table, STYLE_BOLD, number);
	when_relative(&cell, client_time(revision, "applied_at"), now);
	table_add_brief(table, STYLE_PLAIN, client_text(revision, "applied_at"), buf_string(&cell));
	table_add(table, STYLE_PLAIN, client_text(revision, "author"));
	buf_clear(&cell);
	add_changes(&cell, revision);
	table_add(table, STYLE_PLAIN, buf_string(&cell));
	table_add(table, STYLE_PLAIN, client_text(revision, "message"));
	buf_finish(&cell);
}

static const struct table_column columns[] = {
	{.title = "REVISION"},
	{.title = "APPLIED (UTC)", .brief = "APPLIED"},
	{.title = "AUTHOR", .least = 8, .rank = 2, .may_go = true},
	{.title = "CHANGES", .least = 10, .rank = 1, .wraps = true},
	{.title = "MESSAGE", .least = 10, .rank = 3, .wraps = true, .may_go = true},
};

static const struct listing listing = {
	.target = "/api/v1/revisions",
	.key = "revisions",
	.none = "no revisions yet",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add_row = add_row,
};

/* ---- one, and two ---- */

static int show(const struct args *args)
{
	struct buf target = {0}, out = {0};
	struct err err;

	buf_format(&target, "/api/v1/revisions/%s", args_operand(args, 1));
	json_t *answer = client_get(args, buf_string(&target), &err);
	buf_finish(&target);
	if (!answer)
		return say_failed(args, &err);
	if (args_has(args, "json"))
		return say_json(args, answer);
	const json_t *content = json_object_get(answer, "content");
	buf_add(&out, json_string_value(content), json_string_length(content));
	json_decref(answer);
	return say_print(args, &out);
}

static int diff(const struct args *args)
{
	struct buf target = {0};
	struct err err;
	int code;

	buf_format(&target, "/api/v1/revisions/%s/plan?format=json_text&from=%s",
		   args_operand(args, 2), args_operand(args, 1));
	json_t *plan = client_get(args, buf_string(&target), &err);
	buf_finish(&target);
	if (!plan)
		return say_failed(args, &err);
	code = args_has(args, "json") ? say_json(args, json_incref(plan))
				      : deploying_show(args, plan);
	json_decref(plan);
	return code;
}

/* ---- a run's job, as it was ---- */

static int show_job(const struct args *args)
{
	struct buf target = {0}, out = {0};
	struct err err;

	buf_text(&target, "/api/v1/runs/");
	http_escape(&target, args_operand(args, 1));
	buf_text(&target, "/job");
	json_t *answer = client_get(args, buf_string(&target), &err);
	buf_finish(&target);
	if (!answer)
		return say_failed(args, &err);
	if (args_has(args, "json"))
		return say_json(args, answer);
	char *text = json_dumps(answer, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	buf_format(&out, "%s\n", text);
	free(text);
	json_decref(answer);
	return say_print(args, &out);
}

/* ---- the verb ---- */

static int refuse(const struct args *args)
{
	struct err err;

	err_set(&err, "it takes nothing, \"show N\", \"diff N M\", or \"job RUN\"");
	return say_usage(args, &err);
}

static bool are_numbers(const struct args *args)
{
	for (size_t i = 1; i < args->operand_count; i++)
		if (!deploying_is_number(args_operand(args, i)))
			return false;
	return true;
}

static int run(const struct args *args)
{
	const char *word = args_operand(args, 0);

	if (!word)
		return listing_print_newest(args, &listing);
	if (strcmp(word, "show") == 0 && args->operand_count == 2 && are_numbers(args))
		return show(args);
	if (strcmp(word, "diff") == 0 && args->operand_count == 3 && are_numbers(args))
		return diff(args);
	if (strcmp(word, "job") == 0 && args->operand_count == 2)
		return show_job(args);
	return refuse(args);
}

static const char *const words[] = {"show", "diff", "job", NULL};

static const struct option_row options[] = {
	{.name = "limit", .letter = 'n', .value = "N", .summary = "at most so many (20)"},
	{0},
};

const struct command command_revisions = {
	.name = "revisions",
	.operands = "[show N | diff N M | job RUN]",
	.operands_max = 3,
	.complete = COMPLETE_WORDS,
	.operand_words = words,
	.summary = "the versions of schedules.json that were applied",
	.description = "Newest first. `show N` prints the file of revision N as it was applied; "
		       "`diff N M` what\n"
		       "M changed against N, as a plan; `job RUN` the job of a run as it was, by "
		       "the file\n"
		       "that was in force.",
	.examples = "  belfry revisions\n"
		    "  belfry revisions show 4 > schedules.json\n"
		    "  belfry revisions diff 3 4\n"
		    "  belfry revisions job 06nk2v0d80200",
	.options = options,
	.asks_server = true,
	.run = run,
};
