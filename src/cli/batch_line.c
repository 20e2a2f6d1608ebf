/* batch_line.c - one line of `belfry next --batch`; see batch_line.h. */
#include "batch_line.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "schedule.h"
#include "utf8.h"
#include "zone_offer.h"

/* What a line asks. Borrowed from its JSON. */
struct question {
	const char *expr, *tz, *name;
	size_t expr_length;
	struct utc from;
	json_int_t count;
};

static bool answer_error(struct buf *out, const char *where, const char *message, size_t column,
			 size_t length)
{
	buf_json_open(out, NULL, '{');
	buf_json_open(out, "error", '{');
	buf_json_text(out, "message", message);
	buf_json_text(out, "where", where);
	buf_json_int(out, "column", (int64_t)column);
	buf_json_int(out, "length", (int64_t)length);
	buf_json_close(out, '}');
	buf_json_close(out, '}');
	return false;
}

/* About a member as a whole. */
static bool wrong_member(struct buf *out, const char *key, const json_t *value, const char *problem)
{
	char message[256];
	size_t length = json_is_string(value) ? json_string_length(value) : 0;

	snprintf(message, sizeof(message), "\"%s\" %s", key, problem);
	return answer_error(out, key, message, 1, length);
}

/* A text member without NUL; *text is left alone where it is absent. */
static bool text_member(const json_t *line, const char *key, const char **text, struct buf *out)
{
	const json_t *value = json_object_get(line, key);

	if (!value)
		return true;
	if (!json_is_string(value))
		return wrong_member(out, key, value, "is no string");
	if (strlen(json_string_value(value)) != json_string_length(value))
		return wrong_member(out, key, value, "has a NUL character inside");
	*text = json_string_value(value);
	return true;
}

static bool read_expr(const json_t *line, struct question *q, struct buf *out)
{
	const json_t *expr = json_object_get(line, "expr");

	if (!json_is_string(expr))
		return wrong_member(out, "expr", expr, expr ? "is no string" : "is missing");
	q->expr = json_string_value(expr);
	q->expr_length = json_string_length(expr);
	return true;
}

static bool read_from(const json_t *line, struct question *q, struct buf *out)
{
	const json_t *from = json_object_get(line, "from");
	const char *text = "";

	if (!from)
		return wrong_member(out, "from", from, "is missing; write 2026-03-01T10:00:00Z");
	if (!text_member(line, "from", &text, out))
		return false;
	if (!utc_parse(text, strlen(text), &q->from))
		return wrong_member(out, "from", from,
				    "is no RFC 3339 date-time such as 2026-03-01T10:00:00Z");
	return true;
}

static bool read_count(const json_t *line, struct question *q, struct buf *out)
{
	const json_t *n = json_object_get(line, "n");

	q->count = n ? json_integer_value(n) : 1;
	if (n && (!json_is_integer(n) || q->count < 0 || q->count > BATCH_FIRES_MAX))
		return wrong_member(out, "n", n, "is no whole number from 0 to 10000");
	return true;
}

static bool read_question(const json_t *line, struct question *q, struct buf *out)
{
	if (!json_is_object(line))
		return answer_error(out, "line", "the line is no JSON object", 1, 0);
	q->tz = "UTC";
	q->name = "";
	return read_expr(line, q, out) && text_member(line, "tz", &q->tz, out) &&
	       text_member(line, "name", &q->name, out) && read_from(line, q, out) &&
	       read_count(line, q, out);
}

static const struct zone *find_zone(const struct question *q, const struct zone_source *zones,
				    struct buf *out)
{
	struct err err = {{0}};
	char message[512];

	const struct zone *zone = zones->get(zones->context, q->tz, &err);
	if (zone)
		return zone;
	zone_unknown(zones, q->tz, &err, message, sizeof(message));
	answer_error(out, "tz", message, 1, strlen(q->tz));
	return NULL;
}

static void answer_fires(const struct question *q, const struct schedule *schedule, struct buf *out)
{
	struct utc at = q->from;

	buf_json_open(out, NULL, '{');
	buf_json_open(out, "next", '[');
	for (json_int_t i = 0; i < q->count && schedule_next_after(schedule, at, &at); i++)
		buf_json_time(out, NULL, at);
	buf_json_close(out, ']');
	buf_json_close(out, '}');
}

static void answer(const struct question *q, const struct zone_source *zones, struct buf *out)
{
	struct schedule_context context = {.job_name = q->name, .zones = zones};
	struct schedule_error error = {0};
	const struct schedule *schedule;
	struct arena arena = {0};

	context.zone = find_zone(q, zones, out);
	if (context.zone &&
	    !schedule_parse_cron(&arena, q->expr, q->expr_length, &context, &schedule, &error, 1))
		answer_fires(q, schedule, out);
	else if (context.zone)
		answer_error(out, "expr", error.message, error.column, error.length);
	arena_finish(&arena);
}

void schedule_batch_line(const char *line, size_t length, const struct zone_source *zones,
			 struct buf *out)
{
	struct question question = {0};
	json_error_t error;
	char message[256];
	size_t bad_at;

	if (!utf8_valid(line, length, &bad_at)) {
		snprintf(message, sizeof(message), "the line is not UTF-8: byte 0x%02x",
			 (unsigned char)line[bad_at]);
		answer_error(out, "line", message, bad_at + 1, 1);
		return;
	}
	json_t *json = json_loadb(
		line, length, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!json) {
		snprintf(message, sizeof(message), "the line is no JSON: %.160s", error.text);
		answer_error(out, "line", message, (size_t)error.position + (error.position == 0),
			     0);
		return;
	}
	if (read_question(json, &question, out))
		answer(&question, zones, out);
	json_decref(json);
}
