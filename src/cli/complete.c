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

static int run(const struct args *args)
{
	bool has_jobs = args_has(args, "jobs"), has_runs = args_has(args, "runs");
	struct buf out = {0};

	if (has_jobs)
		add_names(&out, args, "/api/v1/jobs", "jobs", "name");
	if (has_runs)
		add_names(&out, args, "/api/v1/runs?limit=50", "runs", "id");
	return say_print(args, &out);
}

static const struct option_row options[] = {
	{.name = "jobs", .summary = "names of jobs"},
	{.name = "runs", .summary = "ids of the latest runs"},
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
