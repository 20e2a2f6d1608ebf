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
	bool goes_on = slot->due.place && slot->scheduled.ms == after.ms;
	int64_t floor = goes_on ? slot->due.key : INT64_MIN;
	struct utc next;

	if (!slot->job->enabled || !schedule_next_after(slot->job->schedule, after, &next)) {
		slot->scheduled = UTC_NEVER;
		heap_remove(&engine->due, &slot->due);
		return;
	}
	if (slot->due.place)
		slot->planned = (struct utc){slot->due.key};
	slot->scheduled = next;
	int64_t fire = next.ms + schedule_jitter_ms(slot->job->schedule, next);
	/* No instant passes the one before it, however long the jitter: what fires
	 * later would look as if nobody had been there for it. */
	heap_set(&engine->due, &slot->due, fire > floor ? fire : floor);
}

/* The last instant before `from` whose jittered fire still lies ahead would be lost
 * by planning after `from`, so planning starts a jitter earlier and passes over what
 * has fired by then, and over what is decided. */
static void plan_from(struct engine *engine, struct slot *slot, struct utc from, struct utc decided)
{
	struct utc after = utc_add(from, -schedule_jitter_max_ms(slot->job->schedule));

	slots_plan(engine, slot, utc_max(after, decided));
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

/* By how much the clock of a fixed time jumps when other rules come on. */
static int64_t jump_of(const struct slot *old, const struct job *job, struct utc since)
{
	const struct schedule *schedule = job->schedule;
	int32_t before = zone_offset(schedule_zone(old->job->schedule), since.ms / 1000);
	int32_t after = zone_offset(schedule_zone(schedule), since.ms / 1000);
	int64_t jump_ms = ((int64_t)after - before) * 1000;
	bool is_wrong = jump_ms >= WRONG_CLOCK_MS || jump_ms <= -WRONG_CLOCK_MS;

	if (is_wrong || schedule_follows_clock(schedule) || schedule_is_absolute(schedule))
		return 0;
	return jump_ms;
}

/* Goes on to the last planned instant up to `end`. */
static void fold(struct engine *engine, struct slot *slot, struct utc end)
{
	struct utc next;

	while (slot->due.place &&
	       schedule_next_after(slot->job->schedule, slot->scheduled, &next) &&
	       next.ms <= end.ms)
		slots_plan(engine, slot, slot->scheduled);
}

/* Up to where all is decided, by the new rules. What was decided last may be of a time for
 * which the two differ, while they do not for the time since when the new ones hold. */
static struct utc decided_by(const struct slot *old, const struct slot *slot, int64_t jump_ms)
{
	int64_t own_ms;

	if (!utc_is_set(slot->decided))
		return UTC_NONE;
	own_ms = jump_of(old, slot->job, slot->decided);
	if (jump_ms < own_ms)
		own_ms = jump_ms;
	return own_ms < 0 ? utc_add(slot->decided, -own_ms) : slot->decided;
}

/*
 * Other rules hold from when they came on; what falls between then and now is due.
 * What was decided by the old rules stays decided. Where the clock jumps, all is as
 * when it goes over to daylight saving time and back: fixed times that it leaves out
 * come together, once, and those that it shows a second time do not come again.
 */
static void plan_by_new_rules(struct step *step, const struct slot *old, struct slot *slot,
			      struct utc since)
{
	struct engine *engine = step->engine;
	int64_t jump_ms = jump_of(old, slot->job, since);

	plan_from(engine, slot, utc_add(since, -jump_ms), decided_by(old, slot, jump_ms));
	if (jump_ms > 0)
		fold(engine, slot, since);
}

static void tell_move(struct step *step, const struct slot *old, const struct slot *slot)
{
	char before[UTC_TEXT_MAX], after[UTC_TEXT_MAX];
	const char *from = format_due(old, before), *to = format_due(slot, after);

	if (!str_equal(from, to))
		tell_line(step, &(struct run){.job = slot->job->name}, false,
			  "zone %s changed: next fire %s -> %s",
			  zone_name(schedule_zone(slot->job->schedule)), from, to);
}

static void keep_plan(struct engine *engine, const struct slot *old, struct slot *slot)
{
	slot->scheduled = old->scheduled;
	if (old->due.place)
		heap_set(&engine->due, &slot->due, old->due.key);
}

/* From where a job is planned for which nothing was decided up to `until`. */
static struct utc planned_from(const struct engine *engine, const struct slot *slot,
			       struct utc until)
{
	return schedule_follows_clock(slot->job->schedule) ? until
							   : utc_max(until, engine->fixed_until);
}

/* By another name the same instants have another jitter, and H draws others: what was
 * not decided yet stays due. */
static bool is_but_renamed(const struct slot *old, const struct job *job)
{
	const struct job *was = old->job;

	return strcmp(was->name, job->name) != 0 && was->enabled == job->enabled &&
	       strcmp(was->schedule_text, job->schedule_text) == 0 &&
	       zone_rules(schedule_zone(was->schedule)) == zone_rules(schedule_zone(job->schedule));
}

static void plan_renamed(struct step *step, const struct slot *old, struct slot *slot)
{
	struct engine *engine = step->engine;
	struct utc after = planned_from(engine, slot, utc_max(step->now.utc, engine->evaluated));

	if (old->due.place && old->scheduled.ms <= after.ms)
		after = utc_add(old->scheduled, -1);
	slots_plan(engine, slot, after);
}

static void take_over(struct step *step, const struct event *event, const struct slot *old,
		      struct slot *slot)
{
	struct engine *engine = step->engine;

	slot->decided = old ? old->decided : UTC_NONE;
	if (old && is_as_written(old, slot->job)) {
		if (has_same_rules(old, slot->job) || !utc_is_set(engine->evaluated)) {
			keep_plan(engine, old, slot);
			return;
		}
		plan_by_new_rules(step, old, slot,
				  utc_add(engine->evaluated, -event->rules_age_ms));
		tell_move(step, old, slot);
	} else if (old && engine->has_run && is_but_renamed(old, slot->job)) {
		plan_renamed(step, old, slot);
	} else if (!engine->has_run && utc_is_set(engine->evaluated)) {
		plan_from(engine, slot, planned_from(engine, slot, engine->evaluated), UTC_NONE);
	} else {
		/* Nothing before is its own, not by rules either that held already. */
		slot->decided =
			planned_from(engine, slot, utc_max(step->now.utc, engine->evaluated));
		slots_plan(engine, slot, slot->decided);
	}
}

/* What goes on while its job joins a group, or comes back to one, holds a place there;
 * of a run that an earlier life left it is found out how long it still has, by the file
 * that was in force then. */
static void settle_in(struct step *step, struct active_run *run)
{
	if (run->is_adopted && !step->engine->has_run)
		deadline_set(step, run);
	if (runs_is_occupied(run) && !run->run.dry_run && !run->group && run->slot->group) {
		run->group = run->slot->group;
		run->group->occupied++;
	}
}

/* Runs follow their job by name into the new generation. */
static void rehome_runs(struct step *step)
{
	struct engine *engine = step->engine;

	for (size_t i = 0; engine->run_table && i <= engine->run_mask; i++) {
		for (struct active_run *run = engine->run_table[i]; run; run = run->bucket) {
			run->slot = slots_find(engine, run->run.job);
			if (run->slot && !run->run.dry_run) {
				run->slot->active++;
				run->slot->occupied += runs_is_occupied(run);
			}
			if (run->slot)
				settle_in(step, run);
			places_line_up_again(engine, run);
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
	rename_jobs(step, event, &old);
	for (size_t i = 0; i < event->job_count; i++) {
		struct slot *slot = &engine->slots[i];
		size_t chain = chain_of(event->jobs[i].name, mask);

		slot->job = &event->jobs[i];
		slot->due.order = i;
		slot->bucket = engine->slot_table[chain];
		engine->slot_table[chain] = slot;
		slot->paused = pauses_find(engine, slot->job->name);
		take_over(step, event, rename_origin(&old, slot->job), slot);
	}
	places_regroup(engine);
	rehome_runs(step);
	slots_finish(&old);
}

void slots_finish(struct engine *engine)
{
	for (size_t i = 0; i < engine->slot_count; i++)
		heap_finish(&engine->slots[i].waiting);
	free(engine->slots);
	free(engine->slot_table);
	heap_finish(&engine->due);
}
