/*
 * absence.h - notices that nobody looked for a while, and tells what became of what fell
 * due meanwhile: one line of the log and one record, once all of it is decided.
 *
 * An absence opens before the turn that decides, takes note of what that turn records,
 * and closes with it, so that both are in one batch. Nothing wakes up for it.
 */
#ifndef BELFRY_ABSENCE_H
#define BELFRY_ABSENCE_H

#include "downtime.h"
#include "engine.h"
#include "record.h"

/* Shorter ones are nothing to tell: the machine was busy. */
enum { ABSENCE_LEAST_MS = 10000 };

struct absence_watch {
	bool is_open;
	struct downtime downtime; /* the open one */
	bool has_turn;            /* this life had one; of the last one: */
	struct now last;          /* when it was over */
	struct engine_wake armed; /* when the next one was to come */
	int64_t asleep_ms;
};

/* The life before has ended; state is what it left. */
void absence_boot(struct absence_watch *watch, struct now now, struct utc left_at,
		  struct utc seen_at);
/* A turn begins. How late it is for what it was to come for goes to *late_ms, -1 where
 * it came for something else. */
void absence_begin(struct absence_watch *watch, struct now now, int64_t asleep_ms,
		   int64_t *late_ms);
/* Something was decided; job NULL: it is not in the file any more. */
void absence_note(struct absence_watch *watch, const struct record *record, const struct job *job);
/* The turn has decided all: true if there is something to tell, copied to *downtime. */
bool absence_close(struct absence_watch *watch, struct downtime *downtime);
/* The turn is over. */
void absence_end(struct absence_watch *watch, struct now now, int64_t asleep_ms,
		 const struct engine_wake *armed);

#endif
