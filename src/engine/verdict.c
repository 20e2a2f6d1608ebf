/*
 * verdict.c - the policies of a job as judgements: what becomes of a due instant, of
 * one that nobody saw, of an attempt that ended, and of one that could not be started.
 * What the outcome was is the model's verdict.h.
 */
#include "internal.h"

/* A wait is shortened by up to this part of it, so that runs that failed together do
 * not all come again together. */
enum { RETRY_JITTER_PART = 10 };

/* ---- due ---- */

/* By whether a run of the job is not finished. */
static const enum due_verdict by_overlap[OVERLAP_COUNT][2] = {
	[OVERLAP_FORBID] = {DUE_RUNS, DUE_SKIPPED_OVERLAP},
	[OVERLAP_ALLOW] = {DUE_RUNS, DUE_RUNS},
	[OVERLAP_QUEUE] = {DUE_RUNS, DUE_RUNS},
	[OVERLAP_REPLACE] = {DUE_RUNS, DUE_REPLACES},
};

static bool is_past_deadline(const struct job *job, int64_t late_ms)
{
	return job->deadline_ms > 0 && late_ms >= job->deadline_ms;
}

enum due_verdict verdict_due(const struct job *job, const struct due *due)
{
	if (due->is_paused)
		return DUE_SKIPPED_PAUSED;
	if (is_past_deadline(job, due->late_ms))
		return DUE_MISSED;
	/* `all` promises each instant: they wait for one another. */
	if (due->trigger == TRIGGER_CATCHUP && job->catchup == CATCHUP_ALL &&
	    job->overlap == OVERLAP_FORBID)
		return DUE_RUNS;
	return by_overlap[job->overlap][due->is_active];
}

bool verdict_catches_up(const struct job *job, const struct unseen *unseen)
{
	static const int64_t newer_at_most[CATCHUP_COUNT] = {
		[CATCHUP_ONCE] = 0,
		[CATCHUP_ALL] = CATCHUP_ALL_MAX - 1,
		[CATCHUP_NONE] = -1,
	};

	return unseen->newer <= newer_at_most[job->catchup] &&
	       unseen->age_ms <= job->catchup_window_ms && !is_past_deadline(job, unseen->late_ms);
}

/* ---- ended ---- */

/* The same for the same attempt of the same run, whenever it is asked. */
static uint64_t draw(const struct run *run)
{
	uint64_t x = run->id + (uint64_t)run->attempt * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

int64_t verdict_retry(const struct job *job, const struct run *run, enum outcome outcome)
{
	if (!job || run->dry_run || run->attempt >= job->retry.attempts ||
	    !(job->retry.on & (1u << outcome)))
		return -1;
	int64_t wait = job->retry.backoff_ms;
	int64_t ceiling = job->retry.max_backoff_ms;

	for (int32_t i = 1; i < run->attempt && wait < ceiling; i++)
		wait *= 2;
	if (wait > ceiling && ceiling != 0)
		wait = ceiling;
	return wait - (int64_t)(draw(run) % (uint64_t)(wait / RETRY_JITTER_PART + 1));
}

bool verdict_ignores_pause(const struct run *run)
{
	return run->trigger == TRIGGER_MANUAL;
}

/* The start deadline is the same as after a downtime: so late may a run be at most. */
int64_t verdict_start_again(const struct active_run *run, struct utc now)
{
	enum { DOUBLED_MAX = 5 };
	const struct job *job = run->slot ? run->slot->job : NULL;
	struct utc due =
		utc_is_set(run->run.scheduled_at) ? run->run.scheduled_at : run->run.claimed_at;

	if (!job)
		return -1;
	int64_t left_ms = due.ms + job->catchup_window_ms - now.ms;
	int64_t wait_ms = INT64_C(1000)
			  << (run->held_up < DOUBLED_MAX ? run->held_up : DOUBLED_MAX);

	return left_ms <= 0 ? -1 : wait_ms < left_ms ? wait_ms : left_ms;
}
