/*
 * explain.c - `belfry explain`: what a schedule means, in words.
 */
#include <ctype.h>
#include <string.h>

#include "asked.h"
#include "fires.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

enum { FIRE_COUNT = 5 };

static void add_warning(void *context, const struct schedule_error *warning)
{
	struct buf *out = context;

	terminal_add(out, OUTPUT_STDOUT, STYLE_WARN, "warning: ");
	terminal_add(out, OUTPUT_STDOUT, STYLE_PLAIN, warning->message);
	buf_char(out, '\n');
}

static void json_warning(void *context, const struct schedule_error *warning)
{
	buf_json_text(context, NULL, warning->message);
}

/* "At 09:00 every day, in Europe/Paris." */
static void add_sentence(struct buf *out, const struct asked *asked)
{
	struct buf sentence = {0};

	schedule_explain(asked->schedule, &sentence);
	if (!schedule_is_reboot(asked->schedule))
		buf_format(&sentence, ", in %s", asked->timezone);
	buf_char(&sentence, '.');
	sentence.data[0] = (char)toupper((unsigned char)sentence.data[0]);
	terminal_add(out, OUTPUT_STDOUT, STYLE_BOLD, buf_string(&sentence));
	buf_char(out, '\n');
	buf_finish(&sentence);
}

/* Where it takes several, they come a line each. */
static void add_equivalent(struct buf *out, const char *equal)
{
	buf_text(out, "The same as ");
	for (; *equal; equal++) {
		if (*equal == '\n')
			buf_text(out, " and ");
		else
			buf_char(out, *equal);
	}
	buf_char(out, '\n');
}

/* A text for one, a list for several. */
static void json_equivalent(struct buf *out, const char *equal)
{
	const char *end = strchr(equal, '\n');

	if (!end) {
		buf_json_text(out, "equivalent", equal);
		return;
	}
	buf_json_open(out, "equivalent", '[');
	for (; end; equal = end + 1, end = strchr(equal, '\n'))
		buf_json_bytes(out, NULL, equal, (size_t)(end - equal));
	buf_json_text(out, NULL, equal);
	buf_json_close(out, ']');
}

static void print_text(const struct asked *asked, const struct fires *fires, struct buf *out)
{
	struct buf equal = {0}, table = {0};

	if (asked->job)
		buf_format(out, "%s: %s\n", asked->job, asked->text);
	add_sentence(out, asked);
	if (schedule_equivalent(asked->schedule, &equal))
		add_equivalent(out, buf_string(&equal));
	schedule_lint(asked->schedule, fires->from, add_warning, out);
	if (fires_write(fires, &table))
		buf_format(out, "\n%s", buf_string(&table));
	else if (!schedule_is_reboot(asked->schedule))
		buf_text(out, "It does not fire any more.\n");
	buf_finish(&equal);
	buf_finish(&table);
}

static void print_json(const struct asked *asked, const struct fires *fires, struct buf *out)
{
	struct buf sentence = {0}, equal = {0};
	bool has_equal = schedule_equivalent(asked->schedule, &equal);

	schedule_explain(asked->schedule, &sentence);
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "job", asked->job);
	buf_json_text(out, "schedule", asked->text);
	buf_json_text(out, "timezone", asked->timezone);
	buf_json_text(out, "explanation", buf_string(&sentence));
	if (has_equal)
		json_equivalent(out, buf_string(&equal));
	else
		buf_json_null(out, "equivalent");
	buf_json_open(out, "warnings", '[');
	schedule_lint(asked->schedule, fires->from, json_warning, out);
	buf_json_close(out, ']');
	buf_json_open(out, "next", '[');
	fires_json_objects(fires, out);
	buf_json_close(out, ']');
	buf_json_close(out, '}');
	buf_char(out, '\n');
	buf_finish(&sentence);
	buf_finish(&equal);
}

static int run(const struct args *args)
{
	struct asked asked;
	struct buf out = {0};
	int code = asked_init(&asked, args);

	if (code == CLI_OK) {
		struct fires fires = {
			.schedule = asked.schedule, .from = when_now(), .count = FIRE_COUNT};

		if (args_has(args, "json")) {
			print_json(&asked, &fires, &out);
			code = say_print(args, &out);
		} else {
			print_text(&asked, &fires, &out);
			code = say_text(args, &out);
		}
	}
	asked_finish(&asked);
	return code;
}

static const struct option_row options[] = {
	ASKED_OPTIONS,
	{0},
};

const struct command command_explain = {
	.name = "explain",
	.operands = "[SCHEDULE]",
	.operands_max = 1,
	.summary = "what a schedule means, in words",
	.description =
		"SCHEDULE is a cron expression, a macro, or a calendar form as JSON. Says it in\n"
		"one sentence, gives the equal calendar form or cron expression where there is\n"
		"one, warns of what is legal but likely unmeant, and shows the next five fires.",
	.examples = "  belfry explain '0 9 1-7 * +MON'\n"
		    "  belfry explain '{\"every\": \"week\", \"weekday\": \"monday\", \"time\": "
		    "\"10:00\"}'\n"
		    "  belfry explain --job send-weekly-digest\n",
	.options = options,
	.run = run,
};
