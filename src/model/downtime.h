/*
 * downtime.h - a while in which nobody looked at what fell due, and what became of that.
 *
 * belfry was down, the machine asleep, the loop stalled, or the clock was set forward
 * over it. Pure, and the same for the log, the API and the command line.
 */
#ifndef BELFRY_DOWNTIME_H
#define BELFRY_DOWNTIME_H

#include "buf.h"
#include "run.h"
#include "words.h"

struct job;

/* Due instants, by what became of them. */
struct downtime_counts {
	int64_t caught_up; /* a run was claimed */
	int64_t skipped, missed;
	/* Of the missed: */
	int64_t too_old;    /* than their jobs' catchup_window */
	int64_t superseded; /* `catchup: once`: a newer one of the job counted */
	int64_t not_wanted; /* `catchup: none` */
	/* What all that are too old were too old for; 0: none was; -1: jobs differ. */
	int64_t window_ms;
};

struct downtime {
	enum absence kind;
	struct utc since, until;
	/* False: it is not known when the life before ended; since is the last sign of it,
	 * and the downtime at most so long. */
	bool is_exact;
	struct downtime_counts counts;
};

/* Adds an occurrence (or a stretch) that became of it. job NULL: no longer known, and why
 * it was missed neither. */
void downtime_count(struct downtime_counts *counts, const struct job *job,
		    const struct occurrence *occurrence);

/* "down 2026-11-25T14:03:10Z to 14:09:42Z (6m32s): 7 occurrences; 3 caught up, 4 missed
 * (older than 1h window)". */
void downtime_describe(struct buf *out, const struct downtime *downtime);
/* The part after the colon. */
void downtime_describe_counts(struct buf *out, const struct downtime_counts *counts);
/* One object; key NULL makes it an item or a whole text. */
void downtime_json(struct buf *out, const char *key, const struct downtime *downtime);

#endif
