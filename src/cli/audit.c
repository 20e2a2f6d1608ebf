/* audit.c - `belfry audit`: who changed what through the API. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "say.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

enum { LIMIT_USUAL = 20, LIMIT_MAX = 1000 };

static void add_row(struct table *table, const json_t *entry, struct utc now)
{
	int64_t status = client_int(entry, "status", 0);
	char number[24];
	struct buf ago = {0};

	when_relative(&ago, client_time(entry, "at"), now);
	table_add_brief(table, STYLE_PLAIN, client_text(entry, "at"), buf_string(&ago));
	table_add(table, STYLE_BOLD, client_text(entry, "who"));
	table_add(table, STYLE_PLAIN, client_text(entry, "action"));
	table_add(table, STYLE_PLAIN, client_text(entry, "target"));
	snprintf(number, sizeof(number), "%lld", (long long)status);
	table_add(table, status < 400 ? STYLE_GOOD : STYLE_BAD, number);
	table_add(table, STYLE_PLAIN, client_text(entry, "address"));
	buf_finish(&ago);
}

static int print_table(const struct args *args, const json_t *entries)
{
	static const struct table_column columns[] = {
		{.title = "AT (UTC)", .brief = "AT"},
		{.title = "WHO", .least = 8, .rank = 2},
		{.title = "ACTION"},
		{.title = "TARGET", .least = 12, .rank = 1},
		{.title = "ANSWER", .may_go = true, .rank = 3},
		{.title = "FROM", .may_go = true, .rank = 4},
	};
	struct utc now = when_now();
	struct buf out = {0};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(entries); i++)
		add_row(&table, json_array_get(entries, i), now);
	table_write(&table, &out);
	table_finish(&table);
	return say_print(args, &out);
}

static int run(const struct args *args)
{
	struct buf target = {0};
	struct err err;
	int64_t limit;
	int code = CLI_OK;

	if (!args_number(args, "limit", 1, LIMIT_MAX, LIMIT_USUAL, &limit, &err))
		return say_usage(args, &err);
	buf_format(&target, "/api/v1/audit?limit=%lld", (long long)limit);
	json_t *answer = client_get(args, buf_string(&target), &err);
	buf_finish(&target);
	if (!answer)
		return say_failed(args, &err);
	json_t *entries = client_list(answer, "audit");
	if (args_has(args, "json"))
		code = say_json(args, json_incref(entries));
	else if (json_array_size(entries) == 0)
		say_note("nothing was changed through the API yet");
	else
		code = print_table(args, entries);
	json_decref(entries);
	json_decref(answer);
	return code;
}

static const struct option_row options[] = {
	{.name = "limit", .letter = 'n', .value = "N", .summary = "at most so many (20)"},
	{0},
};

const struct command command_audit = {
	.name = "audit",
	.operands = "",
	.summary = "who changed what through the API, newest first",
	.description =
		"Each trigger, cancel, apply, rollback and token, with whose token it was, from "
		"where,\n"
		"and what was answered.",
	.examples = "  belfry audit\n"
		    "  belfry audit --limit 1000 --json",
	.options = options,
	.asks_server = true,
	.run = run,
};
