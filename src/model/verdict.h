/*
 * verdict.h - judgements about an attempt that ended: its outcome and why.
 *
 * Pure, and the same for the daemon and for a run in the foreground.
 */
#ifndef BELFRY_VERDICT_H
#define BELFRY_VERDICT_H

#include "event.h"
#include "job.h"
#include "mem.h"

/* Why somebody asked the run to end, if anybody did. */
enum stop_cause { STOP_NONE, STOP_CANCEL, STOP_REPLACED, STOP_TIMEOUT, STOP_DEADLINE };

/* job NULL: it is no longer known, its partial exit codes neither. */
enum outcome verdict_outcome(const struct job *job, enum stop_cause stop,
			     const struct attempt_end *end);
/* Why it ended as it did, for people; NULL for a plain success. In the arena, or
 * the result line's own message. */
const char *verdict_message(struct arena *arena, enum outcome outcome, enum stop_cause stop,
			    const struct attempt_end *end);

/* "SIGTERM"; NULL for one that has no name here. */
const char *verdict_signal_name(int32_t number);

#endif
