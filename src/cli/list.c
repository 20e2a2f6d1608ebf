/* list.c - `belfry list`: every job, when it fires next, how it went last. */
#include <string.h>
#include <strings.h>

#include "client.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verbs.h"
#include "when.h"

static void add_paused(struct table *table, const json_t *job)
{
	const char *until = client_text(json_object_get(job, "paused"), "until");
	struct buf text = {0};

	buf_format(&text, "paused%s%s", *until ? " until " : "", until);
	table_add_brief(table, STYLE_DIM, buf_string(&text), "paused");
	buf_finish(&text);
}

static void add_next(struct table *table, const json_t *job, struct utc now)
{
	const json_t *enabled = json_object_get(job, "enabled");
	const char *schedule = json_string_value(json_object_get(job, "schedule"));
	const char *next = client_text(job, "next");
	struct utc at = client_time(job, "next");
	struct buf brief = {0};

	if (utc_is_set(at))
		when_relative(&brief, at, now);
	if (json_is_false(enabled))
		table_add(table, STYLE_DIM, "disabled");
	else if (json_is_object(json_object_get(job, "paused")))
		add_paused(table, job);
	else if (!*next && schedule && strcasecmp(schedule, "@reboot") == 0)
		table_add(table, STYLE_DIM, "at start");
	else
		table_add_brief(table, STYLE_PLAIN, *next ? next : NULL,
				brief.length ? brief.data : NULL);
	buf_finish(&brief);
}

/* What runs now counts for more than what ended. */
static void add_last(struct table *table, const json_t *job, struct utc now)
{
	const json_t *last = json_object_get(job, "last");
	size_t running = json_array_size(json_object_get(job, "running"));
	bool is_open = strcmp(client_text(last, "state"), "finished") != 0;
	struct buf text = {0};

	if (running > 1)
		buf_format(&text, "%zu running", running);
	else if (running == 1 && !is_open)
		buf_text(&text, "running");
	else
		show_last(&text, last, now);
	table_add(table, running ? STYLE_BOLD : show_style(client_text(last, "outcome")),
		  buf_string(&text));
	buf_finish(&text);
}

static int print_table(const struct args *args, const json_t *jobs)
{
	static const struct table_column columns[] = {
		{.title = "JOB", .least = 20, .rank = 1},
		{.title = "SCHEDULE", .least = 12, .rank = 2, .may_go = true},
		{.title = "NEXT (UTC)", .brief = "NEXT"},
		{.title = "LAST", .least = 9, .rank = 3},
	};
	struct utc now = when_now();
	struct buf out = {0}, schedule = {0};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(jobs); i++) {
		const json_t *job = json_array_get(jobs, i);

		buf_clear(&schedule);
		show_schedule(&schedule, job);
		table_add(&table, STYLE_PLAIN, client_text(job, "name"));
		table_add(&table, STYLE_PLAIN, buf_string(&schedule));
		add_next(&table, job, now);
		add_last(&table, job, now);
	}
	table_write(&table, &out);
	table_finish(&table);
	buf_finish(&schedule);
	return say_print(args, &out);
}

static int run(const struct args *args)
{
	struct err err;
	json_t *answer = client_get(args, "/api/v1/jobs", &err);
	int code = CLI_OK;

	if (!answer)
		return say_failed(args, &err);
	json_t *jobs = client_list(answer, "jobs");
	show_say_refused(args);
	if (args_has(args, "json"))
		code = say_json(args, json_incref(jobs));
	else if (json_array_size(jobs) == 0)
		say_note("no jobs: schedules.json has none");
	else
		code = print_table(args, jobs);
	json_decref(jobs);
	json_decref(answer);
	return code;
}

const struct command command_list = {
	.name = "list",
	.operands = "",
	.summary = "jobs, when they fire next, how they went last",
	.examples = "  belfry list\n"
		    "  belfry list --json | jq -r '.[].name'",
	.asks_server = true,
	.run = run,
};
