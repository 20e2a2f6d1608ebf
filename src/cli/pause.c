/* pause.c - `belfry pause`: nothing of a job starts by itself. */
#include <string.h>

#include "instant.h"
#include "pausing.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

static bool read_times(const struct args *args, struct err *err)
{
	const char *until = args_value(args, "until");
	struct utc at;
	int64_t ms;

	if (until && args_has(args, "for"))
		return err_set(err, "--for and --until say the same; keep one");
	if (!args_duration(args, "for", 1, &ms, err))
		return false;
	if (ms <= 0)
		return err_set(err, "--for takes a duration longer than 0s");
	if (!until)
		return true;
	if (!utc_parse(until, strlen(until), &at))
		return err_set(err,
			       "--until takes an instant such as 2026-12-01T08:00:00Z, not '%s'",
			       until);
	return at.ms > when_now().ms || err_set(err, "--until %s is past", until);
}

/* The server's clock counts `for`. */
static void write_wish(const struct args *args, struct buf *json)
{
	static const char *const members[] = {"for", "until", "reason"};

	buf_json_open(json, NULL, '{');
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (args_has(args, members[i]))
			buf_json_text(json, members[i], args_value(args, members[i]));
	pausing_json_by(json);
	buf_json_close(json, '}');
}

static int run(const struct args *args)
{
	struct buf json = {0};
	struct err err;

	if (!read_times(args, &err))
		return say_usage(args, &err);
	write_wish(args, &json);
	int code = pausing_run(args, &(struct pausing){.verb = "pause",
						       .body = buf_string(&json),
						       .add_words = pausing_add_words});

	buf_finish(&json);
	return code;
}

static const struct option_row options[] = {
	{.name = "for",
	 .value = "DURATION",
	 .summary = "so long, as in 2h; else until it is resumed"},
	{.name = "until", .value = "TIME", .summary = "until then, as in 2026-12-01T08:00:00Z"},
	{.name = "reason", .value = "TEXT", .summary = "why, for those who look"},
	{.name = "all", .summary = "every job of the server"},
	{0},
};

const struct command command_pause = {
	.name = "pause",
	.operands = "[JOB]",
	.operands_max = 1,
	.complete = COMPLETE_JOB,
	.summary = "lets nothing of a job start by itself",
	.description =
		"What falls due meanwhile is skipped and not caught up later. What runs goes\n"
		"on, and is not tried again; what waits to start ends. A trigger starts the\n"
		"job as ever.",
	.examples = "  belfry pause send-reminders --for 2h --reason 'mail server moves'\n"
		    "  belfry pause --all --until 2026-12-01T08:00:00Z",
	.options = options,
	.asks_server = true,
	.run = run,
};
