/*
 * test_absence.c - which turns tell that nobody looked for a while, since when, and what
 * is counted to it; on clocks that this test holds in its hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "absence.h"
#include "job.h"
#include "metrics.h"

#define UTC0 INT64_C(1795615200000) /* 2026-11-25T14:00:00Z; the machine was booted then */

static struct now at(int64_t utc_ms, int64_t mono_ms)
{
	return (struct now){{UTC0 + utc_ms}, {mono_ms}};
}

/* A turn that was over at 100 s, with the next thing to do at `armed`. */
static struct absence_watch watch_after_turn(struct engine_wake armed)
{
	struct absence_watch watch = {0};

	absence_end(&watch, at(100000, 100000), 0, &armed);
	return watch;
}

static void test_turns_that_were_late(void **state)
{
	static const struct engine_wake nothing = {{INT64_MAX}, {INT64_MAX}};
	static const struct engine_wake due = {{UTC0 + 160000}, {INT64_MAX}};
	static const struct engine_wake timer = {{INT64_MAX}, {160000}};
	static const struct {
		const char *what;
		const struct engine_wake *armed;
		int64_t utc, mono, asleep;
		int64_t late;
		int kind; /* -1: there is nothing to tell */
		int64_t since;
	} rows[] = {
		{"idle for an hour", &nothing, 3700000, 3700000, 0, -1, -1, 0},
		{"a request in between", &due, 150000, 150000, 0, -1, -1, 0},
		{"on time", &due, 160002, 160002, 0, 2, -1, 0},
		{"busy", &due, 169999, 169999, 0, 9999, -1, 0},
		{"stopped", &due, 175000, 175000, 0, 15000, ABSENCE_STALLED, 160000},
		{"stopped over a timer", &timer, 175000, 175000, 0, 15000, ABSENCE_STALLED, 160000},
		{"a nap", &due, 162000, 162000, 5000, 2000, -1, 0},
		{"asleep", &due, 460000, 460000, 300000, -1, ABSENCE_ASLEEP, 160000},
		{"asleep, nothing due", &nothing, 460000, 460000, 300000, -1, ABSENCE_ASLEEP,
		 160000},
		{"set forward", &due, 3700000, 110000, 0, -1, ABSENCE_SET_FORWARD, 110000},
		{"set forward a bit", &due, 161000, 101500, 0, 1000, -1, 0},
		{"set back", &due, 50000, 110000, 0, -1, -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct absence_watch watch = watch_after_turn(*rows[i].armed);
		struct downtime downtime = {0};
		int64_t late;

		absence_begin(&watch, at(rows[i].utc, rows[i].mono), rows[i].asleep, &late);
		bool is_told = absence_close(&watch, &downtime);
		if (late != rows[i].late || is_told != (rows[i].kind >= 0))
			fail_msg("%s: late %lld, told %d", rows[i].what, (long long)late, is_told);
		if (!is_told)
			continue;
		assert_int_equal(downtime.kind, rows[i].kind);
		assert_int_equal(downtime.since.ms, UTC0 + rows[i].since);
		assert_int_equal(downtime.until.ms, UTC0 + rows[i].utc);
		assert_true(downtime.is_exact);
		assert_false(absence_close(&watch, &downtime));
	}
}

static void test_end_of_the_life_before(void **state)
{
	static const struct {
		struct utc left_at, seen_at;
		bool is_told, is_exact;
		int64_t since;
	} rows[] = {
		{{INT64_MIN}, {INT64_MIN}, false, false, 0}, /* a first life */
		{{UTC0 + 5000}, {UTC0 + 4000}, true, true, 5000},
		{{INT64_MIN}, {UTC0 + 4000}, true, false, 4000},
		{{INT64_MIN}, {UTC0 + 9999999}, true, false, 60000}, /* the clock is behind */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct absence_watch watch = {0};
		struct downtime downtime;
		int64_t late;

		absence_boot(&watch, at(60000, 0), rows[i].left_at, rows[i].seen_at);
		absence_begin(&watch, at(60001, 1), 0, &late);
		assert_int_equal(late, -1);
		assert_int_equal(absence_close(&watch, &downtime), rows[i].is_told);
		if (!rows[i].is_told)
			continue;
		assert_int_equal(downtime.kind, ABSENCE_DOWN);
		assert_int_equal(downtime.is_exact, rows[i].is_exact);
		assert_int_equal(downtime.since.ms, UTC0 + rows[i].since);
		assert_int_equal(downtime.until.ms, UTC0 + 60000);
	}
}

static struct record claim(int64_t scheduled)
{
	return (struct record){.kind = RECORD_CLAIM,
			       .run = {.job = "a", .scheduled_at = {UTC0 + scheduled}}};
}

static struct record unrun(enum occurrence_state state, int64_t scheduled, int64_t count)
{
	return (struct record){.kind = RECORD_OCCURRENCE,
			       .occurrence = {.job = "a",
					      .scheduled_at = {UTC0 + scheduled},
					      .last_at = {UTC0 + scheduled},
					      .state = state,
					      .reason = REASON_DOWN,
					      .count = count,
					      .recorded_at = {UTC0 + 460000}}};
}

static void test_what_is_counted_to_it(void **state)
{
	const struct job job = {.name = "a", .catchup = CATCHUP_NONE};
	struct absence_watch watch = watch_after_turn((struct engine_wake){UTC_NEVER, {INT64_MAX}});
	const struct record records[] = {
		claim(200000),
		claim(460000), /* due as it woke up */
		claim(159999), /* before */
		{.kind = RECORD_CLAIM, .run = {.job = "a", .scheduled_at = UTC_NONE}},
		unrun(OCCURRENCE_SKIPPED, 160000, 1),
		unrun(OCCURRENCE_MISSED, 200000, 5),
		{.kind = RECORD_EVALUATED},
	};
	struct downtime downtime;
	int64_t late;

	(void)state;
	absence_note(&watch, &records[0], &job); /* none is open */
	absence_begin(&watch, at(460000, 460000), 300000, &late);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		absence_note(&watch, &records[i], &job);
	assert_true(absence_close(&watch, &downtime));
	assert_int_equal(downtime.counts.caught_up, 1);
	assert_int_equal(downtime.counts.skipped, 1);
	assert_int_equal(downtime.counts.missed, 5);
	assert_int_equal(downtime.counts.not_wanted, 5);
}

/* ---- metrics ---- */

static struct record ended(const char *job, enum outcome outcome, int64_t late, int64_t took)
{
	return (struct record){.kind = RECORD_RUN,
			       .run = {.job = job,
				       .trigger = TRIGGER_SCHEDULE,
				       .scheduled_at = {UTC0},
				       .state = RUN_FINISHED,
				       .outcome = outcome,
				       .started_at = {UTC0 + late},
				       .finished_at = {UTC0 + late + took}}};
}

static void test_runs_are_counted(void **state)
{
	static struct metrics metrics;
	struct record records[] = {
		ended("a", OUTCOME_FAILED, 6, 1000),   ended("a", OUTCOME_TIMED_OUT, 7, 20000000),
		ended("a", OUTCOME_SUCCEEDED, 5, 100), ended("b", OUTCOME_SUCCEEDED, 5, 100),
		ended("a", OUTCOME_CANCELED, 5, 100),  ended("a", OUTCOME_FAILED, 5, 100),
	};
	struct record dry = ended("a", OUTCOME_FAILED, 5, 5), running = dry;
	struct metrics_job *job = metrics_job(&metrics, "a");

	(void)state;
	dry.run.dry_run = true;
	running.run.state = RUN_RUNNING;
	metrics_record(&metrics, &dry);
	metrics_record(&metrics, &running);
	job->is_known = true;
	job->failures_in_a_row = 2;
	for (size_t i = 0; i < 2; i++)
		metrics_record(&metrics, &records[i]);
	assert_int_equal(job->failures_in_a_row, 4);
	for (size_t i = 2; i < 6; i++)
		metrics_record(&metrics, &records[i]);
	assert_int_equal(job->failures_in_a_row, 1);
	assert_int_equal(job->last_success_at.ms, UTC0 + 105);
	assert_int_equal(job->runs[OUTCOME_FAILED][TRIGGER_SCHEDULE], 2);
	assert_int_equal(job->runs[OUTCOME_SUCCEEDED][TRIGGER_SCHEDULE], 1);
	assert_int_equal(job->lateness.counts[0], 3); /* 5 ms */
	assert_int_equal(job->lateness.counts[1], 2);
	assert_int_equal(job->durations.counts[HISTOGRAM_BUCKETS_MAX], 1);
	assert_int_equal(job->durations.sum_us, INT64_C(20001300) * 1000);
	assert_int_equal(metrics.job_count, 2);
	metrics_finish(&metrics);
}

static void test_series_are_bounded(void **state)
{
	static struct metrics metrics;
	char name[16];

	(void)state;
	for (int i = 0; i < METRICS_JOBS_MAX + 50; i++) {
		struct record record = {.kind = RECORD_OCCURRENCE};

		snprintf(name, sizeof(name), "job-%d", i);
		record.occurrence = (struct occurrence){
			.job = name, .state = OCCURRENCE_MISSED, .reason = REASON_DOWN, .count = 2};
		metrics_record(&metrics, &record);
	}
	assert_int_equal(metrics.job_count, METRICS_JOBS_MAX);
	assert_int_equal(metrics.other->missed[REASON_DOWN], 100);
	assert_ptr_equal(metrics_job(&metrics, "job-7"), metrics.jobs[7]);
	assert_int_equal(metrics.jobs[7]->missed[REASON_DOWN], 2);
	metrics_finish(&metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns_that_were_late),
		cmocka_unit_test(test_end_of_the_life_before),
		cmocka_unit_test(test_what_is_counted_to_it),
		cmocka_unit_test(test_runs_are_counted),
		cmocka_unit_test(test_series_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
