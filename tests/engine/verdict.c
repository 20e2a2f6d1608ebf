/* verdict.c - the policies as judgements: each cell of each grid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void due_by_overlap(void **state)
{
	static const struct {
		enum overlap overlap;
		enum due_verdict idle, active;
	} rows[] = {
		{OVERLAP_FORBID, DUE_RUNS, DUE_SKIPPED_OVERLAP},
		{OVERLAP_ALLOW, DUE_RUNS, DUE_RUNS},
		{OVERLAP_QUEUE, DUE_RUNS, DUE_RUNS},
		{OVERLAP_REPLACE, DUE_RUNS, DUE_REPLACES},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job job = {.overlap = rows[i].overlap};
		struct due due = {.trigger = TRIGGER_SCHEDULE};

		assert_int_equal(verdict_due(&job, &due), rows[i].idle);
		due.is_active = true;
		assert_int_equal(verdict_due(&job, &due), rows[i].active);
		due.trigger = TRIGGER_CATCHUP;
		assert_int_equal(verdict_due(&job, &due), rows[i].active);
		due.is_paused = true;
		assert_int_equal(verdict_due(&job, &due), DUE_SKIPPED_PAUSED);
		due.is_active = false;
		assert_int_equal(verdict_due(&job, &due), DUE_SKIPPED_PAUSED);
	}
}

static void due_after_its_deadline(void **state)
{
	struct job job = {.deadline_ms = 1000};
	struct due due = {.trigger = TRIGGER_SCHEDULE, .late_ms = 999};

	(void)state;
	assert_int_equal(verdict_due(&job, &due), DUE_RUNS);
	due.late_ms = 1000;
	assert_int_equal(verdict_due(&job, &due), DUE_MISSED);
	due.is_paused = true;
	assert_int_equal(verdict_due(&job, &due), DUE_SKIPPED_PAUSED);
	job.deadline_ms = 0;
	due.is_paused = false;
	assert_int_equal(verdict_due(&job, &due), DUE_RUNS);
}

/* Those of `all` wait for one another; of others the second one is an overlap. */
static void due_of_all(void **state)
{
	struct due due = {.trigger = TRIGGER_CATCHUP, .is_active = true};
	struct job job = {.catchup = CATCHUP_ALL};

	(void)state;
	assert_int_equal(verdict_due(&job, &due), DUE_RUNS);
	due.trigger = TRIGGER_SCHEDULE;
	assert_int_equal(verdict_due(&job, &due), DUE_SKIPPED_OVERLAP);
	due.trigger = TRIGGER_CATCHUP;
	job.catchup = CATCHUP_ONCE;
	assert_int_equal(verdict_due(&job, &due), DUE_SKIPPED_OVERLAP);
}

static void unseen_instants(void **state)
{
	enum { WINDOW = 60000 };
	static const struct {
		enum catchup catchup;
		int64_t age_ms, newer, deadline_ms;
		bool runs;
	} rows[] = {
		{CATCHUP_ONCE, 0, 0, 0, true},
		{CATCHUP_ONCE, WINDOW, 0, 0, true},
		{CATCHUP_ONCE, WINDOW + 1, 0, 0, false},
		{CATCHUP_ONCE, 0, 1, 0, false},
		{CATCHUP_ONCE, 500, 0, 501, true},
		{CATCHUP_ONCE, 500, 0, 500, false},
		{CATCHUP_ALL, WINDOW, 0, 0, true},
		{CATCHUP_ALL, WINDOW, CATCHUP_ALL_MAX - 1, 0, true},
		{CATCHUP_ALL, WINDOW, CATCHUP_ALL_MAX, 0, false},
		{CATCHUP_ALL, WINDOW + 1, 3, 0, false},
		{CATCHUP_ALL, 500, 3, 500, false},
		{CATCHUP_NONE, 0, 0, 0, false},
		{CATCHUP_NONE, WINDOW, 7, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job job = {.catchup = rows[i].catchup,
				  .catchup_window_ms = WINDOW,
				  .deadline_ms = rows[i].deadline_ms};
		struct unseen unseen = {.age_ms = rows[i].age_ms,
					.late_ms = rows[i].age_ms,
					.newer = rows[i].newer};

		if (verdict_catches_up(&job, &unseen) != rows[i].runs)
			fail_msg("row %zu", i);
	}
}

/* Jitter: a fire that was late by less than its instant's age is judged by the fire. */
static void unseen_and_jitter(void **state)
{
	struct job job = {.catchup_window_ms = 60000, .deadline_ms = 1000};

	(void)state;
	assert_true(verdict_catches_up(&job, &(struct unseen){.age_ms = 50000, .late_ms = 999}));
	assert_false(verdict_catches_up(&job, &(struct unseen){.age_ms = 50000, .late_ms = 1000}));
}

static int64_t wait_of(const struct job *job, uint64_t id, int32_t attempt)
{
	return verdict_retry(job, &(struct run){.id = id, .attempt = attempt}, OUTCOME_FAILED);
}

static void retry_by_outcome(void **state)
{
	(void)state;
	for (int on = OUTCOME_NONE + 1; on < OUTCOME_COUNT; on++) {
		struct job job = {.retry = {.attempts = 3, .on = 1u << on}};

		for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++) {
			struct run run = {.id = 1, .attempt = 2};

			assert_int_equal(verdict_retry(&job, &run, (enum outcome)outcome),
					 outcome == on ? 0 : -1);
			run.attempt = 3;
			assert_int_equal(verdict_retry(&job, &run, (enum outcome)outcome), -1);
			run.attempt = 1;
			run.dry_run = true;
			assert_int_equal(verdict_retry(&job, &run, (enum outcome)outcome), -1);
		}
	}
	assert_int_equal(verdict_retry(NULL, &(struct run){.attempt = 1}, OUTCOME_FAILED), -1);
}

/* Doubles up to the ceiling, shortened by at most a tenth, and never longer. */
static void retry_waits(void **state)
{
	static const int64_t whole[] = {0, 10000, 20000, 40000, 60000, 60000};
	struct job job = {.retry = {.attempts = 100,
				    .backoff_ms = 10000,
				    .max_backoff_ms = 60000,
				    .on = 1u << OUTCOME_FAILED}};
	bool differs = false;

	(void)state;
	for (int32_t attempt = 1; attempt < (int32_t)COUNT(whole); attempt++) {
		int64_t least = INT64_MAX, most = 0;

		for (uint64_t id = 1; id <= 1000; id++) {
			int64_t wait = wait_of(&job, id << 20, attempt);

			assert_int_equal(wait, wait_of(&job, id << 20, attempt));
			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
			differs |= wait != wait_of(&job, id << 20, attempt % 3 + 1);
		}
		assert_in_range(least, whole[attempt] * 9 / 10, whole[attempt] * 91 / 100);
		assert_in_range(most, whole[attempt] * 99 / 100, whole[attempt]);
	}
	assert_true(differs);
	job.retry.backoff_ms = 0;
	assert_int_equal(wait_of(&job, 7, 4), 0);
}

static void pause_and_triggers(void **state)
{
	(void)state;
	for (int trigger = 0; trigger < TRIGGER_COUNT; trigger++)
		assert_int_equal(
			verdict_ignores_pause(&(struct run){.trigger = (enum trigger)trigger}),
			trigger == TRIGGER_MANUAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(due_by_overlap),    cmocka_unit_test(due_after_its_deadline),
		cmocka_unit_test(due_of_all),        cmocka_unit_test(unseen_instants),
		cmocka_unit_test(unseen_and_jitter), cmocka_unit_test(retry_by_outcome),
		cmocka_unit_test(retry_waits),       cmocka_unit_test(pause_and_triggers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
