/* heap.c - a binary heap of items that know their place; see heap.h. */
#include "heap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "mem.h"

static bool is_before(const struct heap_item *a, const struct heap_item *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void put(struct heap *heap, size_t index, struct heap_item *item)
{
	heap->items[index] = item;
	item->place = index + 1;
}

static void sift_up(struct heap *heap, size_t index, struct heap_item *item)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (!is_before(item, heap->items[parent]))
			break;
		put(heap, index, heap->items[parent]);
		index = parent;
	}
	put(heap, index, item);
}

static void sift_down(struct heap *heap, size_t index, struct heap_item *item)
{
	for (;;) {
		size_t child = index * 2 + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    is_before(heap->items[child + 1], heap->items[child]))
			child++;
		if (!is_before(heap->items[child], item))
			break;
		put(heap, index, heap->items[child]);
		index = child;
	}
	put(heap, index, item);
}

static void settle(struct heap *heap, size_t index, struct heap_item *item)
{
	if (index > 0 && is_before(item, heap->items[(index - 1) / 2]))
		sift_up(heap, index, item);
	else
		sift_down(heap, index, item);
}

void heap_set(struct heap *heap, struct heap_item *item, int64_t key)
{
	item->key = key;
	if (item->place) {
		settle(heap, item->place - 1, item);
		return;
	}
	if (heap->count == heap->capacity) {
		heap->capacity = heap->capacity ? heap->capacity * 2 : 16;
		heap->items = mem_resize(heap->items, heap->capacity * sizeof(struct heap_item *));
	}
	heap->count++;
	sift_up(heap, heap->count - 1, item);
}

void heap_remove(struct heap *heap, struct heap_item *item)
{
	if (!item->place)
		return;
	size_t index = item->place - 1;
	struct heap_item *last = heap->items[--heap->count];

	item->place = 0;
	if (last != item)
		settle(heap, index, last);
}

struct heap_item *heap_top(const struct heap *heap)
{
	return heap->count ? heap->items[0] : NULL;
}

void heap_finish(struct heap *heap)
{
	free(heap->items);
	*heap = (struct heap){0};
}
