/* show.c - jobs and runs of the API's answers, as cells of tables; see show.h. */
#include "show.h"

#include <string.h>
#include <strings.h>

#include "client.h"
#include "run.h"
#include "say.h"
#include "table.h"
#include "verdict.h"
#include "when.h"

static const enum style outcome_styles[] = {
	[OUTCOME_NONE] = STYLE_PLAIN,    [OUTCOME_SUCCEEDED] = STYLE_GOOD,
	[OUTCOME_PARTIAL] = STYLE_WARN,  [OUTCOME_FAILED] = STYLE_BAD,
	[OUTCOME_TIMED_OUT] = STYLE_BAD, [OUTCOME_CANCELED] = STYLE_WARN,
	[OUTCOME_UNKNOWN] = STYLE_BAD,
};

enum style show_style(const char *word)
{
	enum outcome outcome;

	return outcome_from_word(word, &outcome) ? outcome_styles[outcome] : STYLE_PLAIN;
}

const char *show_outcome(const json_t *run)
{
	const char *outcome = client_text(run, "outcome");

	return *outcome ? outcome : client_text(run, "state");
}

/* ---- schedules ---- */

static const struct {
	const char *begins, *name;
} weekdays[] = {
	{"mon", "Monday"}, {"tue", "Tuesday"},  {"wed", "Wednesday"}, {"thu", "Thursday"},
	{"fri", "Friday"}, {"sat", "Saturday"}, {"sun", "Sunday"},
};

static void add_weekday(struct buf *out, const char *word)
{
	for (size_t i = 0; i < sizeof(weekdays) / sizeof(weekdays[0]); i++)
		if (strncasecmp(word, weekdays[i].begins, 3) == 0)
			word = weekdays[i].name;
	buf_text(out, word);
}

static void add_word(struct buf *out, const char *word)
{
	buf_text(out, word);
}

/* A text, or a list of them with commas between. */
static void add_list(struct buf *out, const json_t *value,
		     void (*add)(struct buf *out, const char *word))
{
	if (json_is_string(value))
		add(out, json_string_value(value));
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *word = json_string_value(json_array_get(value, i));

		buf_text(out, i ? ", " : "");
		add(out, word ? word : "");
	}
}

void show_schedule(struct buf *out, const json_t *job)
{
	const json_t *schedule = json_object_get(job, "schedule");
	const char *every = client_text(schedule, "every");
	const json_t *weekday = json_object_get(schedule, "weekday");
	const json_t *time = json_object_get(schedule, "time");

	if (json_is_string(schedule)) {
		buf_text(out, json_string_value(schedule));
	} else if (strcmp(every, "week") == 0 && weekday && time) {
		add_list(out, weekday, add_weekday);
		buf_char(out, ' ');
		add_list(out, time, add_word);
	} else if (strcmp(every, "day") == 0 && time) {
		buf_text(out, "daily ");
		add_list(out, time, add_word);
	} else {
		buf_text(out, client_text(job, "explain"));
	}
}

/* ---- runs ---- */

void show_why(struct buf *out, const json_t *run)
{
	const char *message = client_text(run, "message");
	int64_t number = client_int(run, "signal", 0), code = client_int(run, "exit_code", 0);

	if (*message)
		buf_text(out, message);
	else if (number > 0 && verdict_signal_name((int32_t)number))
		buf_text(out, verdict_signal_name((int32_t)number));
	else if (number > 0)
		buf_format(out, "signal %lld", (long long)number);
	else if (code > 0)
		buf_format(out, "exit code %lld", (long long)code);
}

static void add_took_text(struct buf *out, const char *before, int64_t ms)
{
	if (ms < 0)
		return;
	buf_text(out, before);
	when_took(out, ms);
}

void show_verdict(struct buf *out, const struct verdict_text *verdict)
{
	const char *why = verdict->why ? verdict->why : "", *colon = *why ? ": " : "";
	enum outcome outcome = OUTCOME_NONE;

	outcome_from_word(verdict->outcome, &outcome);
	switch (outcome) {
	case OUTCOME_SUCCEEDED:
	case OUTCOME_PARTIAL:
		buf_text(out, verdict->outcome);
		add_took_text(out, " in ", verdict->took_ms);
		buf_format(out, "%s%s", colon, why);
		break;
	case OUTCOME_TIMED_OUT:
		buf_text(out, "timed out");
		add_took_text(out, " after ", verdict->took_ms);
		break;
	case OUTCOME_CANCELED:
		buf_text(out, "canceled");
		add_took_text(out, " after ", verdict->took_ms);
		buf_format(out, "%s%s", colon, why);
		break;
	case OUTCOME_FAILED:
	case OUTCOME_UNKNOWN:
	case OUTCOME_NONE:
	case OUTCOME_COUNT:
		buf_format(out, "%s%s%s", verdict->outcome, colon, why);
		add_took_text(out, ", after ", verdict->took_ms);
		break;
	}
}

void show_say_verdict(const struct verdict_text *verdict)
{
	struct buf text = {0}, line = {0};

	show_verdict(&text, verdict);
	terminal_add(&line, OUTPUT_STDERR, show_style(verdict->outcome), buf_string(&text));
	buf_char(&line, '\n');
	terminal_write(OUTPUT_STDERR, line.data, line.length);
	buf_finish(&text);
	buf_finish(&line);
}

void show_say_no_dry_run(const char *job)
{
	say_note("%s has no \"dry_run\" in the file: only BELFRY_DRY_RUN=1 tells it that this is a "
		 "dry run",
		 job);
}

void show_say_refused(const struct args *args)
{
	struct err err;
	json_t *health = client_get(args, "/health", &err);
	const json_t *config = json_object_get(health, "config");
	const char *why = client_text(config, "message");

	if (strcmp(client_text(config, "status"), "refused") == 0)
		say_note("schedules.json is refused; revision %lld stays in force: %.*s",
			 (long long)client_int(health, "revision", 0), (int)strcspn(why, "\n"),
			 why);
	json_decref(health);
}

/* Since the run began, or was recorded if it did not begin yet. */
static struct utc began(const json_t *run)
{
	struct utc at = client_time(run, "started_at");

	return utc_is_set(at) ? at : client_time(run, "claimed_at");
}

void show_last(struct buf *out, const json_t *run, struct utc now)
{
	struct utc at = client_time(run, "finished_at");

	if (!json_is_object(run)) {
		buf_char(out, '-');
		return;
	}
	buf_format(out, "%s ", show_outcome(run));
	if (utc_is_set(at))
		when_relative(out, at, now);
	else if (utc_is_set(began(run)))
		when_took(out, now.ms - began(run).ms);
}

static void add_took(struct table *table, const json_t *run, struct utc now)
{
	struct utc started = client_time(run, "started_at");
	int64_t ms = client_int(run, "duration_ms", -1);
	struct buf text = {0};

	if (ms < 0 && utc_is_set(started) && !utc_is_set(client_time(run, "finished_at")))
		ms = now.ms - started.ms;
	if (ms >= 0)
		when_took(&text, ms);
	table_add(table, STYLE_PLAIN, ms >= 0 ? buf_string(&text) : NULL);
	buf_finish(&text);
}

/* For people: seconds; where there is little room, without the year. */
static void add_started(struct table *table, struct utc started)
{
	char text[UTC_TEXT_MAX] = "", brief[] = "MM-DD hh:mm:ss";

	if (!utc_is_set(started)) {
		table_add(table, STYLE_PLAIN, NULL);
		return;
	}
	started.ms -= started.ms % 1000;
	utc_format(started, text);
	memcpy(brief, text + 5, 5);
	memcpy(brief + 6, text + 11, 8);
	table_add_brief(table, STYLE_PLAIN, text, brief);
}

/* Tried more than once, then why. */
static void add_remark(struct table *table, const json_t *run)
{
	int64_t attempt = client_int(run, "attempt", 1);
	struct buf text = {0};

	show_why(&text, run);
	if (attempt > 1) {
		struct buf why = text;

		text = (struct buf){0};
		buf_format(&text, "attempt %lld%s%s", (long long)attempt, why.length ? ": " : "",
			   buf_string(&why));
		buf_finish(&why);
	}
	table_add(table, STYLE_PLAIN, buf_string(&text));
	buf_finish(&text);
}

/* Which release it was: on a narrow terminal without registry and digest. */
static void add_image(struct table *table, const json_t *run)
{
	const char *image = client_text(run, "image"), *slash = strrchr(image, '/');
	struct buf brief = {0};

	if (!*image) {
		table_add(table, STYLE_PLAIN, NULL);
		return;
	}
	slash = slash ? slash + 1 : image;
	buf_add(&brief, slash, strcspn(slash, "@"));
	table_add_brief(table, STYLE_PLAIN, image, buf_string(&brief));
	buf_finish(&brief);
}

static void add_run(struct table *table, const json_t *run, bool with_job, bool with_image,
		    struct utc now)
{
	struct utc started = client_time(run, "started_at");
	const char *outcome = show_outcome(run), *trigger = client_text(run, "trigger");

	table_add(table, STYLE_PLAIN, client_text(run, "id"));
	if (with_job)
		table_add(table, STYLE_PLAIN, client_text(run, "job"));
	table_format(table, STYLE_PLAIN, "%s%s", trigger,
		     client_bool(run, "dry_run") ? " (dry)" : "");
	add_started(table, started);
	add_took(table, run, now);
	if (with_image)
		add_image(table, run);
	table_add(table, show_style(outcome), outcome);
	add_remark(table, run);
}

static bool have_images(const json_t *runs)
{
	for (size_t i = 0; i < json_array_size(runs); i++)
		if (*client_text(json_array_get(runs, i), "image"))
			return true;
	return false;
}

void show_runs(struct buf *out, const json_t *runs, bool with_job, struct utc now)
{
	static const struct table_column columns[] = {
		{.title = "ID"},
		{.title = "JOB", .least = 20, .rank = 1},
		{.title = "TRIGGER", .may_go = true, .rank = 3},
		{.title = "STARTED (UTC)", .may_go = true, .rank = 1},
		{.title = "TOOK", .may_go = true, .rank = 2},
		{.title = "IMAGE", .may_go = true, .rank = 4},
		{.title = "OUTCOME"},
		{.title = "", .wraps = true, .rank = 2},
	};
	enum { COUNT = sizeof(columns) / sizeof(columns[0]), JOB = 1, IMAGE = 5 };
	struct table_column chosen[COUNT];
	bool with_image = !with_job && have_images(runs);
	size_t count = 0;
	struct table table;

	for (size_t i = 0; i < COUNT; i++)
		if ((with_job || i != JOB) && (with_image || i != IMAGE))
			chosen[count++] = columns[i];
	table_init(&table, chosen, count);
	for (size_t i = 0; i < json_array_size(runs); i++)
		add_run(&table, json_array_get(runs, i), with_job, with_image, now);
	table_write(&table, out);
	table_finish(&table);
}
