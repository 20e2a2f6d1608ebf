/*
 * next.c - `belfry next`: when a schedule fires.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "asked.h"
#include "batch_line.h"
#include "fires.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

/* ---- --batch: a question a line, an answer a line ---- */

enum { LINE_MAX_BYTES = 1 << 20, READ_SIZE = 64 * 1024 };

struct batch {
	struct zoneinfo *zones;
	struct buf in, out;
	bool is_skipping; /* the rest of a line that was too long */
};

static void answer_line(struct batch *batch, const char *line, size_t length)
{
	schedule_batch_line(line, length, zoneinfo_source(batch->zones), &batch->out);
	buf_char(&batch->out, '\n');
}

static void answer_too_long(struct batch *batch)
{
	buf_format(&batch->out,
		   "{\"error\":{\"message\":\"the line is longer than %d bytes\","
		   "\"where\":\"line\",\"column\":%d,\"length\":0}}\n",
		   LINE_MAX_BYTES, LINE_MAX_BYTES + 1);
}

/* Answers every whole line; what is left of `in` is the beginning of one. */
static void answer_lines(struct batch *batch)
{
	const char *at = batch->in.data, *end = at + batch->in.length, *newline;

	while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		if (batch->is_skipping)
			batch->is_skipping = false;
		else if (newline - at > LINE_MAX_BYTES)
			answer_too_long(batch);
		else
			answer_line(batch, at, (size_t)(newline - at));
		at = newline + 1;
	}
	buf_drop_front(&batch->in, (size_t)(at - batch->in.data));
	if (batch->is_skipping) {
		buf_clear(&batch->in);
	} else if (batch->in.length > LINE_MAX_BYTES) {
		answer_too_long(batch);
		buf_clear(&batch->in);
		batch->is_skipping = true;
	}
}

/* What is there is answered before more is waited for, so that a program may ask
 * and wait for each answer. */
static bool answer_all(struct batch *batch, struct err *err)
{
	static char data[READ_SIZE];

	for (;;) {
		ssize_t n = read(STDIN_FILENO, data, sizeof(data));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot read standard input");
		if (n == 0)
			break;
		buf_add(&batch->in, data, (size_t)n);
		answer_lines(batch);
		if (batch->out.length && !terminal_print(&batch->out))
			return err_set(err, "cannot write to standard output");
		buf_clear(&batch->out);
	}
	if (batch->in.length)
		answer_line(batch, batch->in.data, batch->in.length);
	return batch->out.length == 0 || terminal_print(&batch->out) ||
	       err_set(err, "cannot write to standard output");
}

static int run_batch(const struct args *args)
{
	struct batch batch = {0};
	struct err err;

	if (args_operand(args, 0) || args_has(args, "job")) {
		err_set(&err, "--batch reads its questions from standard input");
		return say_usage(args, &err);
	}
	batch.zones = zoneinfo_create(NULL);
	bool is_done = answer_all(&batch, &err);
	zoneinfo_destroy(batch.zones);
	buf_finish(&batch.in);
	buf_finish(&batch.out);
	return is_done ? CLI_OK : say_failed(args, &err);
}

/* ---- one schedule ---- */

static bool read_fires(const struct asked *asked, const struct args *args, struct fires *fires,
		       struct err *err)
{
	const char *from = args_value(args, "from");

	*fires = (struct fires){.schedule = asked->schedule, .from = when_now()};
	if (from && !asked_instant(asked, from, &fires->from))
		return err_set(err,
			       "--from takes an instant such as 2026-03-29T01:00:00Z, or a date or "
			       "date-time in the schedule's zone, not '%s'",
			       from);
	return args_number(args, "count", 1, BATCH_FIRES_MAX, 5, &fires->count, err);
}

static void print_json(const struct fires *fires, struct buf *out)
{
	buf_json_open(out, NULL, '{');
	buf_json_open(out, "next", '[');
	fires_json_times(fires, out);
	buf_json_close(out, ']');
	buf_json_close(out, '}');
	buf_char(out, '\n');
}

static int print(const struct args *args, const struct fires *fires)
{
	struct buf out = {0};

	if (args_has(args, "json"))
		print_json(fires, &out);
	else if (schedule_is_reboot(fires->schedule))
		say_note("no fixed instant: it fires once each time the service starts");
	else if (!fires_write(fires, &out))
		say_note("it does not fire any more");
	return say_print(args, &out);
}

static int run(const struct args *args)
{
	struct asked asked;
	struct fires fires;
	struct err err;

	if (args_has(args, "batch"))
		return run_batch(args);
	int code = asked_init(&asked, args);
	if (code == CLI_OK)
		code = read_fires(&asked, args, &fires, &err) ? print(args, &fires)
							      : say_usage(args, &err);
	asked_finish(&asked);
	return code;
}

static const struct option_row options[] = {
	ASKED_OPTIONS,
	{.name = "from", .value = "TIME", .summary = "fires after TIME (now)"},
	{.name = "count", .letter = 'n', .value = "N", .summary = "so many fires (5)"},
	{.name = "batch", .summary = "answer a question a line of standard input"},
	{0},
};

const struct command command_next = {
	.name = "next",
	.operands = "[SCHEDULE]",
	.operands_max = 1,
	.summary = "when a schedule fires next",
	.description =
		"SCHEDULE is a cron expression, a macro, or a calendar form as JSON. Each fire is\n"
		"shown by the clock of its zone and in UTC, with what daylight saving did to it.\n"
		"TIME is an instant (RFC 3339), or a date or date-time in that zone.\n"
		"\n"
		"--batch reads {\"expr\": …, \"tz\": …, \"from\": …, \"n\": …, \"name\": …} a line "
		"and\n"
		"answers each with {\"next\": […]} or {\"error\": {…}}.",
	.examples =
		"  belfry next '0 9 * * mon' --tz Europe/Paris\n"
		"  belfry next '30 2 * * *' --tz America/New_York --from 2026-03-07 -n 3\n"
		"  belfry next '{\"every\": \"month\", \"day\": \"last\", \"time\": \"23:00\"}'\n"
		"  belfry next --job send-reminders\n",
	.options = options,
	.run = run,
};
