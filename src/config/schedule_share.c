/* schedule_share.c - equal expressions of a generation are parsed and kept once; see
 * schedule_share.h. */
#include "schedule_share.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

enum { FIRST_CAPACITY = 64 };

bool schedule_share_fits(const char *text, const struct schedule_context *context)
{
	return !context->start && !context->end && !context->except_count && !context->jitter_ms &&
	       !strpbrk(text, "Hh");
}

static struct shared_schedule *slot_of(const struct schedule_share *share, const char *text,
				       const struct zone *zone)
{
	uint64_t hash = ((uintptr_t)text ^ (uintptr_t)zone * 31) * UINT64_C(0x9e3779b97f4a7c15);
	size_t mask = share->capacity - 1, i = (size_t)(hash >> 32) & mask;

	while (share->slots[i].text &&
	       (share->slots[i].text != text || share->slots[i].zone != zone))
		i = (i + 1) & mask;
	return &share->slots[i];
}

const struct schedule *schedule_share_find(const struct schedule_share *share, const char *text,
					   const struct zone *zone)
{
	return share->capacity ? slot_of(share, text, zone)->schedule : NULL;
}

static void grow(struct schedule_share *share)
{
	struct schedule_share old = *share;

	share->capacity = old.capacity ? old.capacity * 2 : FIRST_CAPACITY;
	share->slots = mem_alloc(share->capacity * sizeof(*share->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].text)
			*slot_of(share, old.slots[i].text, old.slots[i].zone) = old.slots[i];
	free(old.slots);
}

void schedule_share_add(struct schedule_share *share, const char *text, const struct zone *zone,
			const struct schedule *schedule)
{
	if (share->count * 2 >= share->capacity)
		grow(share);
	*slot_of(share, text, zone) = (struct shared_schedule){text, zone, schedule};
	share->count++;
}

void schedule_share_finish(struct schedule_share *share)
{
	free(share->slots);
	*share = (struct schedule_share){0};
}
