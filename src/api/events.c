/* events.c - the newest changes; see events.h. */
#include "events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far back the same news is looked for. */
enum { LOOK_BACK = 64 };

static bool is_same(const struct change *a, const struct change *b)
{
	return a->noun == b->noun && a->id == b->id && a->state == b->state &&
	       a->attempt == b->attempt;
}

/* The newest about the same run says the same. */
static bool is_known(const struct events *events, const struct change *change)
{
	for (uint64_t back = 1; back <= LOOK_BACK && back < events->next; back++) {
		const struct change *old = events_find(events, events->next - back);

		if (old && old->noun == EVENT_NOUN_RUN && old->id == change->id)
			return is_same(old, change);
	}
	return false;
}

bool events_add(struct events *events, const struct change *change)
{
	if (events->next == 0)
		events->next = 1;
	if (change->noun == EVENT_NOUN_RUN && is_known(events, change))
		return false;
	events->ring[events->next % EVENTS_KEPT] = *change;
	events->next++;
	return true;
}

const struct change *events_find(const struct events *events, uint64_t number)
{
	if (number == 0 || number >= events->next || number + EVENTS_KEPT < events->next)
		return NULL;
	return &events->ring[number % EVENTS_KEPT];
}

const char *events_id(const struct events *events, uint64_t number, char text[EVENT_ID_MAX])
{
	snprintf(text, EVENT_ID_MAX, "%" PRIx64 "-%" PRIu64, events->epoch, number);
	return text;
}

bool events_after(const struct events *events, const char *id, uint64_t *number)
{
	char *end, text[EVENT_ID_MAX];
	uint64_t epoch = strtoull(id, &end, 16), last;

	if (*end != '-')
		return false;
	last = strtoull(end + 1, NULL, 10);
	*number = last + 1;
	/* It may be the newest one: then there is nothing to go on with yet. */
	return epoch == events->epoch && strcmp(events_id(events, last, text), id) == 0 &&
	       last < events->next && last + 1 + EVENTS_KEPT > events->next;
}
