/* engine.c - the engine's doors: create, step, ask; see engine.h. */
#include "engine.h"

#include <assert.h>
#include <stdlib.h>

#include "internal.h"

struct engine *engine_create(const struct engine_options *options, const struct engine_past *past)
{
	struct engine *engine = mem_alloc(sizeof(*engine));

	assert(options->max_running >= 1);
	engine->options = *options;
	engine->evaluated = past->evaluated_until;
	engine->fixed_until = past->fixed_until;
	engine->epoch = past->epoch;
	engine->last_run = past->last_run;
	engine->node = past->node;
	pauses_load(engine, past);
	for (size_t i = 0; i < past->open_count; i++)
		life_adopt(engine, &past->open_runs[i]);
	return engine;
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	slots_finish(engine);
	runs_finish(engine);
	places_finish(engine);
	pauses_finish(engine);
	heap_finish(&engine->timers);
	heap_finish(&engine->deadlines);
	free(engine);
}

/* @reboot jobs, once when the service starts. */
static void start_boot_jobs(struct step *step)
{
	struct engine *engine = step->engine;

	for (size_t i = 0; i < engine->slot_count; i++) {
		struct slot *slot = &engine->slots[i];

		if (!slot->job->enabled || !schedule_is_reboot(slot->job->schedule))
			continue;
		if (slot->paused)
			tell_line(step, &(struct run){.job = slot->job->name}, false,
				  "paused; not started at boot");
		else if (slot->active > 0 && slot->job->overlap == OVERLAP_FORBID)
			tell_line(step, &(struct run){.job = slot->job->name}, false,
				  "still running from before the restart; not started again");
		else
			evaluate_claim(step, slot, TRIGGER_BOOT, UTC_NONE, false);
	}
}

static void configure(struct step *step, const struct event *event)
{
	slots_replace(step, event);
	evaluate(step);
	pauses_lift(step);
	if (event->is_boot)
		start_boot_jobs(step);
	step->decided = true; /* what was planned anew must not be evaluated from before */
}

static void trigger(struct step *step, struct event *event)
{
	struct engine *engine = step->engine;
	struct slot *slot = slots_find(engine, event->job);
	struct arena *arena = step->effects->arena;

	event->run = 0;
	if (!slot)
		event->message = arena_format(arena, "there is no job \"%s\"", event->job);
	else if (engine->draining)
		event->message = "belfry is stopping and starts nothing new";
	else if (!event->dry_run && slot->active > 0 && slot->job->overlap == OVERLAP_FORBID)
		event->message = arena_format(arena,
					      "job \"%s\" is running already and its overlap is "
					      "forbid; cancel that run or wait for it",
					      event->job);
	else
		event->run = evaluate_claim(step, slot, TRIGGER_MANUAL, UTC_NONE, event->dry_run)
				     ->run.id;
}

static void dispatch(struct step *step, struct event *event)
{
	switch (event->kind) {
	case EVENT_TICK: break;
	case EVENT_CONFIG: configure(step, event); break;
	case EVENT_TRIGGER: trigger(step, event); break;
	case EVENT_PAUSE: pauses_add(step, event); break;
	case EVENT_RESUME: pauses_remove(step, event); break;
	case EVENT_DRAIN:
		step->engine->draining = true;
		step->decided = true;
		break;
	case EVENT_TAKEN_OVER: life_take_over(step, event->taken); break;
	case EVENT_HANDED: life_take_handed(step, event->taken); break;
	case EVENT_RECORDED:
	case EVENT_CLAIM_LOST:
	case EVENT_STARTED:
	case EVENT_START_FAILED:
	case EVENT_EXITED:
	case EVENT_LOST:
	case EVENT_CANCEL: life_event(step, event); break;
	}
}

void engine_step(struct engine *engine, struct now now, struct event *event,
		 struct effects *effects)
{
	struct step step = {.engine = engine, .now = now, .effects = effects};

	evaluate(&step);
	pauses_lift(&step);
	life_timers(&step);
	dispatch(&step, event);
	/* The store's answers come many at a time: which goes first is seen when all are here. */
	if (event->kind != EVENT_RECORDED)
		life_start_waiting(&step);
	if (step.decided && utc_is_set(engine->evaluated)) {
		struct effect *effect = effects_add(effects, EFFECT_RECORD);

		effect->record.kind = RECORD_EVALUATED;
		effect->record.evaluated.until = engine->evaluated;
		effect->record.evaluated.epoch = engine->epoch;
	}
}

static int64_t first_of(const struct heap *a, const struct heap *b)
{
	const struct heap_item *x = heap_top(a), *y = heap_top(b);
	int64_t one = x ? x->key : INT64_MAX, other = y ? y->key : INT64_MAX;

	return one < other ? one : other;
}

struct engine_wake engine_next_wake(const struct engine *engine)
{
	struct utc utc = {first_of(&engine->due, &engine->resumes)};

	return (struct engine_wake){
		.utc = engine->draining ? UTC_NEVER : utc,
		.mono = {first_of(&engine->timers, &engine->deadlines)},
	};
}

/* The first fire at or after `until`; instants before may fire then, by their jitter. */
static bool fire_after_pause(const struct slot *slot, struct utc until, struct utc *at)
{
	const struct schedule *schedule = slot->job->schedule;
	struct utc instant = utc_add(until, -schedule_jitter_max_ms(schedule) - 1);

	if (instant.ms < slot->scheduled.ms - 1)
		instant = utc_add(slot->scheduled, -1);
	while (schedule_next_after(schedule, instant, &instant)) {
		*at = utc_add(instant, schedule_jitter_ms(schedule, instant));
		if (at->ms >= until.ms)
			return true;
	}
	return false;
}

bool engine_next_fire(const struct engine *engine, const char *job, struct utc *at)
{
	const struct slot *slot = slots_find(engine, job);

	if (!slot || !slot->due.place)
		return false;
	*at = (struct utc){slot->due.key};
	if (!pauses_forbid(slot, *at))
		return true;
	return utc_is_set(slot->paused->pause.until) &&
	       fire_after_pause(slot, slot->paused->pause.until, at);
}

size_t engine_running(const struct engine *engine)
{
	return engine->running;
}

const struct run *engine_find_run(const struct engine *engine, uint64_t id)
{
	const struct active_run *run = runs_find(engine, id);

	return run ? &run->run : NULL;
}

void engine_each_run(const struct engine *engine, void (*fn)(void *context, const struct run *run),
		     void *context)
{
	for (size_t i = 0; engine->run_table && i <= engine->run_mask; i++)
		for (const struct active_run *run = engine->run_table[i]; run; run = run->bucket)
			fn(context, &run->run);
}
