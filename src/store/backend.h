/*
 * backend.h - what a kind of store has to provide behind store.h.
 *
 * Backends keep records and answer queries, no more. Arguments were checked by
 * store.c: records are consistent, filters are not NULL, a batch is not empty.
 */
#ifndef BELFRY_BACKEND_H
#define BELFRY_BACKEND_H

#include "lease.h"
#include "store.h"

/* The first member of every backend's own structure. */
struct store {
	const struct store_ops *ops;
	unsigned readers; /* queries whose call back is running */
	bool is_shared;
	struct lease *lease; /* goes with each batch; NULL: the store is one daemon's */
};

struct store_ops {
	/* Frees everything; what was applied stays where it was. */
	void (*close)(struct store *store);
	/* All or nothing; sets lost, which is false in every record before. */
	bool (*apply)(struct store *store, struct record *records, size_t count, struct err *err);
	/* state is zeroed, its instants are UTC_NONE. */
	bool (*load)(struct store *store, struct arena *arena, struct store_state *state,
		     struct err *err);
	/* Queries, as in store.h. Call backs may ask the store again meanwhile. */
	bool (*runs)(struct store *store, const struct run_filter *filter, store_run_fn *row,
		     void *context, struct err *err);
	bool (*attempts)(struct store *store, uint64_t run, store_attempt_fn *row, void *context,
			 struct err *err);
	bool (*log)(struct store *store, const struct log_filter *filter, store_log_fn *row,
		    void *context, struct err *err);
	bool (*occurrences)(struct store *store, const struct occurrence_filter *filter,
			    store_occurrence_fn *row, void *context, struct err *err);
	bool (*revisions)(struct store *store, const struct revision_filter *filter,
			  store_revision_fn *row, void *context, struct err *err);
	bool (*tokens)(struct store *store, store_token_fn *row, void *context, struct err *err);
	bool (*audits)(struct store *store, const struct audit_filter *filter, store_audit_fn *row,
		       void *context, struct err *err);
	bool (*downtimes)(struct store *store, size_t limit, store_downtime_fn *row, void *context,
			  struct err *err);
	/* summary is zeroed, last_success_at is UTC_NONE. */
	bool (*job_summary)(struct store *store, const char *job, struct arena *arena,
			    struct job_summary *summary, struct err *err);
	/* At most `batch` runs: first those finished before `before`, in the order they
	 * finished; then the oldest beyond `keep`. And unrun occurrences whose last
	 * instant is before `before`, the oldest STORE_PRUNE_UNRUN_MAX of them. */
	bool (*prune)(struct store *store, const char *job, struct utc before, int64_t keep,
		      size_t batch, size_t *removed, struct err *err);
	bool (*job_names)(struct store *store, struct arena *arena, const char *const **names,
			  size_t *count, struct err *err);
	bool (*is_writable)(struct store *store, struct err *err);
	/* As in lease.h; store->lease is set, its refusal is NONE. */
	bool (*join)(struct store *store, const char *name, struct err *err);
	bool (*renew)(struct store *store, struct err *err);
	bool (*take_over)(struct store *store, struct arena *arena, struct run **runs,
			  size_t *count, struct err *err);
	bool (*take_handed)(struct store *store, struct arena *arena, struct run **runs,
			    size_t *count, struct err *err);
};

/* Keeps a call of prune short: a day of unrun instants, one every ten seconds. */
enum { STORE_PRUNE_UNRUN_MAX = 8640 };

/* How outcomes count in a job's row of failures: `failed` and `timed_out` make it
 * longer, `succeeded` and `partial` end it; what was canceled or is not known says
 * nothing about the job and is passed over. */
static inline bool store_is_failure(enum outcome outcome)
{
	return outcome == OUTCOME_FAILED || outcome == OUTCOME_TIMED_OUT;
}

static inline bool store_ends_failures(enum outcome outcome)
{
	return outcome == OUTCOME_SUCCEEDED || outcome == OUTCOME_PARTIAL;
}

/* So many downtimes are kept, the newest: a machine that is put to sleep ten times a day
 * has three months of them. */
enum { STORE_DOWNTIMES_MAX = 1000 };

/* What a run tells of when belfry was alive. */
static inline void store_see_run(struct store_state *state, const struct run *run)
{
	state->seen_at = utc_max(state->seen_at, utc_max(run->started_at, run->finished_at));
}

/* Whether an instant in a filter filters: a zeroed filter has none. */
static inline bool store_bounds(struct utc t)
{
	return utc_is_set(t) && t.ms != 0;
}

#endif
