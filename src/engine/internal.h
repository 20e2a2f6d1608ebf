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

/* Jobs that share places; kept while one of them is in the file, or a run of one that
 * was holds a place. */
struct group {
	char *name;
	struct group *bucket; /* next in the table of names */
	int32_t limit;        /* 0: no job of the file is in it any more */
	size_t occupied;
	struct heap waiting; /* runs whose jobs are free, while the group is not */
};

/* A job that is paused; it need not be in the file. */
struct paused {
	struct heap_item resume; /* in engine.resumes where it ends by itself, key: ms UTC */
	struct pause pause;      /* its texts are owned */
	struct paused *bucket;   /* next in the table of names */
};

/* One job in force. */
struct slot {
	struct heap_item due; /* in engine.due, key: fire time in ms UTC */
	const struct job *job;
	struct utc scheduled; /* the instant that is due then (before jitter) */
	struct utc planned;   /* when the instant before that one was due, jitter included */
	struct utc decided;   /* up to here, in this epoch, or not its own; UTC_NONE: nothing */
	struct slot *bucket;  /* next in the table of names */
	uint32_t active;      /* real runs not finished: what overlap looks at */
	uint32_t occupied;    /* of those, the ones an executor is busy with */
	struct group *group;  /* NULL: none */
	struct heap waiting;  /* runs that wait until the one that runs has ended */
	const struct paused *paused; /* NULL while it is not */
};

/* One run that is not finished. */
struct active_run {
	struct heap_item timer;    /* in engine.timers, key: ms on the monotonic clock */
	struct heap_item deadline; /* in engine.deadlines, key: the same */
	struct heap_item turn;     /* in `line`, key: by priority, then by instant */
	struct run run;            /* run.job is owned; run.message and run.image too */
	struct slot *slot;         /* NULL: its job is no longer in the file */
	struct group *group;       /* where it holds a place; NULL: nowhere */
	struct active_run *bucket; /* next in the table of ids */
	struct heap *line;         /* where it waits to start; NULL: it does not */
	bool replaces;             /* the others of its job are to end once it is recorded */
	bool is_unrecorded;        /* that the last attempt is over is not durable yet */
	bool is_adopted;           /* from an earlier life; the executor is being asked */
	bool is_cut_short;         /* the attempt has less than its timeout, by the deadline */
	enum outcome before;       /* of the attempt before; NONE where it is not known */
	int16_t held_up;           /* so often it could not be started for now, in a row */
	enum stop_cause stop;
	struct utc stop_asked_at; /* UTC_NONE: by an earlier life, or not at all */
	int64_t grace_ms;         /* of the job when it was started */
	int64_t deadline_ms;      /* of the job when it was claimed; 0: none */
};

enum { NAME_CHAINS = 256 }; /* of groups, and of pauses */

struct engine {
	struct engine_options options;
	struct slot *slots; /* slot_count of them, in the order of the file */
	size_t slot_count;
	struct slot **slot_table; /* by name; slot_mask + 1 chains */
	size_t slot_mask;
	struct heap due;

	struct active_run **run_table; /* by id; run_mask + 1 chains */
	size_t run_mask, run_count;
	struct heap ready; /* recorded, not started, and for all that is known they may be */
	struct heap timers, deadlines;
	size_t running;

	struct group *groups[NAME_CHAINS];
	struct paused *pauses[NAME_CHAINS];
	struct heap resumes;

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
void runs_set_image(struct active_run *run, const char *image);
void runs_set_job(struct active_run *run, const char *job);
void runs_finish(struct engine *engine);

/* places.c: who may start, who waits for what, in which order */
/* It waits from now on. */
void places_line_up(struct engine *engine, struct active_run *run);
/* It does not wait any more; nothing where it did not. */
void places_leave(struct engine *engine, struct active_run *run);
/* An executor is busy with it, or is no longer. */
void places_take(struct engine *engine, struct active_run *run);
void places_give_back(struct engine *engine, struct active_run *run);
/* The first one that may start, out of its line; NULL where none may. */
struct active_run *places_next(struct engine *engine);
/* What a run that does not start waits for, for people; in arena. */
const char *places_words(const struct engine *engine, const struct active_run *run,
			 struct arena *arena);
/* The groups of the jobs now in force. */
void places_regroup(struct engine *engine);
/* The job of each run is another slot now: whoever waits is looked at anew. */
void places_line_up_again(struct engine *engine, struct active_run *run);
void places_finish(struct engine *engine);

/* pauses.c: the jobs that are paused */
void pauses_load(struct engine *engine, const struct engine_past *past);
struct paused *pauses_find(const struct engine *engine, const char *job);
void pauses_add(struct step *step, struct event *event);
void pauses_remove(struct step *step, struct event *event);
/* Those whose time is over. */
void pauses_lift(struct step *step);
void pauses_rename(struct engine *engine, const char *from, const char *to);
void pauses_finish(struct engine *engine);
/* Whether a fire of the job at `fire` is forbidden. */
bool pauses_forbid(const struct slot *slot, struct utc fire);

/* rename.c: jobs whose names were others before */
void rename_jobs(struct step *step, const struct event *event, const struct engine *old);
/* The slot of the generation before that this job's was; NULL: it is new. */
const struct slot *rename_origin(const struct engine *old, const struct job *job);

/* deadline.c: from due to done */
/* Of a run that is claimed now, or taken over: how long it still has. */
void deadline_set(struct step *step, struct active_run *run);
/* How long the next attempt may take, by timeout and deadline; 0: as long as it likes. */
int64_t deadline_attempt_ms(const struct step *step, struct active_run *run);
/* Whether an attempt that its executor has ended was ended by the deadline. */
bool deadline_has_passed(const struct step *step, const struct active_run *run);
const char *deadline_words(const struct step *step, const struct active_run *run);

/* evaluate.c: what becomes of each due instant */
void evaluate(struct step *step);
/* Claims a run now; scheduled UTC_NONE for one without an occurrence. */
struct active_run *evaluate_claim(struct step *step, struct slot *slot, enum trigger trigger,
				  struct utc scheduled, bool dry_run);

/* Ends the older runs of its job, so that the newcomer can take the place. */
void evaluate_replace(struct step *step, const struct active_run *newcomer);

/* life.c: the life of a run */
void life_event(struct step *step, const struct event *event);
void life_timers(struct step *step);
void life_start_waiting(struct step *step);
void life_stop(struct step *step, struct active_run *run, enum stop_cause cause);
/* Its job was paused just now. */
void life_pause(struct step *step, struct active_run *run);
/* From an earlier life: the executor is going to be asked what became of it. */
void life_adopt(struct engine *engine, const struct run *run);
/* The same while this life goes on, of a run of another node. */
void life_take_over(struct step *step, const struct run *run);
/* Claimed by another node because a run of the job is open here. */
void life_take_handed(struct step *step, const struct run *run);

/* verdict.c: the policies, as judgements */

/* What becomes of an instant that is due. */
enum due_verdict {
	DUE_RUNS,
	DUE_REPLACES, /* it runs, and whatever runs of the job is ended */
	DUE_SKIPPED_OVERLAP,
	DUE_SKIPPED_PAUSED,
	DUE_MISSED, /* its deadline is over already */
};
struct due {
	enum trigger trigger; /* SCHEDULE, CATCHUP */
	bool is_paused;
	bool is_active;  /* a run of the job is not finished */
	int64_t late_ms; /* after it was due, jitter included */
};
enum due_verdict verdict_due(const struct job *job, const struct due *due);

/* Whether an instant that nobody saw when it was due is run after all. */
struct unseen {
	int64_t age_ms;  /* since the instant */
	int64_t late_ms; /* since it was due, jitter included */
	int64_t newer;   /* instants after it that were not seen either */
};
bool verdict_catches_up(const struct job *job, const struct unseen *unseen);
/* So many instants of a job are caught up one after the other, by `all`. */
enum { CATCHUP_ALL_MAX = 1000 };

/* Milliseconds to wait before the next attempt, or -1 for no further one. */
int64_t verdict_retry(const struct job *job, const struct run *run, enum outcome outcome);
/* Whether it may start while its job is paused: what somebody asked for may. */
bool verdict_ignores_pause(const struct run *run);

/* Likewise before a start that was not possible for now is tried again. */
int64_t verdict_start_again(const struct active_run *run, struct utc now);

/* tell.c: effects in the engine's words */
void tell_line(struct step *step, const struct run *about, bool is_warning, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
