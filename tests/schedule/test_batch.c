/* test_batch.c - the batch face: all vectors line by line, and lines that are bad
 * in every other way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_line.h"
#include "zoneinfo.h"

static struct zoneinfo *zoneinfo;

static json_t *answer_to(const char *line, size_t length)
{
	struct buf out = {0};

	schedule_batch_line(line, length, zoneinfo_source(zoneinfo), &out);
	assert_null(memchr(out.data, '\n', out.length));
	json_t *answer = json_loadb(out.data, out.length, 0, NULL);
	if (!answer)
		fail_msg("no JSON: %s", buf_string(&out));
	buf_finish(&out);
	return answer;
}

static bool is_error(const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");

	return json_object_size(answer) == 1 &&
	       json_string_length(json_object_get(error, "message")) > 0 &&
	       json_integer_value(json_object_get(error, "column")) >= 1 &&
	       json_is_integer(json_object_get(error, "length"));
}

typedef bool row_fn(const json_t *row, const json_t *answer);

/* The row's question; its expression as raw bytes where it is given in hex. */
static size_t line_of(const json_t *row, char *line, size_t size)
{
	const char *hex = json_string_value(json_object_get(row, "expr_hex"));
	json_t *ask = json_object();
	size_t n;

	json_object_set(ask, "tz", json_object_get(row, "tz"));
	json_object_set(ask, "from", json_object_get(row, "from"));
	json_object_set(ask, "expr", json_object_get(row, "expr"));
	if (!json_object_get(row, "from"))
		json_object_set_new(ask, "from", json_string("2026-01-01T00:00:00Z"));
	if (!json_object_get(row, "expr"))
		json_object_set_new(ask, "expr", json_string(hex ? "HEX" : "0 0 * * *"));
	json_t *unix_times = json_object_get(row, "unix");
	size_t count = json_array_size(unix_times);
	if (json_is_true(json_object_get(row, "end")))
		count++;
	json_object_set_new(ask, "n", json_integer((json_int_t)count));
	n = json_dumpb(ask, line, size, 0);
	assert_true(n < size);
	json_decref(ask);
	if (!hex)
		return n;
	char *at = memmem(line, n, "HEX", 3);
	size_t bytes = strlen(hex) / 2;
	memmove(at + bytes, at + 3, n - (size_t)(at + 3 - line));
	for (size_t i = 0; i < bytes; i++) {
		unsigned byte;
		assert_int_equal(sscanf(hex + i * 2, "%2x", &byte), 1);
		at[i] = (char)byte;
	}
	return n + bytes - 3;
}

static void each_row(const char *file, row_fn *check, int at_least)
{
	char path[512], ask[4096];
	char *line = NULL;
	size_t capacity = 0;
	int rows = 0, mistakes = 0;

	snprintf(path, sizeof(path), "%s/vectors/%s", TEST_DIRECTORY, file);
	FILE *stream = fopen(path, "re");
	assert_non_null(stream);
	for (; getline(&line, &capacity, stream) > 0; rows++) {
		json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
		json_t *answer = answer_to(ask, line_of(row, ask, sizeof(ask)));

		if (!check(row, answer)) {
			print_error("%s", line);
			mistakes++;
		}
		json_decref(answer);
		json_decref(row);
	}
	free(line);
	fclose(stream);
	assert_true(rows >= at_least);
	assert_int_equal(mistakes, 0);
}

static bool is_valid_row(const json_t *row, const json_t *answer)
{
	const json_t *want = json_object_get(row, "unix"), *got = json_object_get(answer, "next");
	bool same = json_is_array(got) && json_array_size(want) == json_array_size(got);

	for (size_t i = 0; same && i < json_array_size(want); i++) {
		const char *text = json_string_value(json_array_get(got, i));
		struct utc t;

		same = utc_parse(text, strlen(text), &t) && text[strlen(text) - 1] == 'Z' &&
		       t.ms == json_integer_value(json_array_get(want, i)) * 1000;
	}
	return same;
}

static bool is_invalid_row(const json_t *row, const json_t *answer)
{
	(void)row;
	return is_error(answer);
}

static void valid_rows_are_answered(void **state)
{
	(void)state;
	each_row("valid.jsonl", is_valid_row, 820);
}

static void invalid_rows_are_errors(void **state)
{
	(void)state;
	each_row("invalid.jsonl", is_invalid_row, 258);
}

static void bad_lines_are_answered(void **state)
{
	(void)state;
	static const struct {
		const char *line, *where, *message;
	} rows[] = {
		{"", "line", "the line is no JSON"},
		{"{", "line", "the line is no JSON"},
		{"null", "line", "the line is no JSON object"},
		{"[]", "line", "the line is no JSON object"},
		{"{}", "expr", "\"expr\" is missing"},
		{"{\"expr\":5}", "expr", "\"expr\" is no string"},
		{"{\"expr\":\"* * * * *\"}", "from", "\"from\" is missing"},
		{"{\"expr\":\"* * * * *\",\"from\":\"now\"}", "from", "is no RFC 3339"},
		{"{\"expr\":\"* * * * *\",\"from\":7}", "from", "is no string"},
		{"{\"expr\":\"* * * * *\",\"from\":\"2026-01-01T00:00:00Z\",\"n\":-1}", "n",
		 "0 to"},
		{"{\"expr\":\"* * * * *\",\"from\":\"2026-01-01T00:00:00Z\",\"n\":1.5}", "n",
		 "0 to"},
		{"{\"expr\":\"* * * * "
		 "*\",\"from\":\"2026-01-01T00:00:00Z\",\"tz\":\"CES\\u0000T\"}",
		 "tz", "has a NUL"},
		{"{\"expr\":\"* * * * *\",\"from\":\"2026-01-01T00:00:00Z\",\"tz\":\"Paris\"}",
		 "tz", "did you mean Europe/Paris?"},
		{"{\"expr\":\"a\",\"expr\":\"b\"}", "line", "duplicate"},
		{"{\"expr\":\"* * * * 8\",\"from\":\"2026-01-01T00:00:00Z\"}", "expr",
		 "out of range 0-7"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *answer = answer_to(rows[i].line, strlen(rows[i].line));
		const json_t *error = json_object_get(answer, "error");

		assert_true(is_error(answer));
		assert_string_equal(json_string_value(json_object_get(error, "where")),
				    rows[i].where);
		const char *message = json_string_value(json_object_get(error, "message"));
		if (!strstr(message, rows[i].message))
			fail_msg("%s: %s", rows[i].line, message);
		json_decref(answer);
	}
}

/* from has milliseconds; fires are strictly after it. */
static void from_is_exclusive(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"},
		{"2026-01-01T00:00:00.001Z", "2026-01-01T00:01:00Z"},
		{"2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00Z"},
		{"2026-01-01T00:59:30+01:00", "2026-01-01T00:00:00Z"},
		{"0000-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59Z", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128];
		int n = snprintf(line, sizeof(line), "{\"expr\":\"* * * * *\",\"from\":\"%s\"}",
				 rows[i][0]);
		json_t *answer = answer_to(line, (size_t)n);
		const json_t *next = json_object_get(answer, "next");

		assert_int_equal(json_array_size(next), rows[i][1] != NULL);
		if (rows[i][1])
			assert_string_equal(json_string_value(json_array_get(next, 0)), rows[i][1]);
		json_decref(answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_rows_are_answered),
		cmocka_unit_test(invalid_rows_are_errors),
		cmocka_unit_test(bad_lines_are_answered),
		cmocka_unit_test(from_is_exclusive),
	};

	zoneinfo = zoneinfo_create(NULL);
	int failed = cmocka_run_group_tests_name("batch", tests, NULL, NULL);
	zoneinfo_destroy(zoneinfo);
	return failed;
}
