/*
 * places.c - who may start, who waits for what, and in which order.
 *
 * A run that is ready to start is in one line: `ready`, or its job's while another run
 * of it goes on, or its group's while that is full. Lines are by priority, then by
 * instant, then by birth. Only the head of `ready` is looked at; what it has to wait for
 * is found out then. A place that is given back brings the heads of the two lines that
 * waited for it to `ready` again, so that each event moves a run or two, however many
 * wait.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "str.h"

/* ---- groups ---- */

static struct group **chain_of(struct engine *engine, const char *name)
{
	return &engine->groups[str_hash(STR_HASH_INIT, name, strlen(name)) % NAME_CHAINS];
}

static struct group *find_or_add(struct engine *engine, const char *name)
{
	struct group **chain = chain_of(engine, name), *group = *chain;

	while (group && strcmp(group->name, name) != 0)
		group = group->bucket;
	if (group)
		return group;
	group = mem_alloc(sizeof(*group));
	group->name = mem_copy_text(name);
	group->bucket = *chain;
	return *chain = group;
}

static void destroy(struct group *group)
{
	heap_finish(&group->waiting);
	free(group->name);
	free(group);
}

/* Those that no job and no run needs. */
static void sweep(struct engine *engine)
{
	for (size_t i = 0; i < NAME_CHAINS; i++) {
		for (struct group **link = &engine->groups[i], *group; (group = *link);) {
			if (group->limit > 0 || group->occupied > 0) {
				link = &group->bucket;
				continue;
			}
			*link = group->bucket;
			destroy(group);
		}
	}
}

void places_regroup(struct engine *engine)
{
	sweep(engine);
	for (size_t i = 0; i < NAME_CHAINS; i++)
		for (struct group *group = engine->groups[i]; group; group = group->bucket)
			group->limit = 0;
	for (size_t i = 0; i < engine->slot_count; i++) {
		struct slot *slot = &engine->slots[i];

		slot->group = slot->job->group ? find_or_add(engine, slot->job->group) : NULL;
		if (slot->group)
			slot->group->limit = slot->job->group_limit;
	}
}

void places_finish(struct engine *engine)
{
	heap_finish(&engine->ready);
	for (size_t i = 0; i < NAME_CHAINS; i++) {
		for (struct group *group = engine->groups[i], *next; group; group = next) {
			next = group->bucket;
			destroy(group);
		}
	}
}

/* ---- lines ---- */

/* Larger priorities first, then older instants; 48 bits of milliseconds last until the
 * year 10889. */
static int64_t turn_of(const struct active_run *run)
{
	int32_t priority = run->slot ? run->slot->job->priority : 0;
	int64_t instant = utc_is_set(run->run.scheduled_at) ? run->run.scheduled_at.ms
							    : run->run.claimed_at.ms;
	int64_t most = (INT64_C(1) << 48) - 1;

	instant = instant < 0 ? 0 : instant > most ? most : instant;
	return ((int64_t)(JOB_PRIORITY_MAX - priority) << 48) + instant;
}

static void enter(struct active_run *run, struct heap *line)
{
	run->line = line;
	heap_set(line, &run->turn, turn_of(run));
}

static void move(struct active_run *run, struct heap *line)
{
	heap_remove(run->line, &run->turn);
	enter(run, line);
}

static bool is_group_full(const struct group *group)
{
	return group && group->occupied >= (size_t)group->limit;
}

/* The line that a run has to wait in, `ready` if it may start. */
static struct heap *line_for(struct engine *engine, const struct active_run *run)
{
	struct slot *slot = run->slot;

	if (!slot || run->run.dry_run)
		return &engine->ready;
	if (slot->occupied > 0 && slot->job->overlap != OVERLAP_ALLOW)
		return &slot->waiting;
	return is_group_full(slot->group) ? &slot->group->waiting : &engine->ready;
}

static void call_head(struct engine *engine, struct heap *line)
{
	struct heap_item *head = heap_top(line);

	if (head)
		move(CONTAINER(head, struct active_run, turn), &engine->ready);
}

static void call_job(struct engine *engine, struct slot *slot)
{
	if (slot && slot->occupied == 0)
		call_head(engine, &slot->waiting);
}

static void call_group(struct engine *engine, struct group *group)
{
	if (group && !is_group_full(group))
		call_head(engine, &group->waiting);
}

void places_line_up(struct engine *engine, struct active_run *run)
{
	enter(run, &engine->ready);
}

/* The place that it was called for may be another one's. */
void places_leave(struct engine *engine, struct active_run *run)
{
	if (!run->line)
		return;
	heap_remove(run->line, &run->turn);
	run->line = NULL;
	call_job(engine, run->slot);
	call_group(engine, run->slot ? run->slot->group : NULL);
}

void places_line_up_again(struct engine *engine, struct active_run *run)
{
	if (run->line)
		move(run, &engine->ready);
}

struct active_run *places_next(struct engine *engine)
{
	struct heap_item *head;

	while (engine->running < (size_t)engine->options.max_running &&
	       (head = heap_top(&engine->ready))) {
		struct active_run *run = CONTAINER(head, struct active_run, turn);
		struct heap *line = line_for(engine, run);

		if (line == &engine->ready) {
			heap_remove(line, head);
			run->line = NULL;
			return run;
		}
		move(run, line);
		if (run->slot && line == &run->slot->waiting)
			call_group(engine, run->slot->group);
	}
	return NULL;
}

/* ---- places ---- */

void places_take(struct engine *engine, struct active_run *run)
{
	engine->running++;
	if (run->run.dry_run || !run->slot)
		return;
	run->slot->occupied++;
	run->group = run->slot->group;
	if (run->group)
		run->group->occupied++;
}

void places_give_back(struct engine *engine, struct active_run *run)
{
	struct group *group = run->group;

	engine->running--;
	run->group = NULL;
	if (group) {
		group->occupied--;
		call_group(engine, group);
	}
	if (run->run.dry_run || !run->slot)
		return;
	run->slot->occupied--;
	call_job(engine, run->slot);
}

const char *places_words(const struct engine *engine, const struct active_run *run,
			 struct arena *arena)
{
	const struct slot *slot = run->slot;

	if (slot && slot->occupied > 0 && slot->job->overlap != OVERLAP_ALLOW)
		return "another run of the job went on";
	if (slot && is_group_full(slot->group))
		return arena_format(arena, "group \"%s\" had no place (limit %d)",
				    slot->group->name, slot->group->limit);
	return arena_format(arena, "all %d places for runs were taken",
			    engine->options.max_running);
}
