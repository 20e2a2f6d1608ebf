/*
 * store.h - what belfry remembers, behind one small door.
 *
 * Backends (sqlite, memory; later postgres) are dumb: they keep records and
 * answer queries. Rules that hold for all of them live in store.c, and one
 * conformance suite (tests/store) holds them to the same behaviour.
 */
#ifndef BELFRY_STORE_H
#define BELFRY_STORE_H

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "record.h"

struct store;

/* Opens or creates. location: "sqlite:DIR" (DIR/belfry.db) or "memory:". Applies
 * the migrations that are missing; refuses a newer schema than it knows. */
struct store *store_open(const char *location, struct err *err);
void store_close(struct store *store);

/* All of it or nothing. Sets lost on each claim or occurrence whose key (job,
 * scheduled_at, epoch) was there before; that is no failure. On failure nothing
 * was stored, and the same batch may be applied again. RECORD_RUN never changes a
 * run that is finished already. RECORD_LOG of a position that is there is ignored. */
bool store_apply(struct store *store, struct record *records, size_t count, struct err *err);

enum { STORE_SIGN_RUNS = 64 };
/* What the engine needs to go on after a restart. Everything lives in arena. */
struct store_state {
	struct utc evaluated_until; /* UTC_NONE in a new store */
	struct utc fixed_until;     /* of the last RECORD_EPOCH; UTC_NONE if there was none */
	struct utc left_at;         /* of the last RECORD_LEFT that no RECORD_DOWNTIME followed */
	/* The latest sign of life: evaluated_until, or what one of the newest
	 * STORE_SIGN_RUNS runs, or an open one, did last. UTC_NONE in a new store. */
	struct utc seen_at;
	int32_t epoch;
	uint64_t last_run;     /* the largest id ever given out, 0 if none */
	uint8_t node;          /* this store's salt of run ids; drawn once when created */
	struct run *open_runs; /* not finished, oldest first; of a shared store: this node's */
	const bool *is_torn;   /* of each: taken over, its executor cannot be asked; or NULL */
	size_t open_count;
	struct pause *pauses; /* by job */
	size_t pause_count;
	struct revision revision; /* the newest; number 0 if none */
};
bool store_load(struct store *store, struct arena *arena, struct store_state *state,
		struct err *err);

/* Lists. Each filter that is NULL, 0, or UTC_NONE does not filter. Rows arrive in
 * order; what a row points to is good during the call back; false stops early. */
struct run_filter {
	uint64_t id;
	const char *job;
	enum outcome outcome; /* OUTCOME_NONE: any */
	bool only_open;       /* not finished yet */
	bool has_trigger;
	enum trigger trigger;
	uint64_t before; /* ids smaller than this: the cursor of a page */
	uint64_t after;  /* ids larger than this */
	size_t limit;    /* 0: no limit */
};
typedef bool store_run_fn(void *context, const struct run *run);
/* Newest first. */
bool store_runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		void *context, struct err *err);

typedef bool store_attempt_fn(void *context, const struct attempt *attempt);
bool store_attempts(struct store *store, uint64_t run, store_attempt_fn *row, void *context,
		    struct err *err);

struct log_filter {
	uint64_t run;
	int32_t after_attempt;  /* together with after_position: the last chunk seen */
	int64_t after_position; /* -1: from the start */
	bool has_stream;
	enum stream stream;
	size_t limit; /* chunks */
};
typedef bool store_log_fn(void *context, const struct log_chunk *chunk);
/* In the order written: attempt, position. */
bool store_log(struct store *store, const struct log_filter *filter, store_log_fn *row,
	       void *context, struct err *err);

struct occurrence_filter {
	const char *job;
	bool has_state;
	enum occurrence_state state;
	struct utc from, to; /* scheduled_at in [from, to) */
	size_t limit;
};
typedef bool store_occurrence_fn(void *context, const struct occurrence *occurrence);
/* Newest first. */
bool store_occurrences(struct store *store, const struct occurrence_filter *filter,
		       store_occurrence_fn *row, void *context, struct err *err);

struct revision_filter {
	int64_t number; /* this one */
	int64_t before; /* numbers smaller than this: the cursor of a page */
	size_t limit;
	bool with_content; /* else it is NULL */
};
typedef bool store_revision_fn(void *context, const struct revision *revision);
/* Newest first. */
bool store_revisions(struct store *store, const struct revision_filter *filter,
		     store_revision_fn *row, void *context, struct err *err);

typedef bool store_token_fn(void *context, const struct token *token);
/* Oldest first, revoked ones too. */
bool store_tokens(struct store *store, store_token_fn *row, void *context, struct err *err);

/* The newest of the audit log that are kept. */
enum { STORE_AUDITS_KEPT = 100000 };
struct audit_filter {
	int64_t before; /* numbers smaller than this */
	size_t limit;
};
typedef bool store_audit_fn(void *context, const struct audit *audit);
/* Newest first. */
bool store_audits(struct store *store, const struct audit_filter *filter, store_audit_fn *row,
		  void *context, struct err *err);

typedef bool store_downtime_fn(void *context, const struct downtime *downtime);
/* Newest first. */
bool store_downtimes(struct store *store, size_t limit, store_downtime_fn *row, void *context,
		     struct err *err);

/* How a job has been doing, from the newest runs that are no dry runs. */
struct job_summary {
	struct run last; /* id 0 if it never ran; texts live in arena */
	/* It did its work: succeeded or partial, for a job that always loses a few items is
	 * alive. */
	struct utc last_success_at;
	int64_t runs[OUTCOME_COUNT]; /* finished runs that are kept, by outcome */
	int32_t consecutive_failures;
	int64_t skipped, missed; /* instants */
};
bool store_job_summary(struct store *store, const char *job, struct arena *arena,
		       struct job_summary *summary, struct err *err);

/* Removes finished runs of `job` (with attempts, logs, and their occurrences)
 * that are older than `before` or beyond the newest `keep`; at most `batch` runs a
 * call, told in *removed, so that no call takes long. Occurrences without a run
 * older than `before` go too. Runs that are not finished never go. */
bool store_prune(struct store *store, const char *job, struct utc before, int64_t keep,
		 size_t batch, size_t *removed, struct err *err);
/* Every job name that has runs or occurrences, so that jobs no longer in the file
 * are pruned too. */
bool store_job_names(struct store *store, struct arena *arena, const char *const **names,
		     size_t *count, struct err *err);

/* Whether a write would succeed now (for /health). */
bool store_is_writable(struct store *store, struct err *err);

#endif
