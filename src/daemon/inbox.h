/*
 * inbox.h - events that wait for the engine, copied, in order of arrival.
 */
#ifndef BELFRY_INBOX_H
#define BELFRY_INBOX_H

#include "event.h"
#include "mem.h"

struct inbox {
	struct arena arena; /* texts of the events that wait */
	struct event *items;
	size_t first, count, capacity;
};

/* Copies the event with its texts (not the jobs of EVENT_CONFIG: those it borrows). */
void inbox_push(struct inbox *inbox, const struct event *event);
/* False when empty; texts are good until the next push into an emptied inbox. */
bool inbox_pop(struct inbox *inbox, struct event *event);
bool inbox_is_empty(const struct inbox *inbox);
/* What waits is void. */
void inbox_drop(struct inbox *inbox);
void inbox_finish(struct inbox *inbox);

#endif
