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
	/* Of a shared store: who holds it. Handed: that node does not know yet. Torn: it was
	 * another node's, whose executor cannot be asked about the attempt. */
	uint8_t node;
	bool is_handed, is_torn;
};

struct memory {
	struct store store;
	struct list downtimes;   /* struct downtime, by until and since */
	struct utc left_at;      /* the end of a life of which no downtime has told */
	struct list runs;        /* struct run_entry, by id */
	struct list occurrences; /* struct occurrence, by job, scheduled_at, epoch */
	struct list revisions;   /* struct revision, by number */
	struct list tokens;      /* struct token */
	struct list audits;      /* struct audit, by number */
	struct list pauses;      /* struct pause, by job */
	struct utc evaluated_until, fixed_until;
	int32_t epoch;
	uint64_t last_run;

	/* memory_lease.c */
	struct utc (*clock)(void);
	struct list nodes; /* struct node_entry, by number */
	struct list open;  /* of the runs, those that are not finished; only where shared */
	int64_t version;
};

struct node_entry {
	const char *name;
	int64_t fence;
	struct utc until; /* UTC_NONE: its runs were taken over */
	int64_t length_ms;
	char file_hash[LEASE_HASH_MAX];
};

static inline struct memory *memory_of(struct store *store)
{
	return (struct memory *)store;
}

void memory_list_insert(struct list *list, size_t at, void *item);

static inline void memory_list_add(struct list *list, void *item)
{
	memory_list_insert(list, list->count, item);
}

/* NULL if there is none. */
struct run_entry *memory_find_run(const struct memory *memory, uint64_t id);

/* What more there is to a batch in a shared store. Admits it, or refuses it whole. */
bool memory_admit(struct memory *memory, const struct record *records, size_t count,
		  struct err *err);
/* After a batch, or with a renewal: the lease goes on, and tells what there is to know. */
void memory_answer(struct memory *memory);
/* Whose a new claim's run is. */
enum assignment {
	ASSIGNED,        /* its claimer's */
	ASSIGNED_OTHER,  /* the node's that holds an open run of the job */
	ASSIGNED_NOBODY, /* as an open run of the job forbids it */
};
enum assignment memory_assign(const struct memory *memory, const struct record *record,
			      uint8_t *node);
/* A revision or an epoch is another version of what all nodes share. */
void memory_moved(struct memory *memory, const struct record *record);
void memory_opened(struct memory *memory, struct run_entry *entry);
void memory_closed(struct memory *memory, struct run_entry *entry);
void memory_lease_finish(struct memory *memory);
bool memory_join(struct store *store, const char *name, struct err *err);
bool memory_renew(struct store *store, struct err *err);
bool memory_take_over(struct store *store, struct arena *arena, struct run **runs, size_t *count,
		      struct err *err);
bool memory_take_handed(struct store *store, struct arena *arena, struct run **runs, size_t *count,
			struct err *err);
void memory_keep_run(struct arena *arena, struct run *copy, const struct run *run);
bool memory_has_occurrence(const struct memory *memory, const struct occurrence *occurrence);

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
bool memory_revisions(struct store *store, const struct revision_filter *filter,
		      store_revision_fn *row, void *context, struct err *err);
/* memory_access.c */
void memory_write_token(struct memory *memory, const struct record *record);
void memory_write_audit(struct memory *memory, const struct record *record);
void memory_finish_access(struct memory *memory);
bool memory_tokens(struct store *store, store_token_fn *row, void *context, struct err *err);
bool memory_audits(struct store *store, const struct audit_filter *filter, store_audit_fn *row,
		   void *context, struct err *err);

bool memory_downtimes(struct store *store, size_t limit, store_downtime_fn *row, void *context,
		      struct err *err);
bool memory_job_summary(struct store *store, const char *job, struct arena *arena,
			struct job_summary *summary, struct err *err);
bool memory_job_names(struct store *store, struct arena *arena, const char *const **names,
		      size_t *count, struct err *err);

#endif
