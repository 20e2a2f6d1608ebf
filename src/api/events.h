/*
 * events.h - what changed, as it changes: server-sent events (WHATWG HTML, 9.2).
 *
 * A ring of the newest ones, so that who comes back with Last-Event-ID misses nothing;
 * who was away too long, or comes from before a restart, is told to `reset`: to read
 * all anew. Kept is only what changed; how it is now is looked up when it is sent.
 */
#ifndef BELFRY_EVENTS_H
#define BELFRY_EVENTS_H

#include "run.h"

enum { EVENTS_KEPT = 1024, EVENTS_BEAT_MS = 15000 };

enum event_noun { EVENT_NOUN_RUN, EVENT_NOUN_REVISION };

struct change {
	enum event_noun noun;
	uint64_t id;          /* of a run, the number of a revision */
	enum run_state state; /* of a run, so that the same news is no news */
	int32_t attempt;
};

struct events {
	uint64_t epoch; /* of this process: ids of another one mean nothing here */
	uint64_t next;  /* number of the next change, from 1 */
	struct change ring[EVENTS_KEPT];
};

/* Notes a change; false where it says nothing new. */
bool events_add(struct events *events, const struct change *change);
/* The change of that number; NULL where it is not kept (any more, or yet). */
const struct change *events_find(const struct events *events, uint64_t number);
/* "19ac51f2e40-17", the id of an event. */
enum { EVENT_ID_MAX = 40 };
const char *events_id(const struct events *events, uint64_t number, char text[EVENT_ID_MAX]);
/* The number after that of a Last-Event-ID; false: it is none that can be gone on from. */
bool events_after(const struct events *events, const char *id, uint64_t *number);

#endif
