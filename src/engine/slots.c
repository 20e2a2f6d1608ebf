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

/* The last instant before `from` whose jittered fire still lies ahead would be lost
 * by planning after `from`, so planning starts a jitter earlier and passes over what
 * has fired by then, and over what is decided. */
static void plan_from(struct engine *engine, struct slot *slot, struct utc from)
{
	struct utc after = utc_add(from, -schedule_jitter_max_ms(slot->job->schedule));

	slots_plan(engine, slot, utc_max(after, slot->decided));
	while (slot->due.place && slot->due.key <= from.ms)
		slots_plan(engine, slot, slot->scheduled);
}

static bool is_as_written(const struct slot *old, const struct job *job)
{
	return old->job->schedule_hash == job->schedule_hash && old->job->enabled == job->enabled;
}

/* The same text may mean other instants, by other rules of its zone. */
static bool has_same_rules(const struct slot *old, const struct job *job)
{
	return zone_rules(schedule_zone(old->job->schedule)) ==
	       zone_rules(schedule_zone(job->schedule));
}

static const char *format_due(const struct slot *slot, char text[UTC_TEXT_MAX])
{
	return slot->due.place ? utc_format((struct utc){slot->due.key}, text) : "never";
}

/* Other rules hold from when they came on. What falls between then and now is due;
 * what was decided by the old rules stays decided. */
static void plan_by_new_rules(struct step *step, const struct slot *old, struct slot *slot,
			      int64_t age_ms)
{
	char before[UTC_TEXT_MAX], after[UTC_TEXT_MAX];

	plan_from(step->engine, slot, utc_add(step->engine->evaluated, -age_ms));
	if (old->due.place == 0 ? slot->due.place == 0
				: slot->due.place && old->due.key == slot->due.key)
		return;
	engine_tell(step, &(struct run){.job = slot->job->name}, false,
		    "zone %s changed: next fire %s -> %s",
		    zone_name(schedule_zone(slot->job->schedule)), format_due(old, before),
		    format_due(slot, after));
}

static void keep_plan(struct engine *engine, const struct slot *old, struct slot *slot)
{
	slot->scheduled = old->scheduled;
	if (old->due.place)
		heap_set(&engine->due, &slot->due, old->due.key);
}

static void take_over(struct step *step, const struct event *event, const struct slot *old,
		      struct slot *slot)
{
	struct engine *engine = step->engine;

	slot->decided = old ? old->decided : UTC_NONE;
	if (old && is_as_written(old, slot->job)) {
		if (has_same_rules(old, slot->job) || !utc_is_set(engine->evaluated))
			keep_plan(engine, old, slot);
		else
			plan_by_new_rules(step, old, slot, event->rules_age_ms);
	} else if (!engine->has_run && utc_is_set(engine->evaluated)) {
		plan_from(engine, slot, engine->evaluated);
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
		take_over(step, event, slots_find(&old, slot->job->name), slot);
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
