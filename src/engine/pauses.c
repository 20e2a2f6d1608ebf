/*
 * pauses.c - the jobs that are paused: by name, through generations of the file.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "str.h"

static struct paused **chain_of(const struct engine *engine, const char *job)
{
	size_t at = str_hash(STR_HASH_INIT, job, strlen(job)) % NAME_CHAINS;

	return &((struct engine *)(uintptr_t)engine)->pauses[at];
}

struct paused *pauses_find(const struct engine *engine, const char *job)
{
	struct paused *paused = *chain_of(engine, job);

	while (paused && strcmp(paused->pause.job, job) != 0)
		paused = paused->bucket;
	return paused;
}

const struct pause *engine_find_pause(const struct engine *engine, const char *job)
{
	const struct paused *paused = pauses_find(engine, job);

	return paused ? &paused->pause : NULL;
}

static void disown_all(const struct pause *pause)
{
	mem_disown(pause->job);
	mem_disown(pause->reason);
	mem_disown(pause->by);
}

static void link_up(struct engine *engine, struct paused *paused)
{
	struct paused **chain = chain_of(engine, paused->pause.job);

	paused->bucket = *chain;
	*chain = paused;
}

static void unlink_it(struct engine *engine, const struct paused *paused)
{
	struct paused **link = chain_of(engine, paused->pause.job);

	while (*link != paused)
		link = &(*link)->bucket;
	*link = paused->bucket;
}

/* Begins the pause, or gives it other words. */
static struct paused *put(struct engine *engine, const struct pause *pause)
{
	struct paused *paused = pauses_find(engine, pause->job);
	struct utc since = pause->since;

	/* Unless the clock went back behind it meanwhile. */
	if (paused && paused->pause.since.ms < since.ms)
		since = paused->pause.since;
	struct pause copy = {.job = mem_own(pause->job),
			     .since = since,
			     .until = pause->until,
			     .reason = mem_own(pause->reason),
			     .by = mem_own(pause->by)};

	if (paused) {
		disown_all(&paused->pause);
		paused->pause = copy;
	} else {
		paused = mem_alloc(sizeof(*paused));
		paused->pause = copy;
		paused->resume.order = str_hash(STR_HASH_INIT, pause->job, strlen(pause->job));
		link_up(engine, paused);
	}
	if (utc_is_set(copy.until))
		heap_set(&engine->resumes, &paused->resume, copy.until.ms);
	else
		heap_remove(&engine->resumes, &paused->resume);
	return paused;
}

static void drop(struct engine *engine, struct paused *paused)
{
	struct slot *slot = slots_find(engine, paused->pause.job);

	if (slot)
		slot->paused = NULL;
	unlink_it(engine, paused);
	heap_remove(&engine->resumes, &paused->resume);
	disown_all(&paused->pause);
	free(paused);
}

void pauses_load(struct engine *engine, const struct engine_past *past)
{
	for (size_t i = 0; i < past->pause_count; i++)
		put(engine, &past->pauses[i]);
}

void pauses_finish(struct engine *engine)
{
	for (size_t i = 0; i < NAME_CHAINS; i++) {
		for (struct paused *paused = engine->pauses[i], *next; paused; paused = next) {
			next = paused->bucket;
			disown_all(&paused->pause);
			free(paused);
		}
	}
	heap_finish(&engine->resumes);
}

bool pauses_forbid(const struct slot *slot, struct utc fire)
{
	const struct paused *paused = slot->paused;

	return paused && (!utc_is_set(paused->pause.until) || fire.ms < paused->pause.until.ms);
}

/* ---- begin and end ---- */

static const char *copy_text(struct arena *arena, const char *text)
{
	return text ? arena_text(arena, text) : NULL;
}

static void record_pause(struct step *step, enum record_kind kind, const struct pause *pause)
{
	struct effect *effect = effects_add(step->effects, EFFECT_RECORD);
	struct arena *arena = step->effects->arena;

	effect->record = (struct record){.kind = kind, .pause = *pause};
	effect->record.pause.job = arena_text(arena, pause->job);
	effect->record.pause.reason = copy_text(arena, pause->reason);
	effect->record.pause.by = copy_text(arena, pause->by);
	step->decided = true;
}

static void tell_pause(struct step *step, const struct pause *pause)
{
	char until[UTC_TEXT_MAX];
	bool ends = utc_is_set(pause->until);

	tell_line(step, &(struct run){.job = pause->job}, false, "paused%s%s%s%s%s%s",
		  ends ? " until " : "", ends ? utc_format(pause->until, until) : "",
		  pause->by ? " by " : "", pause->by ? pause->by : "", pause->reason ? ": " : "",
		  pause->reason ? pause->reason : "");
}

/* What waits to start by itself does not any more. */
static void end_waiting(struct step *step, const struct slot *slot)
{
	struct engine *engine = step->engine;

	for (size_t i = 0; engine->run_table && i <= engine->run_mask; i++) {
		for (struct active_run *run = engine->run_table[i], *next; run; run = next) {
			next = run->bucket; /* it may be freed */
			if (run->slot == slot)
				life_pause(step, run);
		}
	}
}

void pauses_add(struct step *step, struct event *event)
{
	struct slot *slot = slots_find(step->engine, event->pause.job);
	struct pause pause = event->pause;
	struct arena *arena = step->effects->arena;

	event->message = NULL;
	if (!slot) {
		event->message = arena_format(arena, "there is no job \"%s\"", pause.job);
		return;
	}
	if (utc_is_set(pause.until) && pause.until.ms <= step->now.utc.ms) {
		event->message = "a pause has to end in the future";
		return;
	}
	pause.since = step->now.utc;
	struct paused *paused = put(step->engine, &pause);
	slot->paused = paused;
	record_pause(step, RECORD_PAUSE, &paused->pause);
	tell_pause(step, &paused->pause);
	end_waiting(step, slot);
}

void pauses_remove(struct step *step, struct event *event)
{
	struct paused *paused = pauses_find(step->engine, event->job);
	const char *by = event->pause.by;

	event->message = NULL;
	if (!paused)
		return; /* as it is wanted */
	record_pause(step, RECORD_RESUME, &paused->pause);
	tell_line(step, &(struct run){.job = event->job}, false, "resumed%s%s", by ? " by " : "",
		  by ? by : "");
	drop(step->engine, paused);
}

void pauses_lift(struct step *step)
{
	struct engine *engine = step->engine;
	struct heap_item *top;

	/* Not before what was due in their time is decided. */
	if (engine->draining || !engine->slot_table)
		return;
	while ((top = heap_top(&engine->resumes)) && top->key <= step->now.utc.ms) {
		struct paused *paused = CONTAINER(top, struct paused, resume);

		record_pause(step, RECORD_RESUME, &paused->pause);
		tell_line(step, &(struct run){.job = paused->pause.job}, false,
			  "resumed: the time of its pause is over");
		drop(engine, paused);
	}
}

/* One that the new name has already is the one that stays. */
void pauses_rename(struct engine *engine, const char *from, const char *to)
{
	struct paused *paused = pauses_find(engine, from);

	if (!paused)
		return;
	if (!pauses_find(engine, to)) {
		struct pause pause = paused->pause;

		pause.job = to;
		put(engine, &pause);
	}
	drop(engine, paused);
}
