/*
 * engine.h - decides: told the time and what happened, answers with effects.
 *
 * Pure and deterministic: no clock, no I/O, no randomness. The same events at
 * the same times give the same effects, so a log of events replays any day.
 *
 * A run's life: an occurrence falls due and is claimed (a record); only when the
 * store says RECORDED is it started (an effect); the executor answers STARTED and
 * EXITED; the end is recorded, then the executor may forget it.
 */
#ifndef BELFRY_ENGINE_H
#define BELFRY_ENGINE_H

#include "effect.h"
#include "event.h"
#include "instant.h"

struct engine;

struct engine_options {
	int32_t max_running; /* runs at a time; further ones wait in order; at least 1 */
};

/* What an earlier life left in the store. */
struct engine_past {
	struct utc evaluated_until; /* UTC_NONE: a first start */
	struct utc fixed_until;     /* fixed times wait for it; UTC_NONE: for nothing */
	int32_t epoch;
	uint64_t last_run;
	uint8_t node;
	const struct run *open_runs; /* not finished; borrowed for the call */
	size_t open_count;
	const struct pause *pauses; /* in force; borrowed for the call */
	size_t pause_count;
};

struct engine *engine_create(const struct engine_options *options, const struct engine_past *past);
void engine_destroy(struct engine *engine);

/* Steps once. Due instants up to `now` are decided first, so time never passes
 * unnoticed. What EVENT_RECORDED lets start is started by the next step of any other
 * kind, in the order of its priority: a tick has to follow. effects must be empty or continue a
 * turn. event->run is written for EVENT_TRIGGER: the new run, or 0 with event->message (in the
 * effects' arena) saying why not. */
void engine_step(struct engine *engine, struct now now, struct event *event,
		 struct effects *effects);

/* When to step next even if nothing happens; whichever clock comes first. */
struct engine_wake {
	struct utc utc;   /* UTC_NEVER: no instant is planned */
	struct mono mono; /* INT64_MAX ms: no timer runs */
};
struct engine_wake engine_next_wake(const struct engine *engine);

/* The next fire of a job, jitter included, as far as no pause forbids it; false where
 * there is none. */
bool engine_next_fire(const struct engine *engine, const char *job, struct utc *at);

/* The job's pause, NULL where it has none. Borrowed. */
const struct pause *engine_find_pause(const struct engine *engine, const char *job);

/* Runs that an executor may be busy with (starting, running, stopping). */
size_t engine_running(const struct engine *engine);
/* The run as the engine sees it, NULL once it is finished. Borrowed. */
const struct run *engine_find_run(const struct engine *engine, uint64_t id);
/* Every run that is not finished, oldest first by no promise. */
void engine_each_run(const struct engine *engine, void (*fn)(void *context, const struct run *run),
		     void *context);

#endif
