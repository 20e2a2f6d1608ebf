/*
 * internal.h - the engine's own state, shared by its files and by nobody else.
 */
#ifndef BELFRY_ENGINE_INTERNAL_H
#define BELFRY_ENGINE_INTERNAL_H

#include "engine.h"
#include "heap.h"
#include "verdict.h"

/* Vixie's bound: a clock that jumps by three hours or more was wrong before (cron.8,
 * cronie/src/cron.c). */
#define WRONG_CLOCK_MS (INT64_C(3) * 3600 * 1000)

/* One job in force. */
struct slot {
	struct heap_item due; /* in engine.due, key: fire time in ms UTC */
	const struct job *job;
	struct utc scheduled; /* the instant that is due then (before jitter) */
	struct utc decided;   /* the last instant decided in this epoch; UTC_NONE: none was */
	struct slot *bucket;  /* next in the table of names */
	uint32_t active;      /* real runs not finished: what overlap looks at */
	uint32_t occupied;    /* of those, the ones an executor is busy with */
};

/* One run that is not finished. */
struct active_run {
	struct heap_item timer;             /* in engine.timers, key: ms on the monotonic clock */
	struct run run;                     /* run.job is owned; run.message too */
	struct slot *slot;                  /* NULL: its job is no longer in the file */
	struct active_run *bucket;          /* next in the table of ids */
	struct active_run *previous, *next; /* in the waiting line */
	bool is_waiting;
	bool is_unrecorded; /* that the last attempt is over is not durable yet */
	bool is_adopted;    /* from an earlier life; the executor is being asked */
	int16_t held_up;    /* so often it could not be started for now, in a row */
	enum stop_cause stop;
	int64_t grace_ms; /* of the job when it was started */
};

struct engine {
	struct engine_options options;
	struct slot *slots; /* slot_count of them, in the order of the file */
	size_t slot_count;
	struct slot **slot_table; /* by name; slot_mask + 1 chains */
	size_t slot_mask;
	struct heap due;

	struct active_run **run_table; /* by id; run_mask + 1 chains */
	size_t run_mask, run_count;
	struct active_run *first_waiting, *last_waiting; /* recorded, not started */
	struct heap timers;
	size_t running;

	struct utc evaluated;   /* every due instant up to here is decided */
	struct utc fixed_until; /* what the clock showed before it went back, at most */
	bool has_run;           /* stepped before: evaluated is this life's own */
	bool draining;
	int32_t epoch;
	uint64_t last_run;
	uint8_t node;
	int64_t revision;
};

/* What every function of a step needs. */
struct step {
	struct engine *engine;
	struct now now;
	struct effects *effects;
	bool decided; /* an occurrence was: the watermark has to be recorded */
};

#define CONTAINER(pointer, type, member)                                                           \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* slots.c: the jobs in force */
void slots_replace(struct step *step, const struct event *event);
struct slot *slots_find(const struct engine *engine, const char *name);
/* Plans the first instant after `after`. */
void slots_plan(struct engine *engine, struct slot *slot, struct utc after);
void slots_finish(struct engine *engine);

/* runs.c: the runs that are not finished */
struct active_run *runs_add(struct engine *engine, const struct run *run, struct slot *slot);
struct active_run *runs_find(const struct engine *engine, uint64_t id);
void runs_remove(struct engine *engine, struct active_run *run);
/* Whether an executor may be busy with it; of an adopted one nobody knows yet. */
bool runs_is_occupied(const struct active_run *run);
void runs_set_message(struct active_run *run, const char *message);
void runs_finish(struct engine *engine);

/* evaluate.c: what becomes of each due instant */
void evaluate(struct step *step);
/* Claims a run now; scheduled UTC_NONE for one without an occurrence. */
struct active_run *evaluate_claim(struct step *step, struct slot *slot, enum trigger trigger,
				  struct utc scheduled, bool dry_run);

/* life.c: the life of a run */
void life_event(struct step *step, const struct event *event);
void life_timers(struct step *step);
void life_start_waiting(struct step *step);
void life_stop(struct step *step, struct active_run *run, enum stop_cause cause);
/* From an earlier life: the executor is going to be asked what became of it. */
void life_adopt(struct engine *engine, const struct run *run);

/* verdict.c: milliseconds to wait before the next attempt, or -1 for no further one */
int64_t verdict_retry(const struct job *job, const struct run *run, enum outcome outcome);

/* Likewise before a start that was not possible for now is tried again. */
int64_t verdict_start_again(const struct active_run *run, struct utc now);

/* tell.c: effects in the engine's words */
void tell_line(struct step *step, const struct run *about, bool is_warning, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
