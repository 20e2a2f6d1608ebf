/* test_seen.c - tests of src/model: downtime and lateness, counted and in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "downtime.h"
#include "job.h"
#include "lateness.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MINUTE_MS    INT64_C(60000)
/* 2026-11-25T14:00:00Z, and so many minutes after. */
#define AT(minutes) ((struct utc){INT64_C(1795615200000) + (minutes)*MINUTE_MS})

static struct arena arena;

static const struct schedule *each_minute(void)
{
	const struct schedule *schedule = NULL;
	struct schedule_error errors[1];

	assert_int_equal(schedule_parse_cron(&arena, "* * * * *", 9,
					     &(struct schedule_context){.job_name = "a"}, &schedule,
					     errors, 1),
			 0);
	return schedule;
}

static struct occurrence stretch(enum occurrence_state state, int64_t first, int64_t last)
{
	return (struct occurrence){.job = "a",
				   .scheduled_at = AT(first),
				   .last_at = AT(last),
				   .count = last - first + 1,
				   .state = state,
				   .reason = state == OCCURRENCE_MISSED    ? REASON_DOWN
					     : state == OCCURRENCE_SKIPPED ? REASON_OVERLAP
									   : REASON_NONE,
				   .recorded_at = utc_add(AT(100), 500)};
}

static const char *counted(const struct job *job, const struct occurrence *occurrences,
			   size_t count)
{
	static struct buf text;
	struct downtime_counts counts = {0};

	for (size_t i = 0; i < count; i++)
		downtime_count(&counts, job, &occurrences[i]);
	buf_clear(&text);
	downtime_describe_counts(&text, &counts);
	return buf_string(&text);
}

/* All of them fell due before 14:100, and the window is the half hour before that. */
static void test_why_they_were_missed(void **state)
{
	struct job job = {
		.name = "a", .schedule = each_minute(), .catchup_window_ms = 30 * MINUTE_MS};
	const struct occurrence long_ago = stretch(OCCURRENCE_MISSED, 0, 70);
	const struct occurrence across = stretch(OCCURRENCE_MISSED, 61, 99);
	const struct occurrence lately = stretch(OCCURRENCE_MISSED, 90, 99);
	struct occurrence paused = stretch(OCCURRENCE_MISSED, 1, 1);

	(void)state;
	job.catchup = CATCHUP_ONCE;
	assert_string_equal(counted(&job, &long_ago, 1),
			    "71 occurrences; 71 missed (older than 30m window)");
	/* 14:70:00 is half a second too old, 14:71 is not. */
	assert_string_equal(
		counted(&job, &across, 1),
		"39 occurrences; 39 missed (10 older than 30m window, 29 not the newest)");
	assert_string_equal(counted(&job, &lately, 1),
			    "10 occurrences; 10 missed (not the newest)");
	job.catchup = CATCHUP_ALL;
	assert_string_equal(counted(&job, &long_ago, 1),
			    "71 occurrences; 71 missed (older than 30m window)");
	job.catchup = CATCHUP_NONE;
	assert_string_equal(counted(&job, &across, 1), "39 occurrences; 39 missed (catchup none)");
	assert_string_equal(counted(NULL, &across, 1), "39 occurrences; 39 missed");
	paused.reason = REASON_PAUSED;
	assert_string_equal(counted(&job, &paused, 1), "1 occurrence; 1 missed");
}

static void test_all_that_became_of_them(void **state)
{
	struct job job = {.name = "a",
			  .schedule = each_minute(),
			  .catchup = CATCHUP_ALL,
			  .catchup_window_ms = 60 * MINUTE_MS};
	const struct occurrence some[] = {
		stretch(OCCURRENCE_RAN, 97, 97),
		stretch(OCCURRENCE_SKIPPED, 98, 98),
		stretch(OCCURRENCE_RAN, 99, 99),
		stretch(OCCURRENCE_MISSED, 1, 4),
	};

	(void)state;
	assert_string_equal(counted(&job, some, 0), "nothing was due");
	assert_string_equal(counted(&job, some, 1), "1 occurrence; 1 caught up");
	assert_string_equal(
		counted(&job, some, 4),
		"7 occurrences; 2 caught up, 1 skipped, 4 missed (older than 1h window)");
}

static void test_windows_that_differ(void **state)
{
	struct job hour = {.schedule = each_minute(),
			   .catchup = CATCHUP_ALL,
			   .catchup_window_ms = 60 * MINUTE_MS};
	struct job longer = hour;
	struct downtime_counts counts = {0};
	struct occurrence old = stretch(OCCURRENCE_MISSED, 1, 1);
	struct buf text = {0};

	(void)state;
	longer.catchup_window_ms += 30 * MINUTE_MS;
	downtime_count(&counts, &hour, &old);
	assert_int_equal(counts.window_ms, hour.catchup_window_ms);
	downtime_count(&counts, &longer, &old);
	downtime_count(&counts, &hour, &old);
	assert_int_equal(counts.window_ms, -1);
	downtime_describe_counts(&text, &counts);
	assert_string_equal(buf_string(&text),
			    "3 occurrences; 3 missed (older than their windows)");
	buf_finish(&text);
}

static void test_downtime_in_words(void **state)
{
	static const struct {
		struct downtime downtime;
		const char *words;
	} rows[] = {
		{{ABSENCE_DOWN,
		  {INT64_C(1795615390250)},
		  {INT64_C(1795615782999)},
		  true,
		  {.caught_up = 3, .missed = 4, .too_old = 4, .window_ms = 3600000}},
		 "down 2026-11-25T14:03:10Z to 14:09:42Z (6m33s): 7 occurrences; 3 caught up, "
		 "4 missed (older than 1h window)"},
		{{ABSENCE_DOWN, {INT64_C(1795615390000)}, {INT64_C(1795615393500)}, false, {0}},
		 "down 2026-11-25T14:03:10Z to 14:03:13Z (at most 3s500ms: it did not stop by "
		 "itself, and that was its last sign of life): nothing was due"},
		{{ABSENCE_ASLEEP, {INT64_C(1795615390000)}, {INT64_C(1795701790000)}, true, {0}},
		 "asleep 2026-11-25T14:03:10Z to 2026-11-26T14:03:10Z (1d): nothing was due"},
		{{ABSENCE_STALLED,
		  {INT64_C(1795615390000)},
		  {INT64_C(1795615402000)},
		  true,
		  {.skipped = 1}},
		 "stalled 2026-11-25T14:03:10Z to 14:03:22Z (12s): 1 occurrence; 1 skipped"},
		{{ABSENCE_SET_FORWARD,
		  {INT64_C(1795615390000)},
		  {INT64_C(1795622590000)},
		  true,
		  {.missed = 2, .not_wanted = 1}},
		 "clock set forward 2026-11-25T14:03:10Z to 16:03:10Z (2h): 2 occurrences; "
		 "2 missed (1 catchup none)"},
	};
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&text);
		downtime_describe(&text, &rows[i].downtime);
		assert_string_equal(buf_string(&text), rows[i].words);
	}
	buf_finish(&text);
}

static void test_lateness_of_a_run(void **state)
{
	static const struct {
		enum trigger trigger;
		int64_t scheduled, jitter, started; /* ms; -1: unset */
		int64_t late;                       /* -1: it has none */
	} rows[] = {
		{TRIGGER_SCHEDULE, 1000, 0, 1003, 3},   {TRIGGER_SCHEDULE, 1000, 500, 1510, 10},
		{TRIGGER_SCHEDULE, 1000, 500, 1400, 0}, {TRIGGER_SCHEDULE, 1000, 0, -1, -1},
		{TRIGGER_MANUAL, -1, 0, 1000, -1},      {TRIGGER_CATCHUP, 1000, 0, 9000, -1},
	};
	int64_t late;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct run run = {.trigger = rows[i].trigger,
				  .scheduled_at = {rows[i].scheduled},
				  .jitter_ms = rows[i].jitter,
				  .started_at = {rows[i].started}};

		if (rows[i].scheduled < 0)
			run.scheduled_at = UTC_NONE;
		if (rows[i].started < 0)
			run.started_at = UTC_NONE;
		assert_int_equal(lateness_of(&run, &late), rows[i].late >= 0);
		if (rows[i].late >= 0)
			assert_int_equal(late, rows[i].late);
	}
}

static void test_lateness_summed_up(void **state)
{
	int64_t ms[200];
	struct lateness lateness = lateness_summarize(ms, 0);

	(void)state;
	assert_int_equal(lateness.runs, 0);
	ms[0] = 7;
	lateness = lateness_summarize(ms, 1);
	assert_int_equal(lateness.p50_ms, 7);
	assert_int_equal(lateness.p99_ms, 7);
	assert_int_equal(lateness.max_ms, 7);
	for (int i = 0; i < 200; i++)
		ms[i] = (i * 77) % 200 + 1; /* 1 to 200, shuffled */
	lateness = lateness_summarize(ms, 200);
	assert_int_equal(lateness.runs, 200);
	assert_int_equal(lateness.p50_ms, 100);
	assert_int_equal(lateness.p99_ms, 198);
	assert_int_equal(lateness.max_ms, 200);
}

static int end(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_why_they_were_missed),
		cmocka_unit_test(test_all_that_became_of_them),
		cmocka_unit_test(test_windows_that_differ),
		cmocka_unit_test(test_downtime_in_words),
		cmocka_unit_test(test_lateness_of_a_run),
		cmocka_unit_test(test_lateness_summed_up),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
