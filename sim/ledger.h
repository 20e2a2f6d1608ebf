/* ledger.h - the checker's books, shared by its files and by nobody else. */
#ifndef BELFRY_SIM_LEDGER_H
#define BELFRY_SIM_LEDGER_H

#include "plan.h"
#include "record.h"

struct ledger_run;

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
	size_t first_entry, last_entry; /* of the group; index + 1 */
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
	int64_t term_ms, last_term_ms; /* of this life; of any */
};
extern struct ledger ledger;

struct ledger_job *ledger_job(const char *name);

/* ledger_runs.c */
void ledger_runs_create(void);
void ledger_runs_destroy(void);
void ledger_runs_add(const struct run *run, struct ledger_job *job);
/* Its claim came too late; what its daemon still says of it before it knows is void. */
void ledger_runs_add_void(const struct run *run, struct ledger_job *job);
void ledger_runs_change(const struct run *run);
void ledger_runs_attempt(const struct attempt *attempt);

/* ledger_downtime.c */
void ledger_downtime_create(void);
/* has_past: the store has a watermark of an earlier life. */
void ledger_downtime_life_begins(bool has_past);
/* What has become durable just now. */
void ledger_downtime_commit(const struct record *records, size_t count);

#endif
