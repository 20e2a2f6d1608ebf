/* ledger.h - the checker's books, shared by its files and by nobody else. */
#ifndef BELFRY_SIM_LEDGER_H
#define BELFRY_SIM_LEDGER_H

#include "nodes.h"
#include "plan.h"
#include "record.h"

struct ledger_run;

/* Who holds an open run, of nodes that share a store. */
struct ledger_hold {
	int32_t node;
	bool is_handed; /* to that node, which has not taken it yet */
	bool is_torn;   /* the attempt was another node's */
};

/* A job, by its number. */
struct ledger_job {
	const struct sim_job *def; /* as durable; NULL while it is not in the file */
	const struct schedule *schedule;
	bool has_plan;
	struct utc scheduled; /* the next instant that is owed */
	int64_t fire_ms;
	struct utc since;       /* it was planned anew */
	struct utc loose_until; /* up to here an instant may be recorded or not */
	struct ledger_run *open_runs;
	size_t open; /* of those, the real ones */
	size_t triggers;
	int32_t booted_life, changed_life;
	int32_t max_attempts; /* of any generation */
	bool may_replace;
	bool may_expire;         /* some generation has a deadline */
	struct utc paused_since; /* durably; UTC_NONE: it is not */
	struct utc paused_until; /* UTC_NONE: until it is resumed */
	bool resume_asked;       /* and perhaps it is not durable yet */
	bool was_paused;         /* ever */
	struct {
		bool is_there, is_pause;
		struct utc since, until;
	} pause_to_come;                /* recorded, in force behind the next watermark */
	size_t first_entry, last_entry; /* of the group; index + 1 */
	/* ledger_nodes.c */
	const struct schedule *schedule_before;
	bool is_daily, may_allow;
	struct utc last_claim;
	struct utc stretches_end; /* of those with several instants */
	int32_t last_claim_epoch;
};

/* An instant that was decided. */
struct entry {
	bool is_claim;
	struct utc scheduled, last, decided_at;
	enum trigger trigger;
	enum occurrence_state state;
	enum reason reason;
	int64_t count;
	size_t next;
};

struct ledger {
	struct ledger_job *jobs;
	size_t job_count;
	struct arena arena;

	/* durable */
	struct utc watermark;
	struct utc fixed_until; /* what the clock showed before it went back */
	int32_t epoch;
	int64_t revision;
	size_t generation;
	size_t pending;         /* recorded, in force with the next watermark; SIZE_MAX: none */
	int32_t evaluated_life; /* whose first watermark was seen */

	struct entry *entries;
	size_t entry_count, entry_capacity;
	struct utc decided_at;

	/* the clock as it was read in this life */
	int64_t high_ms;
	struct {
		int64_t high_ms;
	} steps[64];
	size_t step_count;
	int64_t term_ms[NODES_MAX], last_term_ms; /* of a node's life; of any */
	bool is_loose;                            /* instants are a set: ledger_nodes.c */
	int32_t zone;
	size_t brought[NODES_MAX]; /* revisions by each node */
	bool has_new_zones;        /* in force with the next watermark */
	bool waits_for_text;       /* which the store has not given: they are not */
};
extern struct ledger ledger;

struct ledger_job *ledger_job(const char *name);
void ledger_plan_next(struct ledger_job *job);
/* What holds of every claim that is durable. */
void ledger_check_claim(struct ledger_job *job, const struct run *run);

/* A run in the books. */
struct ledger_run {
	struct ledger_run *bucket;
	struct ledger_run *next_open; /* of its job */
	struct ledger_job *job;
	uint64_t id;
	bool is_dry, is_canceled, is_void;
	bool is_canceled_late; /* when its deadline was over, seen or not */
	enum trigger trigger;
	struct utc instant; /* scheduled, or claimed */
	enum run_state state;
	enum outcome outcome, last_attempt;
	int32_t attempt, attempts_recorded;
	int32_t claimed_life, canceled_life, stopping_life;
	int64_t claimed_ms;
	int64_t deadline_ms; /* on the monotonic clock, as its first life counts; -1: none */
	int32_t group;       /* it was started in; 0: none */
	bool was_started;
	struct ledger_hold hold;
	bool was_torn; /* an attempt of it: its process may be alive where nobody hears of it */
};

/* ledger_runs.c: those that are not finished, in the order of their claims. */
struct ledger_run *const *ledger_runs_open(size_t *count);

/* ledger_policies.c */
void policies_pause(const struct record *record);
/* The watermark behind what was decided is durable: pauses of that step hold now. */
void policies_settle(void);
/* Whether a fire of the job is forbidden by a pause. */
bool policies_is_paused(const struct ledger_job *job, int64_t fire_ms);
/* Whether its deadline is over at `now`. */
bool policies_is_expired(const struct ledger_job *job, int64_t fire_ms, struct utc now);
void policies_claim(struct ledger_run *run, const struct run *from);
void policies_start(const struct job *job, struct ledger_run *run);
void policies_check_waiting(void);
void policies_regroup(bool is_new_life);
void policies_rename(const struct record *record);

/* ledger_runs.c */
void ledger_runs_create(void);
void ledger_runs_destroy(void);
void ledger_runs_add(const struct run *from, struct ledger_job *job);
/* Its claim came too late; what its daemon still says of it before it knows is void. */
void ledger_runs_add_void(const struct run *from, struct ledger_job *job);
/* False: the run is none that is void. */
bool ledger_runs_drop_void(uint64_t id);
void ledger_runs_change(const struct run *to);
void ledger_runs_attempt(const struct attempt *attempt);
bool ledger_knows(uint64_t id);
/* NULL: it is not open. */
struct ledger_hold *ledger_hold(uint64_t id);
void ledger_each_hold(void (*fn)(void *context, struct ledger_hold *hold, uint64_t run),
		      void *context);
/* Another node than the one on stage that has an open real run of the job; -1: none. */
int32_t ledger_holder(const struct ledger_job *job);
/* The attempt's gate opens: no other process of the job may be there. */
void ledger_begins_alone(uint64_t id);

/* ledger_downtime.c */
void ledger_downtime_create(void);
/* has_past: the store has a watermark of an earlier life. */
void ledger_downtime_life_begins(bool has_past);
/* What has become durable just now. */
void ledger_downtime_commit(const struct record *records, size_t count);

#endif
