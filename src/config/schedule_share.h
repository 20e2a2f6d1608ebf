/* schedule_share.h - equal expressions of a generation are parsed and kept once. */
#ifndef BELFRY_SCHEDULE_SHARE_H
#define BELFRY_SCHEDULE_SHARE_H

#include <stddef.h>

#include "schedule.h"

struct shared_schedule {
	const char *text; /* interned, so that its address tells; NULL: free */
	const struct zone *zone;
	const struct schedule *schedule;
};

struct schedule_share {
	struct shared_schedule *slots; /* open addressing */
	size_t count, capacity;
};

/* Whether another job with that text could share it: nothing around the expression, and
 * no H in it, which the job's name decides. */
bool schedule_share_fits(const char *text, const struct schedule_context *context);
/* NULL where there is none yet. */
const struct schedule *schedule_share_find(const struct schedule_share *share, const char *text,
					   const struct zone *zone);
void schedule_share_add(struct schedule_share *share, const char *text, const struct zone *zone,
			const struct schedule *schedule);
void schedule_share_finish(struct schedule_share *share);

#endif
