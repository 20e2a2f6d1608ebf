/* slots.c - the jobs in force, and how a new generation takes over from the old. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "str.h"

static size_t chain_of(const char *name, size_t mask)
{
	return (size_t)str_hash(STR_HASH_INIT, name, strlen(name)) & mask;
}

struct slot *slots_find(const struct engine *engine, const char *name)
{
	if (!engine->slot_table)
		return NULL;
	for (struct slot *slot = engine->slot_table[chain_of(name, engine->slot_mask)]; slot;
	     slot = slot->bucket)
		if (strcmp(slot->job->name, name) == 0)
			return slot;
	return NULL;
}

void slots_plan(struct engine *engine, struct slot *slot, struct utc after)
{
	struct utc next;

	if (!slot->job->enabled || !schedule_next_after(slot->job->schedule, after, &next)) {
		slot->scheduled = UTC_NEVER;
		heap_remove(&engine->due, &slot->due);
		return;
	}
	slot->scheduled = next;
	heap_set(&engine->due, &slot->due, next.ms + schedule_jitter_ms(slot->job->schedule, next));
}

/* The last instant before `evaluated` whose jittered fire still lies ahead would
 * be lost by planning from `evaluated`, so planning starts a jitter earlier and
 * passes over what has fired. */
static void plan_from_past(struct engine *engine, struct slot *slot)
{
	int64_t jitter = schedule_jitter_max_ms(slot->job->schedule);

	slots_plan(engine, slot, utc_add(engine->evaluated, -jitter));
	while (slot->due.place && slot->due.key <= engine->evaluated.ms)
		slots_plan(engine, slot, slot->scheduled);
}

static bool keeps_plan(const struct slot *old, const struct job *job)
{
	return old->job->schedule_hash == job->schedule_hash && old->job->enabled == job->enabled;
}

static void take_over(struct step *step, struct slot *old, struct slot *slot)
{
	struct engine *engine = step->engine;

	if (old && keeps_plan(old, slot->job)) {
		slot->scheduled = old->scheduled;
		if (old->due.place)
			heap_set(&engine->due, &slot->due, old->due.key);
	} else if (!engine->has_run && utc_is_set(engine->evaluated)) {
		plan_from_past(engine, slot);
	} else {
		slots_plan(engine, slot, step->now.utc);
	}
}

/* Runs follow their job by name into the new generation. */
static void rehome_runs(struct engine *engine)
{
	for (size_t i = 0; engine->run_table && i <= engine->run_mask; i++) {
		for (struct active_run *run = engine->run_table[i]; run; run = run->bucket) {
			bool is_occupied = run->run.state == RUN_STARTING ||
					   run->run.state == RUN_RUNNING ||
					   run->run.state == RUN_STOPPING;

			run->slot = slots_find(engine, run->run.job);
			if (run->slot && !run->run.dry_run) {
				run->slot->active++;
				run->slot->occupied += is_occupied;
			}
		}
	}
}

void slots_replace(struct step *step, const struct event *event)
{
	struct engine *engine = step->engine;
	struct engine old = *engine; /* its slots, table and heap, to be let go */
	size_t mask = 15;

	while (mask + 1 < event->job_count)
		mask = mask * 2 + 1;
	engine->slots = mem_alloc((event->job_count + 1) * sizeof(struct slot));
	engine->slot_count = event->job_count;
	engine->slot_table = mem_alloc((mask + 1) * sizeof(struct slot *));
	engine->slot_mask = mask;
	engine->due = (struct heap){0};
	engine->revision = event->revision;
	for (size_t i = 0; i < event->job_count; i++) {
		struct slot *slot = &engine->slots[i];
		size_t chain = chain_of(event->jobs[i].name, mask);

		slot->job = &event->jobs[i];
		slot->due.order = i;
		slot->bucket = engine->slot_table[chain];
		engine->slot_table[chain] = slot;
		take_over(step, slots_find(&old, slot->job->name), slot);
	}
	rehome_runs(engine);
	slots_finish(&old);
}

void slots_finish(struct engine *engine)
{
	free(engine->slots);
	free(engine->slot_table);
	heap_finish(&engine->due);
}
