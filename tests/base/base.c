/* base.c - tests of src/base: instants, durations, names, JSON out, arenas, UTF-8. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "civil.h"
#include "err.h"
#include "exposition.h"
#include "instant.h"
#include "mem.h"
#include "str.h"
#include "utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_instants_read_and_written(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *again; /* NULL: the same */
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0, NULL},
		{"2026-03-29T01:00:00Z", INT64_C(1774746000000), NULL},
		{"2026-03-29T03:00:00+02:00", INT64_C(1774746000000), "2026-03-29T01:00:00Z"},
		{"2026-03-29t01:00:00.123999z", INT64_C(1774746000123), "2026-03-29T01:00:00.123Z"},
		{"2026-03-28 19:30:00-05:30", INT64_C(1774746000000), "2026-03-29T01:00:00Z"},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000), "2017-01-01T00:00:00Z"},
		{"1969-12-31T23:59:59.999Z", -1, NULL},
		{"0000-01-01T00:00:00Z", INT64_C(-62167219200000), NULL},
		{"9999-12-31T23:59:59Z", INT64_C(253402300799000), NULL},
	};
	char text[UTC_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct utc t = {0};

		assert_true(utc_parse(rows[i].text, strlen(rows[i].text), &t));
		assert_int_equal(t.ms, rows[i].ms);
		assert_string_equal(utc_format(t, text),
				    rows[i].again ? rows[i].again : rows[i].text);
	}
}

static void test_wrong_instants_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"2026-03-29",
		"2026-03-29T01:00:00",
		"2026-03-29T01:00Z",
		"2026-02-29T01:00:00Z",
		"2026-13-01T01:00:00Z",
		"2026-00-01T01:00:00Z",
		"2026-01-00T01:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+0100",
		"2026-01-01T00:00:00Zx",
		" 2026-01-01T00:00:00Z",
	};
	struct utc t;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_false(utc_parse(rows[i], strlen(rows[i]), &t));
}

static void test_calendar_is_its_own_inverse(void **state)
{
	int32_t weekday = civil_weekday(civil_days(-5, 1, 1));

	(void)state;
	for (int64_t day = civil_days(-5, 1, 1); day < civil_days(2405, 1, 1); day++) {
		struct civil_date date = civil_from_days(day);

		assert_int_equal(civil_days(date.year, date.month, date.day), day);
		assert_in_range(date.day, 1, civil_month_length(date.year, date.month));
		assert_int_equal(civil_weekday(day), weekday);
		weekday = (weekday + 1) % 7;
	}
	assert_int_equal(civil_weekday(civil_days(2026, 11, 23)), 1);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
		{"90s", 90000},     {"15m", 900000},
		{"1h30m", 5400000}, {"2d", 172800000},
		{"45", 45000},      {"0", 0},
		{"0s", 0},          {"250ms", 250},
		{"1s500ms", 1500},  {"1d12h", 129600000},
		{"", -1},           {"s", -1},
		{"1", 1000},        {"1x", -1},
		{"30m1h", -1},      {"1h1h", -1},
		{"1h30", -1},       {"-5s", -1},
		{"1.5h", -1},       {" 1s", -1},
		{"1s ", -1},        {"99999999999999999999s", -1},
		{"36601d", -1},     {"5 m", -1},
		{"5M", -1},
	};
	char text[DURATION_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ms = -1;
		bool ok = str_duration(rows[i].text, strlen(rows[i].text), &ms);

		assert_int_equal(ok ? ms : -1, rows[i].ms);
	}
	assert_string_equal(str_duration_format(5400000, text), "1h30m");
	assert_string_equal(str_duration_format(0, text), "0s");
	assert_string_equal(str_duration_format(90061001, text), "1d1h1m1s1ms");
}

static void test_nearest_name(void **state)
{
	static const char *const names[] = {"schedule", "timezone", "timeout", "overlap", "env"};

	(void)state;
	assert_string_equal(str_nearest("shedule", names, COUNT(names)), "schedule");
	assert_string_equal(str_nearest("Schedule", names, COUNT(names)), "schedule");
	assert_string_equal(str_nearest("time_out", names, COUNT(names)), "timeout");
	assert_string_equal(str_nearest("overlpa", names, COUNT(names)), "overlap");
	assert_string_equal(str_nearest("evn", names, COUNT(names)), "env");
	assert_null(str_nearest("colour", names, COUNT(names)));
	assert_null(str_nearest("x", names, COUNT(names)));
}

static void test_json_out(void **state)
{
	static const char odd[] = "q\" b\\ \n\t\x01 \xc3\xa9 \xff \xed\xa0\x80 \x7f";
	struct buf buf = {0};

	(void)state;
	buf_json_open(&buf, NULL, '{');
	buf_json_bytes(&buf, "odd", odd, sizeof(odd) - 1);
	buf_json_text(&buf, "none", NULL);
	buf_json_open(&buf, "list", '[');
	buf_json_int(&buf, NULL, -5);
	buf_json_bool(&buf, NULL, true);
	buf_json_open(&buf, NULL, '{');
	buf_json_close(&buf, '}');
	buf_json_close(&buf, ']');
	buf_json_time(&buf, "at", (struct utc){0});
	buf_json_time(&buf, "never", UTC_NONE);
	buf_json_raw(&buf, "raw", "[1]");
	buf_json_close(&buf, '}');
	assert_string_equal(buf_string(&buf),
			    "{\"odd\":\"q\\\" b\\\\ \\n\\t\\u0001 \xc3\xa9 \xef\xbf\xbd "
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \\u007f\",\"none\":null,"
			    "\"list\":[-5,true,{}],\"at\":\"1970-01-01T00:00:00Z\","
			    "\"never\":null,\"raw\":[1]}");
	buf_drop_front(&buf, buf.length - 1);
	assert_string_equal(buf_string(&buf), "}");
	buf_finish(&buf);
	assert_string_equal(buf_string(&buf), "");
}

static void test_arena_gives_zeroed_memory_again(void **state)
{
	struct arena arena = {0};

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t size = 1; size < 40000; size = size * 3 + 1) {
			unsigned char *p = arena_alloc(&arena, size);

			assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xa5, size);
		}
		assert_string_equal(arena_format(&arena, "%d-%s", 7, "x"), "7-x");
		arena_reset(&arena);
	}
	assert_true(arena_size(&arena) > 0);
	arena_finish(&arena);
	assert_int_equal(arena_size(&arena), 0);
}

static void test_counting_bytes(void **state)
{
	(void)state;
	assert_int_equal(str_count("", 0, 'a'), 0);
	assert_int_equal(str_count("a", 1, 'a'), 1);
	assert_int_equal(str_count("abcaaxa", 7, 'a'), 4);
	assert_int_equal(str_count("abcaaxa", 6, 'a'), 3);
	assert_int_equal(str_count("bbb", 3, 'a'), 0);
}

/* Of each length: another byte anywhere, another length and another start differ. */
static void test_quick_hash_sees_each_byte(void **state)
{
	char text[40];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t length = 0; length < sizeof(text); length++) {
		uint64_t hash = str_quick_hash(STR_HASH_INIT, text, length);

		assert_true(hash == str_quick_hash(STR_HASH_INIT, text, length));
		assert_true(hash != str_quick_hash(STR_HASH_INIT, text, length + 1));
		assert_true(hash != str_quick_hash(1, text, length));
		for (size_t i = 0; i < length; i++) {
			text[i] = 'y';
			assert_true(hash != str_quick_hash(STR_HASH_INIT, text, length));
			text[i] = 'x';
		}
	}
}

static void test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{"a", 1},        {"\xc3\xa9", 2},     {"\xe2\x82\xac", 3}, {"\xf0\x9f\x98\x80", 4},
		{"\xc0\x80", 0}, {"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf4\x90\x80\x80", 0},
		{"\x80", 0},     {"\xe2\x82", 0},     {"\xff", 0},
	};
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(utf8_length(rows[i].bytes, strlen(rows[i].bytes)), rows[i].length);
	assert_true(utf8_valid("a\xc3\xa9", 3, &bad));
	assert_false(utf8_valid("ab\xc3", 3, &bad));
	assert_true(utf8_is_line("\xc3\xa9", 1));
	assert_false(utf8_is_line("\xc3\xa9x", 1));
	assert_false(utf8_is_line("", 1));
	assert_false(utf8_is_line("a\nb", 9));
	assert_false(utf8_is_line("a\x7f", 9));
	assert_false(utf8_is_line("a\xc3", 9));
	assert_int_equal(bad, 2);
}

static void test_errors_gain_context(void **state)
{
	struct err err;

	(void)state;
	assert_false(err_errno(&err, 2, "open %s", "x.db"));
	assert_string_equal(err.text, "open x.db: No such file or directory");
	assert_false(err_wrap(&err, "store"));
	assert_string_equal(err.text, "store: open x.db: No such file or directory");
	for (int i = 0; i < 200; i++)
		err_wrap(&err, "again and again");
	assert_true(strlen(err.text) < sizeof(err.text));
	assert_false(err_set(NULL, "nobody listens"));
}

/* ---- metrics as text ---- */

static const struct metric_buckets three = {3, {500, 5000, 1000000}};

static const char *expose(struct buf *out, bool is_openmetrics)
{
	static const struct metric_family info = {"b_build", NULL, METRIC_INFO, "A \\ and a \"."};
	static const struct metric_family runs = {"b_runs", NULL, METRIC_COUNTER, "Runs."};
	static const struct metric_family took = {"b_took_seconds", "seconds", METRIC_HISTOGRAM,
						  "Two\nlines."};
	static const struct metric_family at = {"b_at_seconds", "seconds", METRIC_GAUGE, "When."};
	static const struct metric_label job = {"job", "a\"b\\c\nd"};
	const struct exposition to = {out, is_openmetrics};
	struct histogram histogram = {0};

	histogram_add(&histogram, &three, -7);
	histogram_add(&histogram, &three, 500);
	histogram_add(&histogram, &three, 501);
	histogram_add(&histogram, &three, 2000001);
	exposition_family(&to, &info);
	exposition_int(&to, &info, &(struct metric_label){"version", "1.2"}, 1, 1);
	exposition_family(&to, &runs);
	exposition_int(&to, &runs, &job, 1, 7);
	exposition_family(&to, &at);
	exposition_seconds(&to, &at, NULL, 0, INT64_C(1774746000050000));
	exposition_seconds(&to, &at, NULL, 0, -1500000);
	exposition_seconds(&to, &at, NULL, 0, 0);
	exposition_family(&to, &took);
	exposition_histogram(&to, &took, &job, 1, &three, &histogram);
	exposition_end(&to);
	return buf_string(out);
}

#define EXPOSED_JOB "job=\"a\\\"b\\\\c\\nd\""
#define EXPOSED_HISTOGRAM                                                                          \
	"b_took_seconds_bucket{" EXPOSED_JOB ",le=\"0.0005\"} 2\n"                                 \
	"b_took_seconds_bucket{" EXPOSED_JOB ",le=\"0.005\"} 3\n"                                  \
	"b_took_seconds_bucket{" EXPOSED_JOB ",le=\"1.0\"} 3\n"                                    \
	"b_took_seconds_bucket{" EXPOSED_JOB ",le=\"+Inf\"} 4\n"                                   \
	"b_took_seconds_sum{" EXPOSED_JOB "} 2.001002\n"                                           \
	"b_took_seconds_count{" EXPOSED_JOB "} 4\n"

static void test_metrics_as_openmetrics(void **state)
{
	struct buf out = {0};

	(void)state;
	assert_string_equal(expose(&out, true),
			    "# HELP b_build A \\\\ and a \\\".\n"
			    "# TYPE b_build info\n"
			    "b_build_info{version=\"1.2\"} 1\n"
			    "# HELP b_runs Runs.\n"
			    "# TYPE b_runs counter\n"
			    "b_runs_total{" EXPOSED_JOB "} 7\n"
			    "# HELP b_at_seconds When.\n"
			    "# TYPE b_at_seconds gauge\n"
			    "# UNIT b_at_seconds seconds\n"
			    "b_at_seconds 1774746000.05\n"
			    "b_at_seconds -1.5\n"
			    "b_at_seconds 0\n"
			    "# HELP b_took_seconds Two\\nlines.\n"
			    "# TYPE b_took_seconds histogram\n"
			    "# UNIT b_took_seconds seconds\n" EXPOSED_HISTOGRAM "# EOF\n");
	buf_finish(&out);
}

static void test_metrics_as_older_text(void **state)
{
	struct buf out = {0};

	(void)state;
	assert_string_equal(expose(&out, false),
			    "# HELP b_build_info A \\\\ and a \".\n"
			    "# TYPE b_build_info gauge\n"
			    "b_build_info{version=\"1.2\"} 1\n"
			    "# HELP b_runs_total Runs.\n"
			    "# TYPE b_runs_total counter\n"
			    "b_runs_total{" EXPOSED_JOB "} 7\n"
			    "# HELP b_at_seconds When.\n"
			    "# TYPE b_at_seconds gauge\n"
			    "b_at_seconds 1774746000.05\n"
			    "b_at_seconds -1.5\n"
			    "b_at_seconds 0\n"
			    "# HELP b_took_seconds Two\\nlines.\n"
			    "# TYPE b_took_seconds histogram\n" EXPOSED_HISTOGRAM);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instants_read_and_written),
		cmocka_unit_test(test_wrong_instants_refused),
		cmocka_unit_test(test_calendar_is_its_own_inverse),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_nearest_name),
		cmocka_unit_test(test_json_out),
		cmocka_unit_test(test_arena_gives_zeroed_memory_again),
		cmocka_unit_test(test_counting_bytes),
		cmocka_unit_test(test_quick_hash_sees_each_byte),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_errors_gain_context),
		cmocka_unit_test(test_metrics_as_openmetrics),
		cmocka_unit_test(test_metrics_as_older_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
