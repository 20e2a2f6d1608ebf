/* schema.c - the JSON Schema (2020-12) of the file, from the table of keys. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "keys.h"
#include "str.h"

static const char *const weekdays[] = {"sunday",   "monday", "tuesday", "wednesday",
				       "thursday", "friday", "saturday"};
static const char *const months[] = {"january",   "february", "march",    "april",
				     "may",       "june",     "july",     "august",
				     "september", "october",  "november", "december"};
static const char *const nths[] = {"first", "second", "third", "fourth", "fifth", "last"};

/* ---- patterns of calendar words, which take any case ---- */

static void add_any_case(struct buf *pattern, const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (word[i] >= 'a' && word[i] <= 'z')
			buf_format(pattern, "[%c%c]", word[i] - 0x20, word[i]);
		else
			buf_char(pattern, word[i]);
	}
}

static void add_words(struct buf *pattern, const char *const *words, size_t count, bool has_short)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(pattern, '|');
		add_any_case(pattern, words[i], strlen(words[i]));
		if (!has_short)
			continue;
		buf_char(pattern, '|');
		add_any_case(pattern, words[i], 3);
	}
}

static void add_day(struct buf *pattern)
{
	buf_text(pattern, "0{0,3}[1-9]|0{0,2}([12][0-9]|3[01])|");
	add_any_case(pattern, "last", 4);
	buf_char(pattern, '|');
	add_any_case(pattern, "last weekday", 12);
	buf_text(pattern, "|(");
	add_words(pattern, nths, 6, false);
	buf_text(pattern, ") (");
	add_words(pattern, weekdays, 7, true);
	buf_char(pattern, ')');
}

/* What the text of a calendar member looks like; the least and most of a number. */
static void calendar_pattern(enum key key, struct buf *pattern, int *least, int *most)
{
	buf_text(pattern, "^(");
	*least = 1;
	*most = 0;
	if (key == KEY_MONTH) {
		buf_text(pattern, "0{0,3}[1-9]|0{0,2}1[0-2]|");
		add_words(pattern, months, 12, true);
		*most = 12;
	} else if (key == KEY_DAY) {
		add_day(pattern);
		*most = 31;
	} else if (key == KEY_WEEKDAY) {
		add_words(pattern, weekdays, 7, true);
	} else if (key == KEY_TIME) {
		buf_text(pattern, "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?");
	} else {
		buf_text(pattern, "0{0,3}[0-9]|0{0,2}[1-5][0-9]");
		*least = 0;
		*most = 59;
	}
	buf_text(pattern, ")$");
}

static void write_calendar_item(struct buf *json, const char *pattern, int least, int most)
{
	buf_json_open(json, "type", '[');
	buf_json_text(json, NULL, "string");
	if (most)
		buf_json_text(json, NULL, "integer");
	buf_json_close(json, ']');
	buf_json_text(json, "pattern", pattern);
	if (!most)
		return;
	buf_json_int(json, "minimum", least);
	buf_json_int(json, "maximum", most);
}

static void write_calendar(struct buf *json, enum key key)
{
	struct buf pattern = {0};
	int least, most;

	calendar_pattern(key, &pattern, &least, &most);
	buf_json_open(json, "anyOf", '[');
	buf_json_open(json, NULL, '{');
	write_calendar_item(json, buf_string(&pattern), least, most);
	buf_json_close(json, '}');
	buf_json_open(json, NULL, '{');
	buf_json_text(json, "type", "array");
	buf_json_int(json, "minItems", 1);
	buf_json_open(json, "items", '{');
	write_calendar_item(json, buf_string(&pattern), least, most);
	buf_json_close(json, '}');
	buf_json_close(json, '}');
	buf_json_close(json, ']');
	buf_finish(&pattern);
}

/* ---- which calendar members go together ---- */

static const struct unit {
	const char *word;
	enum key needs[4];
} units[] = {
	{"hour", {KEY_MINUTE}},
	{"day", {KEY_TIME}},
	{"week", {KEY_WEEKDAY, KEY_TIME}},
	{"month", {KEY_DAY, KEY_TIME}},
	{"year", {KEY_MONTH, KEY_DAY, KEY_TIME}},
};
enum { UNIT_COUNT = sizeof(units) / sizeof(units[0]) };
static const enum key members[] = {KEY_MONTH, KEY_DAY, KEY_WEEKDAY, KEY_TIME, KEY_MINUTE};
enum { MEMBER_COUNT = sizeof(members) / sizeof(members[0]) };

static bool needs(const struct unit *unit, enum key key)
{
	for (size_t i = 0; unit && i < 4; i++)
		if (unit->needs[i] == key)
			return true;
	return false;
}

/* One shape of the calendar form: `every` of that pattern and just these members;
 * unit NULL is a duration. */
static void write_shape(struct buf *json, const struct unit *unit)
{
	struct buf pattern = {0};

	if (unit) {
		buf_char(&pattern, '^');
		add_any_case(&pattern, unit->word, strlen(unit->word));
		buf_char(&pattern, '$');
	}
	buf_json_open(json, NULL, '{');
	buf_json_open(json, "properties", '{');
	buf_json_open(json, "every", '{');
	buf_json_text(json, "pattern", unit ? buf_string(&pattern) : DURATION_PATTERN);
	buf_json_close(json, '}');
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (!needs(unit, members[i]))
			buf_json_bool(json, keys[members[i]].name, false);
	buf_json_bool(json, "at", false);
	buf_json_close(json, '}');
	buf_json_open(json, "required", '[');
	buf_json_text(json, NULL, "every");
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (needs(unit, members[i]))
			buf_json_text(json, NULL, keys[members[i]].name);
	buf_json_close(json, ']');
	buf_json_close(json, '}');
	buf_finish(&pattern);
}

static void write_shapes(struct buf *json)
{
	buf_json_open(json, "anyOf", '[');
	for (size_t i = 0; i < UNIT_COUNT; i++)
		write_shape(json, &units[i]);
	write_shape(json, NULL);
	buf_json_raw(json, NULL, "{\"required\":[\"at\"],\"maxProperties\":1}");
	buf_json_close(json, ']');
}

/* ---- kinds ---- */

static void write_text(struct buf *json, const struct key_row *row)
{
	buf_json_text(json, "type", "string");
	if (row->least)
		buf_json_int(json, "minLength", 1);
	if (row->most)
		buf_json_int(json, "maxLength", row->most);
	if (text_rules[row->rule].pattern)
		buf_json_text(json, "pattern", text_rules[row->rule].pattern);
}

static void write_integer(struct buf *json, const struct key_row *row)
{
	buf_json_text(json, "type", "integer");
	buf_json_int(json, "minimum", row->least);
	buf_json_int(json, "maximum", row->most);
}

/* A text of that pattern, or a whole number. */
static void write_text_or_number(struct buf *json, const char *pattern, int64_t least, int64_t most)
{
	buf_json_raw(json, "type", "[\"string\",\"integer\"]");
	buf_json_text(json, "pattern", pattern);
	buf_json_int(json, "minimum", least);
	buf_json_int(json, "maximum", most);
}

static void write_enum(struct buf *json, const struct key_row *row)
{
	buf_json_open(json, "enum", '[');
	for (const char *const *word = row->words; *word; word++)
		buf_json_text(json, NULL, *word);
	buf_json_close(json, ']');
}

static void write_items(struct buf *json, const struct key_row *row,
			void (*write)(struct buf *, const struct key_row *))
{
	buf_json_text(json, "type", "array");
	buf_json_open(json, "items", '{');
	write(json, row);
	buf_json_close(json, '}');
}

static void write_one_or_list(struct buf *json, const struct key_row *row,
			      void (*write)(struct buf *, const struct key_row *))
{
	buf_json_open(json, "anyOf", '[');
	buf_json_open(json, NULL, '{');
	write(json, row);
	buf_json_close(json, '}');
	buf_json_open(json, NULL, '{');
	write_items(json, row, write);
	buf_json_close(json, '}');
	buf_json_close(json, ']');
}

static void write_map(struct buf *json, const struct key_row *row)
{
	buf_json_text(json, "type", "object");
	buf_json_open(json, "propertyNames", '{');
	buf_json_text(json, "pattern", text_rules[row->rule].pattern);
	buf_json_close(json, '}');
	buf_json_int(json, "maxProperties", MAP_MAX);
	buf_json_raw(json, "additionalProperties", "{\"type\":\"string\"}");
}

static void write_object(struct buf *json, enum key parent, bool is_default);

static void write_schedule(struct buf *json)
{
	buf_json_open(json, "anyOf", '[');
	buf_json_raw(json, NULL, "{\"type\":\"string\",\"minLength\":1,\"maxLength\":1024}");
	buf_json_open(json, NULL, '{');
	write_object(json, KEY_SCHEDULE, false);
	write_shapes(json);
	buf_json_close(json, '}');
	buf_json_close(json, ']');
}

static void write_thousandths(struct buf *json, const char *name, int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64 ".%03d", number / 1000, (int)(number % 1000));
	buf_json_raw(json, name, text);
}

static void write_fraction(struct buf *json, const struct key_row *row)
{
	buf_json_text(json, "type", "number");
	write_thousandths(json, "minimum", row->least);
	write_thousandths(json, "maximum", row->most);
}

static void write_kind(struct buf *json, enum key key, bool is_default)
{
	const struct key_row *row = &keys[key];

	switch (row->kind) {
	case KIND_TEXT: write_text(json, row); return;
	case KIND_ZONE: buf_json_text(json, "type", "string"); return;
	case KIND_DURATION:
		write_text_or_number(json, DURATION_PATTERN, (row->least + 999) / 1000,
				     row->most / 1000);
		return;
	case KIND_INTEGER: write_integer(json, row); return;
	case KIND_SIZE: write_text_or_number(json, SIZE_PATTERN, row->least, row->most); return;
	case KIND_FRACTION: write_fraction(json, row); return;
	case KIND_SWITCH: buf_json_text(json, "type", "boolean"); return;
	case KIND_WORD: write_enum(json, row); return;
	case KIND_OUTCOMES: write_items(json, row, write_enum); return;
	case KIND_TEXTS: write_items(json, row, write_text); return;
	case KIND_NAMES: write_one_or_list(json, row, write_text); return;
	case KIND_INTEGERS: write_one_or_list(json, row, write_integer); return;
	case KIND_MAP: write_map(json, row); return;
	case KIND_UMASK:
		buf_json_text(json, "type", "string");
		buf_json_text(json, "pattern", UMASK_PATTERN);
		return;
	case KIND_COMMAND:
		buf_json_raw(json, "type", "[\"string\",\"array\"]");
		buf_json_raw(json, "items", "{\"type\":\"string\"}");
		return;
	case KIND_STATUS: write_text_or_number(json, STATUS_PATTERN, row->least, row->most); return;
	case KIND_SCHEDULE: write_schedule(json); return;
	case KIND_CALENDAR: write_calendar(json, key); return;
	case KIND_OBJECT: write_object(json, key, is_default); return;
	case KIND_ANY: buf_json_text(json, "type", "object"); return;
	case KIND_DEFAULTS: buf_json_text(json, "$ref", "#/$defs/defaults"); return;
	case KIND_JOBS:
		buf_json_raw(json, "type", "\"array\"");
		buf_json_raw(json, "items", "{\"$ref\":\"#/$defs/job\"}");
		return;
	case KIND_COUNT: return;
	}
}

/* ---- objects ---- */

static void write_description(struct buf *json, const struct key_row *row)
{
	struct buf text = {0};

	buf_text(&text, row->summary);
	if (row->is_expanded)
		buf_text(&text, " (${NAME} is taken from the environment)");
	buf_json_text(json, "description", buf_string(&text));
	buf_finish(&text);
}

static void write_property(struct buf *json, enum key key, bool is_default)
{
	buf_json_open(json, keys[key].name, '{');
	write_description(json, &keys[key]);
	if (keys[key].default_json && !is_default)
		buf_json_raw(json, "default", keys[key].default_json);
	write_kind(json, key, is_default);
	buf_json_close(json, '}');
}

/* The members of an object; of "defaults" those that may stand there. */
static void write_object(struct buf *json, enum key parent, bool is_default)
{
	bool has_required = false;

	buf_json_text(json, "type", "object");
	buf_json_open(json, "properties", '{');
	for (int i = (int)parent + 1; i < KEY_COUNT; i++) {
		if (keys[i].parent != parent || (is_default && keys[i].is_job_only))
			continue;
		write_property(json, (enum key)i, is_default);
		has_required |= keys[i].is_required;
	}
	buf_json_close(json, '}');
	buf_json_bool(json, "additionalProperties", false);
	if (parent == KEY_VERIFY) /* something has to be asked */
		buf_json_raw(json, "anyOf", "[{\"required\":[\"url\"]},{\"required\":[\"fly\"]}]");
	if (!has_required || is_default)
		return;
	buf_json_open(json, "required", '[');
	for (int i = (int)parent + 1; i < KEY_COUNT; i++)
		if (keys[i].parent == parent && keys[i].is_required)
			buf_json_text(json, NULL, keys[i].name);
	buf_json_close(json, ']');
}

/* ---- which keys of a job go together ---- */

static const char ONE_TIMEOUT[] = "{\"required\":[\"timeout\",\"command_timeout\"]}";

static const enum key executor_keys[] = {KEY_VERIFY,   KEY_DOCKER, KEY_FLY,   KEY_HTTP,
					 KEY_APP_NAME, KEY_REGION, KEY_CONFIG};
enum { EXECUTOR_KEYS = sizeof(executor_keys) / sizeof(executor_keys[0]) };

/* Exactly one of these holds: `main` is there, and of the others only what may be. */
static const struct executor_shape {
	enum key main, may[2];
	bool no_command;
} executors[] = {
	{KEY_COMMAND, {KEY_NONE, KEY_NONE}, false}, {KEY_DOCKER, {KEY_NONE, KEY_NONE}, false},
	{KEY_FLY, {KEY_NONE, KEY_NONE}, false},     {KEY_APP_NAME, {KEY_REGION, KEY_CONFIG}, false},
	{KEY_HTTP, {KEY_NONE, KEY_NONE}, true},     {KEY_VERIFY, {KEY_NONE, KEY_NONE}, true},
};

static void write_executor(struct buf *json, const struct executor_shape *shape)
{
	buf_json_open(json, NULL, '{');
	buf_json_open(json, "required", '[');
	buf_json_text(json, NULL, keys[shape->main].name);
	buf_json_close(json, ']');
	buf_json_open(json, "properties", '{');
	for (size_t i = 0; i < EXECUTOR_KEYS; i++)
		if (executor_keys[i] != shape->main && executor_keys[i] != shape->may[0] &&
		    executor_keys[i] != shape->may[1])
			buf_json_bool(json, keys[executor_keys[i]].name, false);
	if (shape->no_command)
		buf_json_bool(json, "command", false);
	if (shape->main == KEY_COMMAND)
		buf_json_raw(json, "command",
			     "{\"pattern\":\"[^ \\\\t\\\\n]\",\"minItems\":1,\"prefixItems\":"
			     "[{\"minLength\":1}]}");
	buf_json_close(json, '}');
	buf_json_close(json, '}');
}

static void write_job(struct buf *json)
{
	buf_json_open(json, "job", '{');
	write_object(json, KEY_JOBS, false);
	buf_json_raw(json, "not", ONE_TIMEOUT);
	buf_json_open(json, "oneOf", '[');
	for (size_t i = 0; i < sizeof(executors) / sizeof(executors[0]); i++)
		write_executor(json, &executors[i]);
	buf_json_close(json, ']');
	buf_json_close(json, '}');
}

void config_write_schema(struct buf *json)
{
	buf_json_open(json, NULL, '{');
	buf_json_text(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
	buf_json_text(json, "title", "schedules.json of belfry");
	buf_json_raw(json, "anyOf",
		     "[{\"$ref\":\"#/$defs/file\"},{\"$ref\":\"#/$defs/job\"},"
		     "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/job\"}}]");
	buf_json_open(json, "$defs", '{');
	buf_json_open(json, "file", '{');
	write_object(json, KEY_NONE, false);
	buf_json_close(json, '}');
	write_job(json);
	buf_json_open(json, "defaults", '{');
	write_object(json, KEY_JOBS, true);
	buf_json_raw(json, "not", ONE_TIMEOUT);
	buf_json_close(json, '}');
	buf_json_close(json, '}');
	buf_json_close(json, '}');
}
