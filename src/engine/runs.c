/* runs.c - the table of runs that are not finished. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static size_t chain_of(const struct engine *engine, uint64_t id)
{
	return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & engine->run_mask;
}

static void grow(struct engine *engine)
{
	size_t old_count = engine->run_table ? engine->run_mask + 1 : 0;
	struct active_run **old = engine->run_table;

	engine->run_mask = (old_count ? old_count * 2 : 64) - 1;
	engine->run_table = mem_alloc((engine->run_mask + 1) * sizeof(struct active_run *));
	for (size_t i = 0; i < old_count; i++) {
		for (struct active_run *run = old[i], *next; run; run = next) {
			size_t chain = chain_of(engine, run->run.id);

			next = run->bucket;
			run->bucket = engine->run_table[chain];
			engine->run_table[chain] = run;
		}
	}
	free(old);
}

struct active_run *runs_add(struct engine *engine, const struct run *run, struct slot *slot)
{
	struct active_run *added = mem_alloc(sizeof(*added));

	if (!engine->run_table || engine->run_count > engine->run_mask)
		grow(engine);
	added->run = *run;
	added->run.job = mem_copy_text(run->job);
	added->run.message = mem_own(run->message);
	added->run.image = mem_own(run->image);
	added->slot = slot;
	added->stop_asked_at = UTC_NONE;
	added->timer.order = added->deadline.order = added->turn.order = run->id;
	size_t chain = chain_of(engine, run->id);
	added->bucket = engine->run_table[chain];
	engine->run_table[chain] = added;
	engine->run_count++;
	if (slot && !run->dry_run)
		slot->active++;
	return added;
}

struct active_run *runs_find(const struct engine *engine, uint64_t id)
{
	if (!engine->run_table)
		return NULL;
	for (struct active_run *run = engine->run_table[chain_of(engine, id)]; run;
	     run = run->bucket)
		if (run->run.id == id)
			return run;
	return NULL;
}

bool runs_is_occupied(const struct active_run *run)
{
	return run->is_adopted || run->run.state == RUN_STARTING || run->run.state == RUN_RUNNING ||
	       run->run.state == RUN_STOPPING;
}

void runs_set_message(struct active_run *run, const char *message)
{
	const char *copy = mem_own(message);

	mem_disown(run->run.message);
	run->run.message = copy;
}

void runs_set_image(struct active_run *run, const char *image)
{
	const char *copy = mem_own(image);

	mem_disown(run->run.image);
	run->run.image = copy;
}

void runs_set_job(struct active_run *run, const char *job)
{
	const char *copy = mem_copy_text(job);

	mem_disown(run->run.job);
	run->run.job = copy;
}

static void destroy(struct active_run *run)
{
	mem_disown(run->run.job);
	mem_disown(run->run.message);
	mem_disown(run->run.image);
	free(run);
}

void runs_remove(struct engine *engine, struct active_run *run)
{
	struct active_run **link = &engine->run_table[chain_of(engine, run->run.id)];

	while (*link != run)
		link = &(*link)->bucket;
	*link = run->bucket;
	engine->run_count--;
	heap_remove(&engine->timers, &run->timer);
	heap_remove(&engine->deadlines, &run->deadline);
	if (run->slot && !run->run.dry_run)
		run->slot->active--;
	destroy(run);
}

void runs_finish(struct engine *engine)
{
	for (size_t i = 0; engine->run_table && i <= engine->run_mask; i++) {
		for (struct active_run *run = engine->run_table[i], *next; run; run = next) {
			next = run->bucket;
			destroy(run);
		}
	}
	free(engine->run_table);
}
