/* test_library.c - the public face of libbelfry-schedule: what it hands on, what it
 * refuses, and what it leaves alone. The meaning of schedules is tested in
 * tests/schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/schedule.h>

#define DAY_MS  INT64_C(86400000)
#define FROM_MS INT64_C(1774656000000) /* 2026-03-28T00:00:00Z */

static struct belfry_zones *zones;

static int open_zones(void **state)
{
	(void)state;
	zones = belfry_zones_open(NULL);
	return zones == NULL;
}

static int close_zones(void **state)
{
	(void)state;
	belfry_zones_close(zones);
	return 0;
}

static void next_and_previous(void **state)
{
	struct belfry_schedule_options paris = {.timezone = "Europe/Paris"};
	struct belfry_schedule *s = belfry_schedule_parse(zones, "30 2 * * *", &paris, NULL);
	int64_t at_ms = FROM_MS;

	(void)state;
	assert_non_null(s);
	assert_true(belfry_schedule_next(s, at_ms, &at_ms));
	assert_int_equal(FROM_MS + 90 * 60000, at_ms); /* 02:30 CET */
	assert_int_equal(BELFRY_SHIFT_NONE, belfry_schedule_shift(s, at_ms));
	assert_true(belfry_schedule_next(s, at_ms, &at_ms));
	assert_int_equal(FROM_MS + DAY_MS + 60 * 60000, at_ms); /* 03:00 CEST: behind the gap */
	assert_int_equal(BELFRY_SHIFT_FROM_GAP, belfry_schedule_shift(s, at_ms));
	assert_true(belfry_schedule_previous(s, at_ms, &at_ms));
	assert_int_equal(FROM_MS + 90 * 60000, at_ms);
	belfry_schedule_destroy(s);
}

static void options_are_obeyed_and_copied(void **state)
{
	char start[] = "2026-04-01", except[] = "2026-04-02", zone[] = "UTC", text[] = "0 9 * * *";
	const char *list[] = {except};
	struct belfry_schedule_options options = {
		.timezone = zone, .start = start, .except = list, .except_count = 1};
	struct belfry_schedule *s = belfry_schedule_parse(zones, text, &options, NULL);
	int64_t at_ms = FROM_MS;

	(void)state;
	assert_non_null(s);
	memset(start, 'x', sizeof(start) - 1);
	memset(except, 'x', sizeof(except) - 1);
	memset(zone, 'x', sizeof(zone) - 1);
	memset(text, 'x', sizeof(text) - 1);
	assert_true(belfry_schedule_next(s, at_ms, &at_ms));
	assert_int_equal(FROM_MS + 4 * DAY_MS + 9 * 3600000, at_ms);
	assert_true(belfry_schedule_next(s, at_ms, &at_ms));
	assert_int_equal(FROM_MS + 6 * DAY_MS + 9 * 3600000, at_ms);
	char sentence[128];
	assert_true(belfry_schedule_explain(s, sentence, sizeof(sentence)) > 0);
	assert_non_null(strstr(sentence, "09:00"));
	belfry_schedule_destroy(s);
}

static void errors_point_at_the_piece(void **state)
{
	static const struct {
		const char *text;
		struct belfry_schedule_options options;
		enum belfry_schedule_part part;
		size_t column, length;
		const char *says;
	} rows[] = {
		{"0 10 * * 8", {0}, BELFRY_PART_TEXT, 10, 1, "0-7"},
		{"0 0 30 2 *", {0}, BELFRY_PART_TEXT, 5, 6, "never"},
		{"@daily",
		 {.timezone = "Europe/Pari"},
		 BELFRY_PART_TIMEZONE,
		 1,
		 11,
		 "Europe/Paris"},
		{"@daily", {.timezone = "../etc/passwd"}, BELFRY_PART_TIMEZONE, 1, 13, "IANA"},
		{"@daily", {.start = "soon"}, BELFRY_PART_START, 1, 4, ""},
		{"", {0}, BELFRY_PART_TEXT, 1, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct belfry_schedule_error error = {0};

		assert_null(belfry_schedule_parse(zones, rows[i].text, &rows[i].options, &error));
		assert_null(belfry_schedule_parse(zones, rows[i].text, &rows[i].options, NULL));
		assert_int_equal(rows[i].part, error.part);
		assert_int_equal(rows[i].column, error.column);
		if (rows[i].length)
			assert_int_equal(rows[i].length, error.length);
		assert_non_null(strstr(error.message, rows[i].says));
		assert_true(strlen(error.message) > 10);
	}
}

static void calendar_forms(void **state)
{
	const char *monday[] = {"monday"}, *ten[] = {"10:00"}, *bad[] = {"25:00"};
	struct belfry_calendar_form form = {.every = "week",
					    .weekday = monday,
					    .weekday_count = 1,
					    .time = ten,
					    .time_count = 1};
	struct belfry_schedule *s = belfry_schedule_from_calendar(zones, &form, NULL, NULL);
	struct belfry_schedule_error error;
	char text[64];
	int64_t at_ms;

	(void)state;
	assert_non_null(s);
	assert_int_equal(strlen("0 10 * * MON"), belfry_schedule_equivalent(s, text, sizeof(text)));
	assert_string_equal("0 10 * * MON", text);
	assert_true(belfry_schedule_next(s, FROM_MS, &at_ms));
	assert_int_equal(FROM_MS + 2 * DAY_MS + 10 * 3600000, at_ms);
	belfry_schedule_destroy(s);
	form.time = bad;
	assert_null(belfry_schedule_from_calendar(zones, &form, NULL, &error));
	assert_int_equal(BELFRY_PART_TIME, error.part);
}

static void texts_are_cut_as_snprintf_cuts(void **state)
{
	struct belfry_schedule *s = belfry_schedule_parse(zones, "@hourly", NULL, NULL);
	char whole[128], cut[8];
	size_t length = belfry_schedule_explain(s, whole, sizeof(whole));

	(void)state;
	assert_int_equal(strlen(whole), length);
	assert_int_equal(length, belfry_schedule_explain(s, cut, sizeof(cut)));
	assert_int_equal(sizeof(cut) - 1, strlen(cut));
	assert_memory_equal(whole, cut, sizeof(cut) - 1);
	assert_int_equal(length, belfry_schedule_explain(s, NULL, 0));
	belfry_schedule_destroy(s);
}

static void ends_are_told(void **state)
{
	struct belfry_schedule_options until = {.end = "2026-01-01"};
	struct belfry_schedule *over = belfry_schedule_parse(zones, "@daily", &until, NULL);
	struct belfry_schedule *boot = belfry_schedule_parse(zones, "@reboot", NULL, NULL);
	int64_t at_ms = 7;

	(void)state;
	assert_false(belfry_schedule_next(over, FROM_MS, &at_ms));
	assert_false(belfry_schedule_next(boot, FROM_MS, &at_ms));
	assert_int_equal(7, at_ms);
	assert_true(belfry_schedule_is_reboot(boot));
	assert_false(belfry_schedule_is_reboot(over));
	belfry_schedule_destroy(over);
	belfry_schedule_destroy(boot);
	belfry_schedule_destroy(NULL);
	belfry_zones_close(NULL);
}

static void jitter_is_fixed_by_name(void **state)
{
	struct belfry_schedule_options a = {.name = "a", .jitter_ms = 300000},
				       b = {.name = "b", .jitter_ms = 300000};
	struct belfry_schedule *first = belfry_schedule_parse(zones, "@daily", &a, NULL);
	struct belfry_schedule *again = belfry_schedule_parse(zones, "@daily", &a, NULL);
	struct belfry_schedule *other = belfry_schedule_parse(zones, "@daily", &b, NULL);
	int different = 0;

	(void)state;
	for (int day = 0; day < 20; day++) {
		int64_t delay = belfry_schedule_jitter(first, FROM_MS + day * DAY_MS);

		assert_in_range(delay, 0, 299999);
		assert_int_equal(delay, belfry_schedule_jitter(again, FROM_MS + day * DAY_MS));
		different += delay != belfry_schedule_jitter(other, FROM_MS + day * DAY_MS);
	}
	assert_true(different > 10);
	belfry_schedule_destroy(first);
	belfry_schedule_destroy(again);
	belfry_schedule_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_and_previous),
		cmocka_unit_test(options_are_obeyed_and_copied),
		cmocka_unit_test(errors_point_at_the_piece),
		cmocka_unit_test(calendar_forms),
		cmocka_unit_test(texts_are_cut_as_snprintf_cuts),
		cmocka_unit_test(ends_are_told),
		cmocka_unit_test(jitter_is_fixed_by_name),
	};

	return cmocka_run_group_tests(tests, open_zones, close_zones);
}
