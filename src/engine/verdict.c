/* verdict.c - whether an attempt that ended is followed by another one. What the
 * outcome was is the model's verdict.h. */
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
