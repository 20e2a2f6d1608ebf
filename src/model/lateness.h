/* lateness.h - how long after its planned instant a run started. Pure. */
#ifndef BELFRY_LATENESS_H
#define BELFRY_LATENESS_H

#include "run.h"

/* When it was planned for: its due instant, and the job's jitter after it. UTC_NONE
 * without an occurrence. */
struct utc lateness_planned(const struct run *run);
/* False for what has no lateness of belfry's: a run without an occurrence, one that did
 * not start, and one that was caught up, which is as late as belfry was down. A clock
 * that went back in between is not early: 0. */
bool lateness_of(const struct run *run, int64_t *ms);

struct lateness {
	size_t runs; /* 0: nothing is known, and the others are 0 */
	int64_t p50_ms, p99_ms, max_ms;
};
/* By nearest rank. Sorts ms[0..runs). */
struct lateness lateness_summarize(int64_t *ms, size_t runs);

#endif
