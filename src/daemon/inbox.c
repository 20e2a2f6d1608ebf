/* inbox.c - events that wait for the engine; see inbox.h. */
#include "inbox.h"

#include <stdlib.h>

static const char *keep(struct inbox *inbox, const char *text)
{
	return text ? arena_text(&inbox->arena, text) : NULL;
}

void inbox_push(struct inbox *inbox, const struct event *event)
{
	if (inbox->first == inbox->count) {
		inbox->first = inbox->count = 0;
		arena_reset(&inbox->arena);
	}
	if (inbox->count == inbox->capacity) {
		inbox->capacity = inbox->capacity ? inbox->capacity * 2 : 32;
		inbox->items = mem_resize(inbox->items, inbox->capacity * sizeof(struct event));
	}
	struct event *copy = &inbox->items[inbox->count++];
	*copy = *event;
	copy->job = keep(inbox, event->job);
	copy->pause.job = keep(inbox, event->pause.job);
	copy->pause.reason = keep(inbox, event->pause.reason);
	copy->pause.by = keep(inbox, event->pause.by);
	copy->message = keep(inbox, event->message);
	copy->image = keep(inbox, event->image);
	copy->end.message = keep(inbox, event->end.message);
}

bool inbox_pop(struct inbox *inbox, struct event *event)
{
	if (inbox_is_empty(inbox))
		return false;
	*event = inbox->items[inbox->first++];
	return true;
}

bool inbox_is_empty(const struct inbox *inbox)
{
	return inbox->first == inbox->count;
}

void inbox_drop(struct inbox *inbox)
{
	inbox->first = inbox->count;
}

void inbox_finish(struct inbox *inbox)
{
	arena_finish(&inbox->arena);
	free(inbox->items);
	*inbox = (struct inbox){0};
}
