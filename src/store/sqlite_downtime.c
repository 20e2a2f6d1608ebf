/* sqlite_downtime.c - when nobody looked: to rows, and back, newest first; see sqlite.h. */
#include "sqlite_rows.h"

/* ---- in ---- */

bool sqlite_write_left(struct sqlite *s, struct record *record, struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(s, KEPT_LEFT,
					      "INSERT INTO meta (key, value) "
					      "VALUES ('left_at', ?) "
					      "ON CONFLICT DO UPDATE SET value = excluded.value",
					      err);

	if (!statement)
		return false;
	sqlite_put_time(&(struct binder){statement, 0}, record->left_at);
	return sqlite_run(s, statement, err);
}

/* The end of a life is told once the next one has begun. */
static bool forget_left(struct sqlite *s, struct err *err)
{
	sqlite3_stmt *statement =
		sqlite_kept(s, KEPT_LEFT_TOLD, "DELETE FROM meta WHERE key = 'left_at'", err);

	return statement && sqlite_run(s, statement, err);
}

static bool put_downtime(struct sqlite *s, const struct downtime *downtime, struct err *err)
{
	const struct downtime_counts *counts = &downtime->counts;
	sqlite3_stmt *statement =
		sqlite_kept(s, KEPT_DOWNTIME,
			    "INSERT INTO downtime (" SQLITE_DOWNTIME_COLUMNS ") "
			    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			    err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, absence_word(downtime->kind));
	sqlite_put_time(&to, downtime->since);
	sqlite_put_time(&to, downtime->until);
	sqlite_put_int(&to, downtime->is_exact);
	sqlite_put_int(&to, counts->caught_up);
	sqlite_put_int(&to, counts->skipped);
	sqlite_put_int(&to, counts->missed);
	sqlite_put_int(&to, counts->too_old);
	sqlite_put_int(&to, counts->superseded);
	sqlite_put_int(&to, counts->not_wanted);
	sqlite_put_known(&to, counts->window_ms);
	return sqlite_run(s, statement, err);
}

bool sqlite_write_downtime(struct sqlite *s, struct record *record, struct err *err)
{
	sqlite3_stmt *old = sqlite_kept(
		s, KEPT_DOWNTIME_OLD,
		"DELETE FROM downtime WHERE (until, since) IN (SELECT until, since FROM downtime "
		"ORDER BY until DESC, since DESC LIMIT -1 OFFSET ?)",
		err);

	if (!old || !put_downtime(s, &record->downtime, err) ||
	    (record->downtime.kind == ABSENCE_DOWN && !forget_left(s, err)))
		return false;
	sqlite_put_int(&(struct binder){old, 0}, STORE_DOWNTIMES_MAX);
	return sqlite_run(s, old, err);
}

/* ---- out ---- */

struct downtime_rows {
	store_downtime_fn *row;
	void *context;
};

static enum going hand_downtime(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct downtime_rows *rows = context;
	struct reader from = sqlite_reader(statement, err);
	struct downtime downtime;

	downtime.kind = sqlite_get_absence(&from);
	downtime.since = sqlite_get_time(&from);
	downtime.until = sqlite_get_time(&from);
	downtime.is_exact = sqlite_get_int(&from) != 0;
	downtime.counts.caught_up = sqlite_get_int(&from);
	downtime.counts.skipped = sqlite_get_int(&from);
	downtime.counts.missed = sqlite_get_int(&from);
	downtime.counts.too_old = sqlite_get_int(&from);
	downtime.counts.superseded = sqlite_get_int(&from);
	downtime.counts.not_wanted = sqlite_get_int(&from);
	downtime.counts.window_ms = sqlite_get_known(&from);
	return from.ok ? sqlite_handed(rows->row(rows->context, &downtime)) : GOING_WRONG;
}

bool sqlite_downtimes(struct store *store, size_t limit, store_downtime_fn *row, void *context,
		      struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *statement = sqlite_prepare(s,
						 "SELECT " SQLITE_DOWNTIME_COLUMNS " FROM downtime "
						 "ORDER BY until DESC, since DESC LIMIT ?",
						 err);

	if (!statement)
		return false;
	sqlite_put_int(&(struct binder){statement, 0}, sqlite_limit(limit));
	return sqlite_each_once(s, statement, hand_downtime, &(struct downtime_rows){row, context},
				err);
}
