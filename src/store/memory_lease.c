/* memory_lease.c - nodes that share the memory store; see lease.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_internal.h"

static struct utc now_of(const struct memory *memory)
{
	return memory->clock();
}

/* Numbers begin at 1: 0 is the store's that is one daemon's. */
static struct node_entry *node_of(const struct memory *memory, uint8_t number)
{
	return memory->nodes.items[number - 1];
}

static bool has_run_out(const struct memory *memory, const struct node_entry *node)
{
	return utc_is_set(node->until) && now_of(memory).ms > node->until.ms;
}

/* ---- the open runs ---- */

void memory_opened(struct memory *memory, struct run_entry *entry)
{
	if (memory->store.is_shared)
		memory_list_add(&memory->open, entry);
}

void memory_closed(struct memory *memory, struct run_entry *entry)
{
	struct list *open = &memory->open;
	size_t i = 0;

	while (i < open->count && open->items[i] != entry)
		i++;
	if (i == open->count)
		return;
	open->count--;
	memmove(&open->items[i], &open->items[i + 1], (open->count - i) * sizeof(void *));
}

/* ---- batches ---- */

static bool refuse(struct lease *lease, enum refusal why, struct err *err)
{
	lease->refusal = why;
	return why == REFUSAL_FENCED
		       ? err_set(err, "the lease of this node has run out or is another's")
		       : err_set(err, "other nodes have gone on meanwhile");
}

static bool holds(const struct memory *memory, struct err *err)
{
	struct lease *lease = memory->store.lease;
	const struct node_entry *node = node_of(memory, lease->node);

	if (node->fence != lease->fence || !utc_is_set(node->until) || has_run_out(memory, node))
		return refuse(lease, REFUSAL_FENCED, err);
	if (memory->version != lease->version)
		return refuse(lease, REFUSAL_STALE, err);
	return true;
}

/* A stretch has the key of its first instant alone: where that is taken, nobody knows
 * what of the rest is accounted for, if others have gone on since this node began. If
 * not, it is an old one that another jitter brings up again. */
static bool is_taken_stretch(const struct memory *memory, const struct record *record)
{
	return record->kind == RECORD_OCCURRENCE && record->occurrence.state == OCCURRENCE_MISSED &&
	       memory->evaluated_until.ms != memory->store.lease->evaluated.ms &&
	       memory_has_occurrence(memory, &record->occurrence);
}

bool memory_admit(struct memory *memory, const struct record *records, size_t count,
		  struct err *err)
{
	if (!holds(memory, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (is_taken_stretch(memory, &records[i]))
			return refuse(memory->store.lease, REFUSAL_STALE, err);
	return true;
}

void memory_answer(struct memory *memory)
{
	struct lease *lease = memory->store.lease;
	struct utc now = now_of(memory);

	node_of(memory, lease->node)->until = utc_add(now, lease->length_ms);
	node_of(memory, lease->node)->length_ms = lease->length_ms;
	lease->now = now;
	lease->has_handed = lease->has_expired = false;
	for (size_t i = 0; i < memory->nodes.count; i++) {
		struct node_entry *node = memory->nodes.items[i];

		if (i + 1 == lease->node || !utc_is_set(node->until))
			continue;
		/* Longer than a lease is: the store's clock was set back. */
		if (node->until.ms > now.ms + node->length_ms)
			node->until = utc_add(now, node->length_ms);
		lease->has_expired |= has_run_out(memory, node);
	}
	for (size_t i = 0; i < memory->open.count; i++) {
		const struct run_entry *entry = memory->open.items[i];

		lease->has_handed |= entry->node == lease->node && entry->is_handed;
	}
}

enum assignment memory_assign(const struct memory *memory, const struct record *record,
			      uint8_t *node)
{
	const struct lease *lease = memory->store.lease;
	const struct run *run = &record->run;

	*node = lease ? lease->node : 0;
	if (!lease || run->dry_run || record->overlap == OVERLAP_ALLOW)
		return ASSIGNED;
	for (size_t i = 0; i < memory->open.count; i++) {
		const struct run_entry *other = memory->open.items[i];

		if (other->node == lease->node || other->run.dry_run ||
		    strcmp(other->run.job, run->job) != 0)
			continue;
		*node = other->node;
		return record->overlap == OVERLAP_FORBID ? ASSIGNED_NOBODY : ASSIGNED_OTHER;
	}
	return ASSIGNED;
}

void memory_moved(struct memory *memory, const struct record *record)
{
	struct lease *lease = memory->store.lease;

	if (!lease)
		return;
	lease->version = ++memory->version;
	if (record->kind != RECORD_REVISION || !record->revision.hash)
		return;
	snprintf(lease->file_hash, LEASE_HASH_MAX, "%s", record->revision.hash);
	memcpy(node_of(memory, lease->node)->file_hash, lease->file_hash, LEASE_HASH_MAX);
}

/* ---- joining, renewing ---- */

static uint8_t find_node(struct memory *memory, const char *name)
{
	struct node_entry *node;

	for (size_t i = 0; i < memory->nodes.count; i++) {
		node = memory->nodes.items[i];
		if (strcmp(node->name, name) == 0)
			return (uint8_t)(i + 1);
	}
	if (memory->nodes.count == UINT8_MAX)
		return 0;
	node = mem_alloc(sizeof(*node));
	node->name = mem_copy_text(name);
	node->until = UTC_NONE;
	memory_list_add(&memory->nodes, node);
	return (uint8_t)memory->nodes.count;
}

bool memory_join(struct store *store, const char *name, struct err *err)
{
	struct memory *memory = memory_of(store);
	struct lease *lease = store->lease;

	lease->node = find_node(memory, name);
	if (lease->node == 0)
		return err_set(err, "255 nodes share this store already");
	struct node_entry *node = node_of(memory, lease->node);
	lease->fence = ++node->fence;
	lease->version = memory->version;
	memcpy(lease->file_hash, node->file_hash, LEASE_HASH_MAX);
	memory_answer(memory);
	return true;
}

bool memory_renew(struct store *store, struct err *err)
{
	struct memory *memory = memory_of(store);

	if (!holds(memory, err))
		return false;
	memcpy(node_of(memory, store->lease->node)->file_hash, store->lease->file_hash,
	       LEASE_HASH_MAX);
	memory_answer(memory);
	return true;
}

/* ---- taking over ---- */

static struct node_entry *expired(const struct memory *memory, uint8_t *number)
{
	for (size_t i = 0; i < memory->nodes.count; i++) {
		struct node_entry *node = memory->nodes.items[i];

		*number = (uint8_t)(i + 1);
		if (*number != memory->store.lease->node && has_run_out(memory, node))
			return node;
	}
	return NULL;
}

/* What was handed to it and never taken is handed on. */
static void take(struct memory *memory, struct run_entry *entry, struct arena *arena,
		 struct run **runs, size_t *count)
{
	entry->node = memory->store.lease->node;
	if (entry->is_handed)
		return;
	entry->is_torn = true;
	memory_keep_run(arena, &(*runs)[(*count)++], &entry->run);
}

bool memory_take_over(struct store *store, struct arena *arena, struct run **runs, size_t *count,
		      struct err *err)
{
	struct memory *memory = memory_of(store);
	uint8_t number;

	if (!holds(memory, err))
		return false;
	struct node_entry *dead = expired(memory, &number);
	*runs = arena_array(arena, struct run, memory->open.count + 1);
	if (dead) {
		dead->fence++;
		dead->until = UTC_NONE;
		for (size_t i = 0; i < memory->open.count; i++) {
			struct run_entry *entry = memory->open.items[i];

			if (entry->node == number)
				take(memory, entry, arena, runs, count);
		}
	}
	memory_answer(memory);
	return true;
}

bool memory_take_handed(struct store *store, struct arena *arena, struct run **runs, size_t *count,
			struct err *err)
{
	struct memory *memory = memory_of(store);

	if (!holds(memory, err))
		return false;
	*runs = arena_array(arena, struct run, memory->open.count + 1);
	for (size_t i = 0; i < memory->open.count; i++) {
		struct run_entry *entry = memory->open.items[i];

		if (entry->node != store->lease->node || !entry->is_handed)
			continue;
		entry->is_handed = false;
		memory_keep_run(arena, &(*runs)[(*count)++], &entry->run);
	}
	memory_answer(memory);
	return true;
}

/* ---- the store ---- */

void memory_share(struct store *store, struct utc (*clock)(void))
{
	store->is_shared = true;
	memory_of(store)->clock = clock;
}

void memory_lease_finish(struct memory *memory)
{
	for (size_t i = 0; i < memory->nodes.count; i++) {
		struct node_entry *node = memory->nodes.items[i];

		mem_disown(node->name);
		free(node);
	}
	free(memory->nodes.items);
	free(memory->open.items);
}
