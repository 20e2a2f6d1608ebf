/* heap.h - a binary heap of items that know their place, smallest key first and,
 * among equals, smallest order: the same jobs give the same sequence everywhere. */
#ifndef BELFRY_HEAP_H
#define BELFRY_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* Embedded in what is queued. place is 0 while not queued. */
struct heap_item {
	int64_t key;
	uint64_t order; /* set by the owner before it is queued */
	size_t place;   /* index + 1 */
};

struct heap {
	struct heap_item **items;
	size_t count, capacity;
};

/* Queues item under key, or moves it there. */
void heap_set(struct heap *heap, struct heap_item *item, int64_t key);
/* Does nothing where item is not queued. */
void heap_remove(struct heap *heap, struct heap_item *item);
/* NULL if empty. */
struct heap_item *heap_top(const struct heap *heap);
void heap_finish(struct heap *heap); /* items are left alone */

#endif
