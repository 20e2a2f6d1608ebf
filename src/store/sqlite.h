/*
 * sqlite.h - the SQLite store: what its files share. sqlite.c opens and commits,
 * sqlite_write.c takes records, sqlite_read.c, sqlite_downtime.c and sqlite_state.c answer,
 * sqlite_prune.c removes.
 *
 * One connection, WAL, synchronous=FULL: what was applied survives a crash of the
 * machine. A batch that fails is rolled back, and nothing of it is seen again: a
 * write that SQLite could not sync is overwritten by the next transaction.
 */
#ifndef BELFRY_SQLITE_H
#define BELFRY_SQLITE_H

#include <sqlite3.h>

#include "backend.h"

/* Statements that are prepared once and kept. Each is run to its end before
 * anybody else gets to run, so they are never in use twice. */
enum kept {
	KEPT_BEGIN,
	KEPT_COMMIT,
	KEPT_OCCURRENCE,
	KEPT_OCCURRENCE_DROP,
	KEPT_CLAIM,
	KEPT_RUN_OPEN,
	KEPT_RUN_FINISHED,
	KEPT_ATTEMPT,
	KEPT_LOG,
	KEPT_LEFT,
	KEPT_LEFT_TOLD,
	KEPT_DOWNTIME,
	KEPT_DOWNTIME_OLD,
	KEPT_REVISION,
	KEPT_TOKEN,
	KEPT_AUDIT,
	KEPT_AUDIT_OLD,
	KEPT_EVALUATED,
	KEPT_EVALUATED_SHARED,
	KEPT_EPOCH,
	KEPT_PAUSE,
	KEPT_RESUME,
	KEPT_LAST_RUN,
	KEPT_TOUCH,
	KEPT_SUMMARY_LAST,
	KEPT_SUMMARY_FINISHED,
	KEPT_SUMMARY_FAILURES,
	KEPT_SUMMARY_UNRUN,
	KEPT_PRUNE_OLD,
	KEPT_PRUNE_EXCESS,
	KEPT_PRUNE_OLDEST,
	KEPT_PRUNE_HAS_UNRUN,
	KEPT_PRUNE_UNRUN,
	KEPT_PRUNE_OCCURRENCE,
	KEPT_PRUNE_RUN,
	KEPT_COUNT
};

enum { SQLITE_IDLE_MAX = 16 };

struct sqlite {
	struct store store;
	sqlite3 *db;
	char *path;   /* for messages */
	bool is_busy; /* somebody else had the lock, last time */
	sqlite3_stmt *kept[KEPT_COUNT];
	/* Of questions that were asked, newest first: asked again, they need not be read anew. */
	sqlite3_stmt *idle[SQLITE_IDLE_MAX];
};

static inline struct sqlite *sqlite_of(struct store *store)
{
	return (struct sqlite *)store;
}

/* The path of a directory's database; the caller frees it. */
char *sqlite_path(const char *directory);
/* What a repaired one is called until it has the old one's place (repair.h). */
#define SQLITE_REPAIRED ".repaired"
/* DIR/belfry.db, mode 0600 where it is made. */
struct store *sqlite_open(const char *directory, struct err *err);

/* What SQLite says is wrong, where, and what to do about it. */
bool sqlite_fail(const struct sqlite *s, struct err *err);

/* NULL with err set on failure. A kept statement is prepared on first use. */
sqlite3_stmt *sqlite_kept(struct sqlite *s, enum kept which, const char *sql, struct err *err);
sqlite3_stmt *sqlite_prepare(struct sqlite *s, const char *sql, struct err *err);
/* Of sqlite_prepare: done with for now. */
void sqlite_lay_by(struct sqlite *s, sqlite3_stmt *statement);
/* Runs a statement that answers nothing, to its end, and resets it. */
bool sqlite_run(struct sqlite *s, sqlite3_stmt *statement, struct err *err);

/* A column as text; NULL is NULL, and never for want of memory. */
const char *sqlite_text(sqlite3_stmt *statement, int column);

bool sqlite_begin(struct sqlite *s, struct err *err);
/* Commits if ok, else, or where that fails, rolls back. True if it is committed. */
bool sqlite_end(struct sqlite *s, bool ok, struct err *err);

/* ---- values in, from parameter 1 on; out, from column 0 on ---- */

struct binder {
	sqlite3_stmt *statement;
	int at;
};
/* Texts and bytes are borrowed until the statement has run. NULL is NULL. */
void sqlite_put_int(struct binder *binder, int64_t value);
void sqlite_put_known(struct binder *binder, int64_t value); /* -1: not known, NULL */
void sqlite_put_time(struct binder *binder, struct utc value);
void sqlite_put_text(struct binder *binder, const char *value);
void sqlite_put_bytes(struct binder *binder, const char *data, size_t length);

/* In the order that sqlite_get_run reads them, and KEPT_CLAIM writes them. */
#define SQLITE_RUN_COLUMNS                                                                         \
	"id, job, executor, trigger, scheduled_at, epoch, revision, dry_run, claimed_at, "         \
	"state, outcome, attempt, started_at, finished_at, exit_code, signal, processed, "         \
	"failed, output_bytes, cpu_ms, max_rss_kib, message, jitter_ms, image"
#define SQLITE_DOWNTIME_COLUMNS                                                                    \
	"kind, since, until, is_exact, caught_up, skipped, missed, too_old, superseded, "          \
	"not_wanted, window_ms"
/* Texts are borrowed until the statement's next step. False with err set where a
 * value is none of ours. */
bool sqlite_get_run(sqlite3_stmt *statement, struct run *run, struct err *err);

/* ---- the slots ---- */

bool sqlite_apply(struct store *store, struct record *records, size_t count, struct err *err);
bool sqlite_load(struct store *store, struct arena *arena, struct store_state *state,
		 struct err *err);
bool sqlite_runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		 void *context, struct err *err);
bool sqlite_attempts(struct store *store, uint64_t run, store_attempt_fn *row, void *context,
		     struct err *err);
bool sqlite_log(struct store *store, const struct log_filter *filter, store_log_fn *row,
		void *context, struct err *err);
bool sqlite_occurrences(struct store *store, const struct occurrence_filter *filter,
			store_occurrence_fn *row, void *context, struct err *err);
bool sqlite_revisions(struct store *store, const struct revision_filter *filter,
		      store_revision_fn *row, void *context, struct err *err);
/* sqlite_access.c */
bool sqlite_write_token(struct sqlite *s, struct record *record, struct err *err);
bool sqlite_write_audit(struct sqlite *s, struct record *record, struct err *err);
bool sqlite_tokens(struct store *store, store_token_fn *row, void *context, struct err *err);
bool sqlite_audits(struct store *store, const struct audit_filter *filter, store_audit_fn *row,
		   void *context, struct err *err);
/* In the transaction of a batch. */
bool sqlite_write_downtime(struct sqlite *s, struct record *record, struct err *err);
bool sqlite_write_left(struct sqlite *s, struct record *record, struct err *err);
bool sqlite_downtimes(struct store *store, size_t limit, store_downtime_fn *row, void *context,
		      struct err *err);
bool sqlite_job_summary(struct store *store, const char *job, struct arena *arena,
			struct job_summary *summary, struct err *err);
bool sqlite_prune(struct store *store, const char *job, struct utc before, int64_t keep,
		  size_t batch, size_t *removed, struct err *err);
bool sqlite_job_names(struct store *store, struct arena *arena, const char *const **names,
		      size_t *count, struct err *err);
bool sqlite_is_writable(struct store *store, struct err *err);

/* ---- sqlite_write.c ---- */

/* Whether the instant ?2 of job ?1 in epoch ?3 is part of a stretch: the row before it
 * reaches so far. */
#define SQLITE_COVERING                                                                            \
	"SELECT 1 FROM (SELECT epoch, last_at FROM occurrence WHERE job = ?1 AND "                 \
	"scheduled_at < ?2 ORDER BY scheduled_at DESC, epoch DESC LIMIT 1) "                       \
	"WHERE epoch = ?3 AND last_at >= ?2"

bool sqlite_put_occurrence(struct sqlite *s, const struct occurrence *occurrence, struct err *err);

/* ---- sqlite_lease.c: only with a lease ---- */

/* Admits a batch, or refuses it whole; after it the lease goes on. */
bool sqlite_admit(struct sqlite *s, const struct record *records, size_t count, struct err *err);
bool sqlite_answer(struct sqlite *s, struct err *err);
/* Whether all of a claim is decided (record->lost); else who gets the run, 0: the claimer. */
bool sqlite_assign_claim(struct sqlite *s, struct record *record, bool *is_decided, int64_t *holder,
			 struct err *err);
bool sqlite_hold_claim(struct sqlite *s, struct record *record, int64_t holder, struct err *err);
bool sqlite_hold_next(struct sqlite *s, const struct run *run, struct err *err);
/* A revision or an epoch is another version of what all nodes share. */
bool sqlite_moved(struct sqlite *s, const struct record *record, struct err *err);
bool sqlite_load_own(struct sqlite *s, struct arena *arena, struct store_state *state,
		     struct err *err);
bool sqlite_join(struct store *store, const char *name, struct err *err);
bool sqlite_renew(struct store *store, struct err *err);
bool sqlite_take_over(struct store *store, struct arena *arena, struct run **runs, size_t *count,
		      struct err *err);
bool sqlite_take_handed(struct store *store, struct arena *arena, struct run **runs, size_t *count,
			struct err *err);

#endif
