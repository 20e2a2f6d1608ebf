/* sqlite_downtime.c - when nobody looked, newest first; see sqlite.h. */
#include "sqlite_rows.h"

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
