/* sqlite_lease.c - nodes that share the SQLite store; see lease.h. A state directory has
 * one daemon, so nobody joins there but tests, and the SQL that PostgreSQL will follow. */
#include <stdio.h>
#include <string.h>

#include "sqlite_rows.h"

#define NOW_MS "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"

/* One row of numbers; false and err unset where there is none. */
static bool ask(struct sqlite *s, const char *sql, const int64_t *values, size_t value_count,
		int64_t *answers, int answer_count, bool *is_there, struct err *err)
{
	sqlite3_stmt *statement = sqlite_prepare(s, sql, err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	for (size_t i = 0; i < value_count; i++)
		sqlite_put_int(&to, values[i]);
	int code = sqlite3_step(statement);
	*is_there = code == SQLITE_ROW;
	for (int i = 0; *is_there && i < answer_count; i++)
		answers[i] = sqlite3_column_int64(statement, i);
	bool ok = code == SQLITE_ROW || code == SQLITE_DONE || sqlite_fail(s, err);
	sqlite3_finalize(statement);
	return ok;
}

static bool change(struct sqlite *s, const char *sql, const int64_t *values, size_t count,
		   const char *text, struct err *err)
{
	sqlite3_stmt *statement = sqlite_prepare(s, sql, err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	for (size_t i = 0; i < count; i++)
		sqlite_put_int(&to, values[i]);
	if (text)
		sqlite_put_text(&to, text);
	bool ok = sqlite_run(s, statement, err);
	sqlite3_finalize(statement);
	return ok;
}
#define ASK(s, sql, answers, count, is_there, err, ...)                                            \
	ask(s, sql, (const int64_t[]){__VA_ARGS__},                                                \
	    sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), answers, count, is_there,    \
	    err)
#define CHANGE(s, sql, text, err, ...)                                                             \
	change(s, sql, (const int64_t[]){__VA_ARGS__},                                             \
	       sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), text, err)

static bool refuse(struct lease *lease, enum refusal why, struct err *err)
{
	lease->refusal = why;
	return why == REFUSAL_FENCED
		       ? err_set(err, "the lease of this node has run out or is another's")
		       : err_set(err, "other nodes have gone on meanwhile");
}

/* ---- batches ---- */

static bool holds(struct sqlite *s, struct err *err)
{
	struct lease *lease = s->store.lease;
	int64_t is[2] = {0};
	bool is_there;

	if (!ASK(s,
		 "SELECT fence = ?2 AND until IS NOT NULL AND until >= " NOW_MS ", "
		 "coalesce((SELECT value FROM meta WHERE key = 'version'), 0) "
		 "FROM node WHERE number = ?1",
		 is, 2, &is_there, err, lease->node, lease->fence))
		return false;
	if (!is_there || !is[0])
		return refuse(lease, REFUSAL_FENCED, err);
	if (is[1] != lease->version)
		return refuse(lease, REFUSAL_STALE, err);
	return true;
}

#define OCCURRENCE "SELECT 1 FROM occurrence WHERE job = ?1 AND scheduled_at = ?2 AND epoch = ?3"

static bool has_occurrence(struct sqlite *s, const char *sql, const char *job, struct utc at,
			   int32_t epoch, bool *is_there, struct err *err)
{
	sqlite3_stmt *statement = sqlite_prepare(s, sql, err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, job);
	sqlite_put_int(&to, at.ms);
	sqlite_put_int(&to, epoch);
	int code = sqlite3_step(statement);
	*is_there = code == SQLITE_ROW;
	bool ok = *is_there || code == SQLITE_DONE || sqlite_fail(s, err);
	sqlite3_finalize(statement);
	return ok;
}

/* A stretch has the key of its first instant alone: where that is taken, nobody knows
 * what of the rest is accounted for, if others have gone on since this node began. If
 * not, it is an old one that another jitter brings up again. */
bool sqlite_admit(struct sqlite *s, const struct record *records, size_t count, struct err *err)
{
	bool is_taken, is_there;
	int64_t evaluated = UTC_NONE.ms;

	if (!holds(s, err) || !ASK(s, "SELECT value FROM meta WHERE key = 'evaluated_until' AND ?1",
				   &evaluated, 1, &is_there, err, 1))
		return false;
	if (evaluated == s->store.lease->evaluated.ms)
		return true;
	for (size_t i = 0; i < count; i++) {
		const struct occurrence *o = &records[i].occurrence;

		if (records[i].kind != RECORD_OCCURRENCE || o->state != OCCURRENCE_MISSED)
			continue;
		if (!has_occurrence(s, OCCURRENCE, o->job, o->scheduled_at, o->epoch, &is_taken,
				    err))
			return false;
		if (is_taken)
			return refuse(s->store.lease, REFUSAL_STALE, err);
	}
	return true;
}

/* The lease goes on, and tells what there is to know. */
bool sqlite_answer(struct sqlite *s, struct err *err)
{
	struct lease *lease = s->store.lease;
	int64_t is[4] = {0};
	bool is_there;

	/* Longer than a lease is: the store's clock was set back. */
	if (!CHANGE(s, "UPDATE node SET until = " NOW_MS " + ?2, length = ?2 WHERE number = ?1",
		    NULL, err, lease->node, lease->length_ms) ||
	    !CHANGE(s,
		    "UPDATE node SET until = " NOW_MS " + length "
		    "WHERE number <> ?1 AND until > " NOW_MS " + length",
		    NULL, err, lease->node) ||
	    !ASK(s,
		 "SELECT " NOW_MS ", EXISTS (SELECT 1 FROM hold JOIN run ON run.id = hold.run "
		 "WHERE hold.node = ?1 AND is_handed AND finished_at IS NULL), "
		 "EXISTS (SELECT 1 FROM node WHERE number <> ?1 AND until < " NOW_MS "), "
		 "coalesce((SELECT value FROM meta WHERE key = 'version'), 0)",
		 is, 4, &is_there, err, lease->node))
		return false;
	lease->now = (struct utc){is[0]};
	lease->has_handed = is[1] != 0;
	lease->has_expired = is[2] != 0;
	lease->version = is[3];
	return true;
}

/* The other node's number that holds an open run of the job; 0 if there is none. */
static bool find_holder(struct sqlite *s, const char *job, int64_t *holder, struct err *err)
{
	sqlite3_stmt *statement = sqlite_prepare(
		s,
		"SELECT hold.node FROM run INDEXED BY run_open JOIN hold ON hold.run = run.id "
		"WHERE finished_at IS NULL AND job = ?1 AND dry_run = 0 AND hold.node <> ?2 "
		"ORDER BY run.id LIMIT 1",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, job);
	sqlite_put_int(&to, s->store.lease->node);
	int code = sqlite3_step(statement);
	*holder = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	bool ok = code == SQLITE_ROW || code == SQLITE_DONE || sqlite_fail(s, err);
	sqlite3_finalize(statement);
	return ok;
}

static bool write_skipped(struct sqlite *s, const struct run *run, struct err *err)
{
	if (!utc_is_set(run->scheduled_at))
		return true;
	return sqlite_put_occurrence(s,
				     &(struct occurrence){.job = run->job,
							  .scheduled_at = run->scheduled_at,
							  .epoch = run->epoch,
							  .state = OCCURRENCE_SKIPPED,
							  .reason = REASON_OVERLAP,
							  .last_at = run->scheduled_at,
							  .count = 1,
							  .recorded_at = run->claimed_at},
				     err);
}

/* One that is there already is this node's own, or lost. */
static bool find_claim(struct sqlite *s, struct record *record, bool *is_decided, struct err *err)
{
	const struct run *run = &record->run;
	const struct lease *lease = s->store.lease;
	int64_t is_mine = 0;

	if (!ASK(s,
		 "SELECT EXISTS (SELECT 1 FROM hold WHERE run = ?1 AND node = ?2 AND NOT is_handed)"
		 " FROM run WHERE id = ?1",
		 &is_mine, 1, is_decided, err, (int64_t)run->id, lease->node))
		return false;
	record->lost = *is_decided && !is_mine;
	if (*is_decided || !utc_is_set(run->scheduled_at))
		return true;
	if (!has_occurrence(s, OCCURRENCE " UNION ALL " SQLITE_COVERING, run->job,
			    run->scheduled_at, run->epoch, is_decided, err))
		return false;
	record->lost = *is_decided;
	return true;
}

bool sqlite_assign_claim(struct sqlite *s, struct record *record, bool *is_decided, int64_t *holder,
			 struct err *err)
{
	const struct run *run = &record->run;

	*holder = 0;
	if (!find_claim(s, record, is_decided, err))
		return false;
	if (*is_decided || run->dry_run || record->overlap == OVERLAP_ALLOW)
		return true;
	if (!find_holder(s, run->job, holder, err))
		return false;
	*is_decided = record->lost = *holder && record->overlap == OVERLAP_FORBID;
	return !*is_decided || write_skipped(s, run, err);
}

bool sqlite_hold_claim(struct sqlite *s, struct record *record, int64_t holder, struct err *err)
{
	record->lost = holder != 0;
	return CHANGE(s, "INSERT INTO hold (run, node, is_handed, is_torn) VALUES (?, ?, ?, 0)",
		      NULL, err, (int64_t)record->run.id, holder ? holder : s->store.lease->node,
		      holder != 0);
}

bool sqlite_hold_next(struct sqlite *s, const struct run *run, struct err *err)
{
	return run->state != RUN_BACKOFF ||
	       CHANGE(s, "UPDATE hold SET is_torn = 0 WHERE run = ?", NULL, err, (int64_t)run->id);
}

bool sqlite_moved(struct sqlite *s, const struct record *record, struct err *err)
{
	const char *hash = record->kind == RECORD_REVISION ? record->revision.hash : NULL;

	if (hash)
		snprintf(s->store.lease->file_hash, LEASE_HASH_MAX, "%s", hash);
	return CHANGE(s,
		      "INSERT INTO meta (key, value) VALUES ('version', ?) "
		      "ON CONFLICT DO UPDATE SET value = value + 1",
		      NULL, err, 1) &&
	       (!hash || CHANGE(s, "UPDATE node SET file_hash = ?2 WHERE number = ?1", hash, err,
				s->store.lease->node));
}

/* ---- joining, renewing ---- */

static bool find_node(struct sqlite *s, const char *name, struct err *err)
{
	struct lease *lease = s->store.lease;
	sqlite3_stmt *statement;

	if (!change(s,
		    "INSERT INTO node (number, name, fence, length, file_hash) "
		    "SELECT 1 + coalesce((SELECT max(number) FROM node), 0), ?1, 0, 0, '' "
		    "WHERE NOT EXISTS (SELECT 1 FROM node WHERE name = ?1)",
		    NULL, 0, name, err) ||
	    !change(s, "UPDATE node SET fence = fence + 1 WHERE name = ?1", NULL, 0, name, err))
		return false;
	statement =
		sqlite_prepare(s, "SELECT number, fence, file_hash FROM node WHERE name = ?1", err);
	if (!statement)
		return false;
	sqlite_put_text(&(struct binder){statement, 0}, name);
	bool ok = sqlite3_step(statement) == SQLITE_ROW || sqlite_fail(s, err);
	int64_t number = ok ? sqlite3_column_int64(statement, 0) : 0;
	if (ok) {
		lease->fence = sqlite3_column_int64(statement, 1);
		snprintf(lease->file_hash, LEASE_HASH_MAX, "%s",
			 (const char *)sqlite3_column_text(statement, 2));
	}
	sqlite3_finalize(statement);
	if (number > UINT8_MAX)
		return err_set(err, "255 nodes share this store already");
	lease->node = (uint8_t)number;
	return ok;
}

bool sqlite_join(struct store *store, const char *name, struct err *err)
{
	struct sqlite *s = sqlite_of(store);

	return sqlite_begin(s, err) &&
	       sqlite_end(s, find_node(s, name, err) && sqlite_answer(s, err), err);
}

bool sqlite_renew(struct store *store, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	const struct lease *lease = store->lease;

	return sqlite_begin(s, err) &&
	       sqlite_end(s,
			  holds(s, err) &&
				  CHANGE(s, "UPDATE node SET file_hash = ?2 WHERE number = ?1",
					 lease->file_hash, err, lease->node) &&
				  sqlite_answer(s, err),
			  err);
}

/* ---- taking over ---- */

struct taking {
	struct arena *arena;
	struct run *runs;
	bool *is_torn;
	size_t count, capacity;
};

static enum going take_row(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct taking *taking = context;
	struct run run;

	if (!sqlite_get_run(statement, &run, err))
		return GOING_WRONG;
	if (taking->count == taking->capacity) {
		struct run *runs = taking->runs;
		bool *is_torn = taking->is_torn;

		taking->capacity = taking->capacity * 2 + 8;
		taking->runs = arena_array(taking->arena, struct run, taking->capacity);
		taking->is_torn = arena_array(taking->arena, bool, taking->capacity);
		if (taking->count) {
			memcpy(taking->runs, runs, taking->count * sizeof(*runs));
			memcpy(taking->is_torn, is_torn, taking->count * sizeof(*is_torn));
		}
	}
	run.job = arena_text(taking->arena, run.job);
	run.message = run.message ? arena_text(taking->arena, run.message) : NULL;
	run.image = run.image ? arena_text(taking->arena, run.image) : NULL;
	taking->is_torn[taking->count] =
		sqlite3_column_int(statement, sqlite3_column_count(statement) - 1) != 0;
	taking->runs[taking->count++] = run;
	return GOING_ON;
}

/* The open runs that a node holds, oldest first. */
static bool take_rows(struct sqlite *s, int64_t node, bool is_handed, struct taking *taking,
		      struct err *err)
{
	sqlite3_stmt *statement = sqlite_prepare(
		s,
		"SELECT " SQLITE_RUN_COLUMNS ", hold.is_torn FROM run "
		"JOIN hold ON hold.run = run.id "
		"WHERE finished_at IS NULL AND hold.node = ?1 AND hold.is_handed = ?2 ORDER BY id",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, node);
	sqlite_put_int(&to, is_handed);
	return sqlite_each_once(s, statement, take_row, taking, err);
}

bool sqlite_load_own(struct sqlite *s, struct arena *arena, struct store_state *state,
		     struct err *err)
{
	struct taking taking = {.arena = arena};
	bool is_there;

	state->node = s->store.lease->node;
	s->store.lease->evaluated = state->evaluated_until;
	if (!take_rows(s, s->store.lease->node, false, &taking, err) ||
	    !ASK(s, "SELECT coalesce((SELECT value FROM meta WHERE key = 'version'), 0) WHERE ?1",
		 &s->store.lease->version, 1, &is_there, err, 1))
		return false;
	state->open_runs = taking.runs;
	state->is_torn = taking.is_torn;
	state->open_count = taking.count;
	return true;
}

static bool take_from_dead(struct sqlite *s, struct taking *taking, struct err *err)
{
	int64_t me = s->store.lease->node, dead = 0;
	bool is_there;

	if (!holds(s, err) || !ASK(s,
				   "SELECT number FROM node WHERE number <> ?1 AND until < " NOW_MS
				   " ORDER BY number LIMIT 1",
				   &dead, 1, &is_there, err, me))
		return false;
	if (!is_there)
		return true;
	return take_rows(s, dead, false, taking, err) &&
	       CHANGE(s, "UPDATE node SET fence = fence + 1, until = NULL WHERE number = ?1", NULL,
		      err, dead) &&
	       CHANGE(s,
		      "UPDATE hold SET node = ?2, is_torn = is_torn OR NOT is_handed "
		      "WHERE node = ?1 AND run IN (SELECT id FROM run WHERE finished_at IS NULL)",
		      NULL, err, dead, me);
}

static bool take(struct store *store, bool is_handed, struct arena *arena, struct run **runs,
		 size_t *count, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	struct taking taking = {.arena = arena};
	int64_t me = store->lease->node;

	if (!sqlite_begin(s, err))
		return false;
	bool ok = is_handed ? holds(s, err) && take_rows(s, me, true, &taking, err) &&
				      CHANGE(s, "UPDATE hold SET is_handed = 0 WHERE node = ?",
					     NULL, err, me)
			    : take_from_dead(s, &taking, err);
	if (!sqlite_end(s, ok && sqlite_answer(s, err), err))
		return false;
	*runs = taking.runs;
	*count = taking.count;
	return true;
}

bool sqlite_take_over(struct store *store, struct arena *arena, struct run **runs, size_t *count,
		      struct err *err)
{
	return take(store, false, arena, runs, count, err);
}

bool sqlite_take_handed(struct store *store, struct arena *arena, struct run **runs, size_t *count,
			struct err *err)
{
	return take(store, true, arena, runs, count, err);
}
