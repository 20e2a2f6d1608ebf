/* test_vectors.c - every row of tests/vectors: valid ones to the instant, in both
 * directions; invalid ones refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"
#include "zoneinfo.h"

static struct zoneinfo *zoneinfo;

static FILE *open_vectors(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/vectors/%s", TEST_DIRECTORY, name);
	FILE *stream = fopen(path, "re");
	if (!stream)
		fail_msg("cannot open %s", path);
	return stream;
}

static const char *text_of(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static const struct schedule *parse_row(struct arena *arena, const json_t *row, const char *id)
{
	const struct zone_source *zones = zoneinfo_source(zoneinfo);
	struct err err = {{0}};
	struct schedule_error error = {0};
	const struct schedule *schedule = NULL;
	const char *expr = text_of(row, "expr");
	struct schedule_context context = {.zones = zones};

	context.zone = zones->get(zones->context, text_of(row, "tz"), &err);
	if (!context.zone)
		fail_msg("%s: zone %s: %s", id, text_of(row, "tz"), err.text);
	if (schedule_parse_cron(arena, expr, strlen(expr), &context, &schedule, &error, 1))
		fail_msg("%s: \"%s\": %s", id, expr, error.message);
	return schedule;
}

static struct utc from_of(const json_t *row)
{
	const char *text = text_of(row, "from");
	struct utc from;

	assert_true(utc_parse(text, strlen(text), &from));
	return from;
}

/* Where next_after and prev_before differ from the row: the number of mistakes. */
static int compare_row(const json_t *row, const struct schedule *schedule, const char *id)
{
	const json_t *unix_times = json_object_get(row, "unix");
	struct utc at = from_of(row), next, back;
	int mistakes = 0;

	for (size_t i = 0; i < json_array_size(unix_times); i++) {
		int64_t want = json_integer_value(json_array_get(unix_times, i)) * 1000;

		if (!schedule_next_after(schedule, at, &next) || next.ms != want) {
			print_error("%s: \"%s\" %s: fire %zu is not %lld\n", id,
				    text_of(row, "expr"), text_of(row, "tz"), i,
				    (long long)want / 1000);
			return mistakes + 1;
		}
		if (!schedule_prev_before(schedule, utc_add(next, 1), &back) ||
		    back.ms != next.ms) {
			print_error("%s: \"%s\" %s: back to fire %zu fails\n", id,
				    text_of(row, "expr"), text_of(row, "tz"), i);
			mistakes++;
		}
		if (i && (!schedule_prev_before(schedule, next, &back) || back.ms != at.ms)) {
			print_error("%s: \"%s\" %s: back from fire %zu fails\n", id,
				    text_of(row, "expr"), text_of(row, "tz"), i);
			mistakes++;
		}
		at = next;
	}
	if (json_is_true(json_object_get(row, "end")) && schedule_next_after(schedule, at, &next))
		mistakes++;
	return mistakes;
}

static void valid_rows_agree(void **state)
{
	(void)state;
	FILE *stream = open_vectors("valid.jsonl");
	char *line = NULL;
	size_t capacity = 0;
	int rows = 0, mistakes = 0;

	while (getline(&line, &capacity, stream) > 0) {
		struct arena arena = {0};
		json_t *row = json_loads(line, 0, NULL);

		assert_non_null(row);
		const char *id = text_of(row, "id");
		mistakes += compare_row(row, parse_row(&arena, row, id), id);
		rows++;
		json_decref(row);
		arena_finish(&arena);
	}
	free(line);
	fclose(stream);
	assert_true(rows >= 820);
	assert_int_equal(mistakes, 0);
}

/* The text of an expression, given as JSON or as bytes in hex. */
static size_t expr_bytes(const json_t *row, char bytes[2048])
{
	const char *hex = text_of(row, "expr_hex");
	const json_t *expr = json_object_get(row, "expr");
	size_t n = 0;

	if (!hex) {
		n = json_string_length(expr);
		assert_true(n < 2048);
		memcpy(bytes, json_string_value(expr), n);
		return n;
	}
	for (; hex[n * 2]; n++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + n * 2, "%2x", &byte), 1);
		bytes[n] = (char)byte;
	}
	return n;
}

static bool expr_is_refused(const json_t *row, struct schedule_error *error)
{
	struct arena arena = {0};
	struct schedule_context context = {.zones = zoneinfo_source(zoneinfo)};
	const struct schedule *schedule;
	char bytes[2048];
	size_t length = expr_bytes(row, bytes);
	size_t count = schedule_parse_cron(&arena, bytes, length, &context, &schedule, error, 1);

	arena_finish(&arena);
	return count == 1 && error->message[0] && error->column >= 1 &&
	       error->column + error->length <= length + 1;
}

static bool zone_is_refused(const json_t *row, struct err *err)
{
	const struct zone_source *zones = zoneinfo_source(zoneinfo);
	const json_t *tz = json_object_get(row, "tz");

	/* A NUL inside cannot reach get(); who reads JSON must refuse it. */
	if (strlen(json_string_value(tz)) != json_string_length(tz))
		return true;
	return !zones->get(zones->context, json_string_value(tz), err) && err->text[0];
}

static void invalid_rows_are_refused(void **state)
{
	(void)state;
	FILE *stream = open_vectors("invalid.jsonl");
	char *line = NULL;
	size_t capacity = 0;
	int rows = 0, mistakes = 0;

	while (getline(&line, &capacity, stream) > 0) {
		struct schedule_error error = {0};
		struct err err = {{0}};
		json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);

		assert_non_null(row);
		bool is_zone = strcmp(text_of(row, "kind"), "tz") == 0;
		if (!(is_zone ? zone_is_refused(row, &err) : expr_is_refused(row, &error))) {
			print_error("%s is accepted: %s", text_of(row, "id"), line);
			mistakes++;
		}
		if (getenv("SHOW"))
			printf("%s %s\n   %zu+%zu %s%s\n", text_of(row, "id"),
			       text_of(row, is_zone ? "tz" : "expr"), error.column, error.length,
			       error.message, err.text);
		rows++;
		json_decref(row);
	}
	free(line);
	fclose(stream);
	assert_true(rows >= 258);
	assert_int_equal(mistakes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_rows_agree),
		cmocka_unit_test(invalid_rows_are_refused),
	};

	zoneinfo = zoneinfo_create(NULL);
	int failed = cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
	zoneinfo_destroy(zoneinfo);
	return failed;
}
