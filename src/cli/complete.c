/*
 * complete.c - `belfry complete`: names for the shells' completions, one a line.
 *
 * Asked at each press of Tab: it must be quick, and where no server answers it says
 * nothing at all.
 */

#include "client.h"
#include "say.h"
#include "terminal.h"
#include "verbs.h"
#include "zone_names.h"
#include "zoneinfo.h"

enum { PATIENCE_MS = 1500 };

static void add_names(struct buf *out, const struct args *args, const char *target,
		      const char *list, const char *key)
{
	struct client_question question = {
		.method = "GET", .target = target, .timeout_ms = PATIENCE_MS};
	json_t *answer = client_ask(args, &question, NULL, NULL);
	json_t *rows = client_list(answer, list);

	for (size_t i = 0; i < json_array_size(rows); i++) {
		terminal_add(out, OUTPUT_STDOUT, STYLE_PLAIN,
			     client_text(json_array_get(rows, i), key));
		buf_char(out, '\n');
	}
	json_decref(rows);
	json_decref(answer);
}

static void add_zones(struct buf *out)
{
	struct zoneinfo *zones = zoneinfo_create(NULL);
	struct zone_names names = {0};
	struct arena arena = {0};

	zone_names_read(&names, &arena, zoneinfo_directory(zones));
	for (size_t i = 0; i < names.count; i++)
		buf_format(out, "%s\n", names.names[i]);
	arena_finish(&arena);
	zoneinfo_destroy(zones);
}

static int run(const struct args *args)
{
	bool has_jobs = args_has(args, "jobs"), has_runs = args_has(args, "runs");
	struct buf out = {0};

	if (has_jobs)
		add_names(&out, args, "/api/v1/jobs", "jobs", "name");
	if (args_has(args, "open-runs"))
		add_names(&out, args, "/api/v1/runs?limit=50&state=open", "runs", "id");
	if (args_has(args, "zones"))
		add_zones(&out);
	if (has_runs)
		add_names(&out, args, "/api/v1/runs?limit=50", "runs", "id");
	return say_print(args, &out);
}

static const struct option_row options[] = {
	{.name = "jobs", .summary = "names of jobs"},
	{.name = "runs", .summary = "ids of the latest runs"},
	{.name = "open-runs", .summary = "ids of runs that have not ended"},
	{.name = "zones", .summary = "names of time zones"},
	{0},
};

const struct command command_complete = {
	.name = "complete",
	.operands = "",
	.summary = "names for completions, one a line",
	.options = options,
	.asks_server = true,
	.is_hidden = true,
	.run = run,
};
