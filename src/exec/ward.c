/* ward.c - the attempts in the process executor's care; see process.h. */
#include <stdlib.h>

#include "process.h"

static struct ward **chain_of(const struct process *process, uint64_t run)
{
	/* Ids count up; their multiples by this number spread (Knuth, 6.4). */
	return &process->table[run * UINT64_C(0x9e3779b97f4a7c15) >> 32 & process->mask];
}

static struct ward **link_to(const struct process *process, uint64_t run)
{
	struct ward **link = chain_of(process, run);

	while (*link && (*link)->run != run)
		link = &(*link)->bucket;
	return link;
}

static void grow(struct process *process)
{
	struct ward **old = process->table;
	size_t count = old ? process->mask + 1 : 0;

	process->mask = count ? count * 2 - 1 : 63;
	process->table = mem_alloc((process->mask + 1) * sizeof(struct ward *));
	for (size_t i = 0; i < count; i++) {
		for (struct ward *ward = old[i], *next; ward; ward = next) {
			struct ward **chain = chain_of(process, ward->run);

			next = ward->bucket;
			ward->bucket = *chain;
			*chain = ward;
		}
	}
	free(old);
}

struct ward *ward_find(const struct process *process, uint64_t run)
{
	return process->table ? *link_to(process, run) : NULL;
}

static struct ward *add(struct process *process, uint64_t run)
{
	if (!process->table || process->ward_count > process->mask)
		grow(process);
	struct ward *ward = mem_alloc(sizeof(*ward));
	struct ward **chain = chain_of(process, run);

	ward->run = run;
	ward->bucket = *chain;
	*chain = ward;
	process->ward_count++;
	return ward;
}

struct ward *ward_renew(struct process *process, uint64_t run, int32_t attempt)
{
	struct ward *ward = ward_find(process, run);

	if (!ward)
		ward = add(process, run);
	result_line_finish(&ward->result);
	ward->attempt = attempt;
	ward->link = NULL;
	ward->is_orphan = ward->is_buried = ward->is_over = ward->was_held = false;
	ward->held_at = ward->started_at = UTC_NONE;
	ward->offset = 0;
	return ward;
}

void ward_ready(struct process *process, struct ward *ward)
{
	if (ward->is_ready || ward->is_over)
		return;
	ward->is_ready = true;
	ward->next_ready = NULL;
	*(process->first_ready ? &process->last_ready->next_ready : &process->first_ready) = ward;
	process->last_ready = ward;
}

struct ward *ward_next_ready(struct process *process)
{
	struct ward *ward = process->first_ready;

	if (ward) {
		process->first_ready = ward->next_ready;
		ward->is_ready = false;
	}
	return ward;
}

static void leave_ready(struct process *process, const struct ward *ward)
{
	struct ward *kept = NULL, **link = &process->first_ready;

	while (*link && *link != ward) {
		kept = *link;
		link = &kept->next_ready;
	}
	if (*link) {
		*link = ward->next_ready;
		if (process->last_ready == ward)
			process->last_ready = kept;
	}
}

static void destroy(struct ward *ward)
{
	result_line_finish(&ward->result);
	free(ward);
}

void ward_remove(struct process *process, uint64_t run)
{
	if (!process->table)
		return;
	struct ward **link = link_to(process, run), *ward = *link;

	if (!ward)
		return;
	if (ward->is_ready)
		leave_ready(process, ward);
	*link = ward->bucket;
	process->ward_count--;
	destroy(ward);
}

void ward_each(struct process *process, void (*fn)(struct process *, struct ward *))
{
	for (size_t i = 0; process->table && i <= process->mask; i++)
		for (struct ward *ward = process->table[i]; ward; ward = ward->bucket)
			fn(process, ward);
}

void ward_finish_all(struct process *process)
{
	for (size_t i = 0; process->table && i <= process->mask; i++) {
		for (struct ward *ward = process->table[i], *next; ward; ward = next) {
			next = ward->bucket;
			destroy(ward);
		}
	}
	free(process->table);
	process->table = NULL;
}
