/*
 * plan.h - what a seed stands for: jobs, their changes, and what goes wrong when.
 *
 * All of it is drawn before the history begins, so that a piece can be left out
 * and the rest stays as it was: that is how a failing history is made short.
 */
#ifndef BELFRY_SIM_PLAN_H
#define BELFRY_SIM_PLAN_H

#include <stdint.h>

#include "job.h"
#include "mem.h"
#include "random.h"

/* A job as the simulator writes it into schedules.json. */
struct sim_job {
	int32_t name;    /* a number: "j7" */
	int32_t renames; /* so often: "j7r2", which was j7 and j7r1 */
	int32_t expression;
	bool is_paris, is_enabled;
	int32_t jitter_s;
	enum overlap overlap;
	enum catchup catchup;
	int32_t window_s;
	int32_t attempts, backoff_s, max_backoff_s;
	unsigned on;
	int32_t timeout_s, grace_s; /* timeout 0: none */
	int32_t deadline_s;         /* 0: none */
	int32_t priority;
	int32_t group; /* 0: none */
};

enum { SIM_GROUPS = 3 };

struct generation {
	struct sim_job *jobs;
	size_t count;
	int32_t limits[SIM_GROUPS + 1]; /* of the groups, by number */
};

#define ITEM_KINDS(X)                                                                              \
	X(ITEM_CRASH, "crash")        /* a: steps from now, b: down for so long */                 \
	X(ITEM_CLOCK, "clock")        /* a: by so much */                                          \
	X(ITEM_SUSPEND, "suspend")    /* a: the machine sleeps so long */                          \
	X(ITEM_STALL, "stall")        /* a: the daemon alone does */                               \
	X(ITEM_STORE_FAILS, "fails")  /* a: for so long */                                         \
	X(ITEM_STORE_LIES, "lies")    /* a: the next so many commits say that they failed */       \
	X(ITEM_RUNNER_DIES, "runner") /* and all that it holds */                                  \
	X(ITEM_CONFIG, "config")      /* a: this generation is the file now */                     \
	X(ITEM_BAD_FILE, "bad-file")  /* the file is no JSON any more */                           \
	X(ITEM_TRIGGER, "trigger")    /* a: job, b: dry run */                                     \
	X(ITEM_PAUSE, "pause")        /* a: job, b: for so long; 0: until it is resumed */         \
	X(ITEM_RESUME, "resume")      /* a: job */                                                 \
	X(ITEM_CANCEL, "cancel")      /* a: picks one of the open runs */                          \
	X(ITEM_TERM, "term")          /* SIGTERM; b: down for so long */                           \
	X(ITEM_HUP, "hup")            /* SIGHUP */                                                 \
	X(ITEM_ZONE, "zone")          /* a: the rules of the zone are this version's */

#define ITEM_ENUM_ROW(name, word) name,
enum item_kind { ITEM_KINDS(ITEM_ENUM_ROW) ITEM_KIND_COUNT };
const char *item_word(enum item_kind kind);

struct item {
	int64_t at_ms; /* since the history began */
	enum item_kind kind;
	int64_t a, b;
	int32_t node; /* of several: its number + 1; 0: drawn */
};

/* How likely the small faults are, in so many of 1,000. */
struct odds {
	int32_t answer_lost, answer_late, answer_twice, answers_swapped;
	int32_t start_refused, vanishes, hangs, stop_lost, fails_exit, runs_long;
	int32_t commit_fails, commit_lies, load_fails, output;
	int32_t store_slow, gate_slow;
};

struct plan {
	uint64_t seed;
	int32_t days;
	int32_t job_count, nodes;
	bool has_loss;     /* of node 0 with its machine, when it crashes */
	int64_t length_ms; /* of the phase with faults */
	int64_t begin_utc_ms;
	int32_t max_running;
	int32_t stop_mode;
	struct odds odds;
	struct generation *generations;
	size_t generation_count; /* the last one has every job disabled */
	struct item *items;      /* by at_ms */
	size_t item_count;
	bool has_zones;    /* that change */
	int64_t healed_ms; /* all has to be well for so long before it ends */
	struct arena arena;
};

/* 0 days or jobs: drawn too. */
struct plan *plan_create(uint64_t seed, int32_t days, int32_t jobs, int32_t nodes);
/* For the enumeration: no faults, no jobs yet; kept in the plan's arena. */
struct plan *plan_create_empty(uint64_t seed);
void plan_destroy(struct plan *plan);
/* The last generation: as the one before, and nothing enabled. */
void plan_add_end(struct plan *plan);

const char *plan_expression(int32_t index);
/* "j7r2"; borrowed until the next call. */
const char *plan_name(const struct sim_job *job);
/* schedules.json of a generation; of its jobs only those of number below job_count. */
void plan_write(const struct plan *plan, size_t generation, struct buf *json);

#endif
