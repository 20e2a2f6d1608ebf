/* verdict.c - whether an attempt that ended is followed by another one, and one that
 * could not be started is tried again. What the outcome was is the model's verdict.h. */
#include "internal.h"

int64_t verdict_retry(const struct job *job, const struct run *run, enum outcome outcome)
{
	if (!job || run->dry_run || run->attempt >= job->retry.attempts ||
	    !(job->retry.on & (1u << outcome)))
		return -1;
	int64_t wait = job->retry.backoff_ms;
	int64_t ceiling = job->retry.max_backoff_ms;

	for (int32_t i = 1; i < run->attempt && wait < ceiling; i++)
		wait *= 2;
	return wait < ceiling || ceiling == 0 ? wait : ceiling;
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
