/* lateness.c - how long after its planned instant a run started; see lateness.h. */
#include "lateness.h"

#include <stdlib.h>

struct utc lateness_planned(const struct run *run)
{
	return utc_is_set(run->scheduled_at) ? utc_add(run->scheduled_at, run->jitter_ms)
					     : UTC_NONE;
}

bool lateness_of(const struct run *run, int64_t *ms)
{
	struct utc planned = lateness_planned(run);

	if (!utc_is_set(planned) || !utc_is_set(run->started_at) || run->trigger == TRIGGER_CATCHUP)
		return false;
	*ms = run->started_at.ms > planned.ms ? run->started_at.ms - planned.ms : 0;
	return true;
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The smallest value that at least so many of a hundred are not above. */
static int64_t rank(const int64_t *ms, size_t runs, size_t percent)
{
	return ms[(runs * percent + 99) / 100 - 1];
}

struct lateness lateness_summarize(int64_t *ms, size_t runs)
{
	if (runs == 0)
		return (struct lateness){0};
	qsort(ms, runs, sizeof(ms[0]), by_value);
	return (struct lateness){.runs = runs,
				 .p50_ms = rank(ms, runs, 50),
				 .p99_ms = rank(ms, runs, 99),
				 .max_ms = ms[runs - 1]};
}
