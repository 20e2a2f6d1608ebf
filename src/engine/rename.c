/*
 * rename.c - jobs whose names were others before: all that is theirs goes with them.
 *
 * It happens once, in the step, and so the transaction, of the revision that says it.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct rename {
	const char *from, *to;
};

struct renames {
	struct rename *items;
	size_t count;
};

static bool has_name(const struct text_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], name) == 0)
			return true;
	return false;
}

/* The generation before said so too: it was done then. */
static bool is_done(const struct engine *old, const struct job *job, const char *from)
{
	const struct slot *slot = slots_find(old, job->name);

	return slot && has_name(&slot->job->was, from);
}

static size_t count_names(const struct event *event)
{
	size_t count = 0;

	for (size_t i = 0; i < event->job_count; i++)
		count += event->jobs[i].was.count;
	return count;
}

static int by_from(const void *a, const void *b)
{
	return strcmp(((const struct rename *)a)->from, ((const struct rename *)b)->from);
}

static void collect(const struct event *event, const struct engine *old, struct renames *renames)
{
	for (size_t i = 0; i < event->job_count; i++) {
		const struct job *job = &event->jobs[i];

		for (size_t w = 0; w < job->was.count; w++)
			if (!is_done(old, job, job->was.items[w]))
				renames->items[renames->count++] =
					(struct rename){job->was.items[w], job->name};
	}
	if (renames->count)
		qsort(renames->items, renames->count, sizeof(struct rename), by_from);
}

static void record_rename(struct step *step, const struct rename *rename)
{
	struct effect *effect = effects_add(step->effects, EFFECT_RECORD);
	struct arena *arena = step->effects->arena;

	effect->record.kind = RECORD_RENAME;
	effect->record.rename.from = arena_text(arena, rename->from);
	effect->record.rename.to = arena_text(arena, rename->to);
}

static void rename_runs(struct engine *engine, const struct renames *renames)
{
	for (size_t i = 0; engine->run_table && i <= engine->run_mask; i++) {
		for (struct active_run *run = engine->run_table[i]; run; run = run->bucket) {
			struct rename key = {.from = run->run.job};
			const struct rename *rename =
				bsearch(&key, renames->items, renames->count, sizeof(key), by_from);

			if (rename)
				runs_set_job(run, rename->to);
		}
	}
}

void rename_jobs(struct step *step, const struct event *event, const struct engine *old)
{
	size_t most = count_names(event);

	if (most == 0 || !event->is_new_revision)
		return;
	struct renames renames = {.items = mem_alloc(most * sizeof(struct rename))};
	collect(event, old, &renames);
	for (size_t i = 0; i < renames.count; i++) {
		record_rename(step, &renames.items[i]);
		pauses_rename(step->engine, renames.items[i].from, renames.items[i].to);
	}
	if (renames.count)
		rename_runs(step->engine, &renames);
	free(renames.items);
}

const struct slot *rename_origin(const struct engine *old, const struct job *job)
{
	const struct slot *slot = slots_find(old, job->name);

	for (size_t i = 0; !slot && i < job->was.count; i++)
		slot = slots_find(old, job->was.items[i]);
	return slot;
}
