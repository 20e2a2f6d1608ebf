/* audit.c - `belfry audit`: who changed what through the API. */
#include <stdio.h>

#include "client.h"
#include "listing.h"
#include "verbs.h"
#include "when.h"

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

static const struct table_column columns[] = {
	{.title = "AT (UTC)", .brief = "AT"},
	{.title = "WHO", .least = 8, .rank = 2},
	{.title = "ACTION"},
	{.title = "TARGET", .least = 12, .rank = 1},
	{.title = "ANSWER", .may_go = true, .rank = 3},
	{.title = "FROM", .may_go = true, .rank = 4},
};

static const struct listing listing = {
	.target = "/api/v1/audit",
	.key = "audit",
	.none = "nothing was changed through the API yet",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add_row = add_row,
};

static int run(const struct args *args)
{
	return listing_print_newest(args, &listing);
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
