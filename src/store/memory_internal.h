/* memory_internal.h - how the memory store holds its records: sorted lists. */
#ifndef BELFRY_MEMORY_INTERNAL_H
#define BELFRY_MEMORY_INTERNAL_H

#include "backend.h"
#include "memory.h"

/* Pointers in the order of their keys. */
struct list {
	void **items;
	size_t count, capacity;
};

/* A run with all that goes when it goes. Texts are owned. */
struct run_entry {
	struct run run;
	struct list attempts; /* struct attempt, by number */
	struct list log;      /* struct log_chunk, by attempt and position */
};

struct memory {
	struct store store;
	struct list runs;        /* struct run_entry, by id */
	struct list occurrences; /* struct occurrence, by job, scheduled_at, epoch */
	struct list revisions;   /* struct revision, by number */
	struct list pauses;      /* struct pause, by job */
	struct utc evaluated_until, fixed_until;
	int32_t epoch;
	uint64_t last_run;
};

static inline struct memory *memory_of(struct store *store)
{
	return (struct memory *)store;
}

/* NULL if there is none. */
struct run_entry *memory_find_run(const struct memory *memory, uint64_t id);

bool memory_load(struct store *store, struct arena *arena, struct store_state *state,
		 struct err *err);
bool memory_runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		 void *context, struct err *err);
bool memory_attempts(struct store *store, uint64_t run, store_attempt_fn *row, void *context,
		     struct err *err);
bool memory_log(struct store *store, const struct log_filter *filter, store_log_fn *row,
		void *context, struct err *err);
bool memory_occurrences(struct store *store, const struct occurrence_filter *filter,
			store_occurrence_fn *row, void *context, struct err *err);
bool memory_revisions(struct store *store, size_t limit, bool with_content, store_revision_fn *row,
		      void *context, struct err *err);
bool memory_job_summary(struct store *store, const char *job, struct arena *arena,
			struct job_summary *summary, struct err *err);
bool memory_job_names(struct store *store, struct arena *arena, const char *const **names,
		      size_t *count, struct err *err);

#endif
