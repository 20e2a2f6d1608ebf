/* sqlite_read.c - lists: runs, attempts, logs, occurrences, revisions; see sqlite.h. */
#include "sqlite_rows.h"

/* ---- runs ---- */

struct run_rows {
	store_run_fn *row;
	void *context;
};

static enum going hand_run(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct run_rows *rows = context;
	struct run run;

	if (!sqlite_get_run(statement, &run, err))
		return GOING_WRONG;
	return sqlite_handed(rows->row(rows->context, &run));
}

/* The index that gives these runs newest first with the fewest rows looked at; the
 * planner, without statistics, would guess. */
static const char *run_index(const struct run_filter *filter)
{
	if (filter->id)
		return "";
	if (filter->only_open)
		return " INDEXED BY run_open";
	if (filter->job)
		return " INDEXED BY run_job";
	return filter->outcome != OUTCOME_NONE ? " INDEXED BY run_outcome" : "";
}

/* The last number is always there, so that all up to it may be bound, used or not. */
static void write_run_query(struct buf *sql, const struct run_filter *filter)
{
	buf_format(sql, "SELECT " SQLITE_RUN_COLUMNS " FROM run%s WHERE true", run_index(filter));
	if (filter->id)
		buf_text(sql, " AND id = ?1");
	if (filter->job)
		buf_text(sql, " AND job = ?2");
	if (filter->outcome != OUTCOME_NONE)
		buf_text(sql, " AND outcome = ?3 AND finished_at IS NOT NULL");
	if (filter->only_open)
		buf_text(sql, " AND finished_at IS NULL");
	if (filter->has_trigger)
		buf_text(sql, " AND trigger = ?4");
	if (filter->before)
		buf_text(sql, " AND id < ?5");
	if (filter->after)
		buf_text(sql, " AND id > ?6");
	buf_text(sql, " ORDER BY id DESC LIMIT ?7");
}

bool sqlite_runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		 void *context, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	struct buf sql = {0};

	write_run_query(&sql, filter);
	sqlite3_stmt *statement = sqlite_prepare(s, buf_string(&sql), err);
	buf_finish(&sql);
	if (!statement)
		return false;
	struct binder to = {statement, 0};
	sqlite_put_int(&to, sqlite_id(filter->id));
	sqlite_put_text(&to, filter->job);
	sqlite_put_text(&to, outcome_word(filter->outcome));
	sqlite_put_text(&to, trigger_word(filter->trigger));
	sqlite_put_int(&to, sqlite_id(filter->before));
	sqlite_put_int(&to, sqlite_id(filter->after));
	sqlite_put_int(&to, sqlite_limit(filter->limit));
	return sqlite_each_once(s, statement, hand_run, &(struct run_rows){row, context}, err);
}

/* ---- attempts and logs ---- */

struct attempt_rows {
	store_attempt_fn *row;
	void *context;
};

static enum going hand_attempt(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct attempt_rows *rows = context;
	struct reader from = sqlite_reader(statement, err);
	struct attempt attempt;

	attempt.run = (uint64_t)sqlite_get_int(&from);
	attempt.number = sqlite_get_int32(&from);
	attempt.outcome = sqlite_get_outcome(&from);
	attempt.started_at = sqlite_get_time(&from);
	attempt.finished_at = sqlite_get_time(&from);
	attempt.exit_code = (int32_t)sqlite_get_known(&from);
	attempt.signal = sqlite_get_int32(&from);
	attempt.message = sqlite_get_text(&from);
	return from.ok ? sqlite_handed(rows->row(rows->context, &attempt)) : GOING_WRONG;
}

bool sqlite_attempts(struct store *store, uint64_t run, store_attempt_fn *row, void *context,
		     struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *statement = sqlite_prepare(
		s,
		"SELECT run, number, outcome, started_at, finished_at, exit_code, signal, message "
		"FROM attempt WHERE run = ? ORDER BY number",
		err);

	if (!statement)
		return false;
	sqlite_put_int(&(struct binder){statement, 0}, sqlite_id(run));
	return sqlite_each_once(s, statement, hand_attempt, &(struct attempt_rows){row, context},
				err);
}

struct log_rows {
	store_log_fn *row;
	void *context;
};

static enum going hand_log(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct log_rows *rows = context;
	struct reader from = sqlite_reader(statement, err);
	struct log_chunk chunk;

	chunk.run = (uint64_t)sqlite_get_int(&from);
	chunk.attempt = sqlite_get_int32(&from);
	chunk.position = sqlite_get_int(&from);
	chunk.stream = sqlite_get_stream(&from);
	chunk.at = sqlite_get_time(&from);
	chunk.data = sqlite_get_bytes(&from, &chunk.length);
	return from.ok ? sqlite_handed(rows->row(rows->context, &chunk)) : GOING_WRONG;
}

bool sqlite_log(struct store *store, const struct log_filter *filter, store_log_fn *row,
		void *context, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *statement = sqlite_prepare(
		s,
		"SELECT run, attempt, position, stream, at, data FROM log "
		"WHERE run = ? AND (attempt, position) > (?, ?) "
		"AND (?4 IS NULL OR stream = ?4) ORDER BY attempt, position LIMIT ?5",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, sqlite_id(filter->run));
	sqlite_put_int(&to, filter->after_attempt);
	sqlite_put_int(&to, filter->after_position);
	sqlite_put_text(&to, filter->has_stream ? stream_word(filter->stream) : NULL);
	sqlite_put_int(&to, sqlite_limit(filter->limit));
	return sqlite_each_once(s, statement, hand_log, &(struct log_rows){row, context}, err);
}

/* ---- occurrences ---- */

struct occurrence_rows {
	store_occurrence_fn *row;
	void *context;
};

static enum going hand_occurrence(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct occurrence_rows *rows = context;
	struct reader from = sqlite_reader(statement, err);
	struct occurrence occurrence;

	occurrence.job = sqlite_get_text(&from);
	occurrence.scheduled_at = sqlite_get_time(&from);
	occurrence.epoch = sqlite_get_int32(&from);
	occurrence.state = sqlite_get_occurrence_state(&from);
	occurrence.reason = sqlite_get_reason(&from);
	occurrence.run = (uint64_t)sqlite_get_int(&from);
	occurrence.last_at = sqlite_get_time(&from);
	occurrence.count = sqlite_get_int(&from);
	occurrence.recorded_at = sqlite_get_time(&from);
	return from.ok ? sqlite_handed(rows->row(rows->context, &occurrence)) : GOING_WRONG;
}

static bool is_of_unrun(const struct occurrence_filter *filter)
{
	return !filter->job && filter->has_state && filter->state != OCCURRENCE_RAN;
}

static const char *occurrence_index(const struct occurrence_filter *filter)
{
	if (filter->job)
		return "";
	return is_of_unrun(filter) ? " INDEXED BY occurrence_unrun_time"
				   : " INDEXED BY occurrence_time";
}

bool sqlite_occurrences(struct store *store, const struct occurrence_filter *filter,
			store_occurrence_fn *row, void *context, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	struct buf sql = {0};

	buf_format(&sql,
		   "SELECT job, scheduled_at, epoch, state, reason, run, last_at, count, "
		   "recorded_at FROM occurrence%s WHERE scheduled_at >= ?3 AND scheduled_at < ?4",
		   occurrence_index(filter));
	buf_text(&sql, filter->job ? " AND job = ?1" : "");
	buf_text(&sql, filter->has_state ? " AND state = ?2" : "");
	buf_text(&sql, is_of_unrun(filter) ? " AND state <> 'ran'" : "");
	buf_text(&sql, " ORDER BY scheduled_at DESC, epoch DESC, job LIMIT ?5");
	sqlite3_stmt *statement = sqlite_prepare(s, buf_string(&sql), err);
	buf_finish(&sql);
	if (!statement)
		return false;
	struct binder to = {statement, 0};
	sqlite_put_text(&to, filter->job);
	sqlite_put_text(&to, occurrence_state_word(filter->state));
	sqlite_put_int(&to, store_bounds(filter->from) ? filter->from.ms : INT64_MIN);
	sqlite_put_int(&to, store_bounds(filter->to) ? filter->to.ms : INT64_MAX);
	sqlite_put_int(&to, sqlite_limit(filter->limit));
	return sqlite_each_once(s, statement, hand_occurrence,
				&(struct occurrence_rows){row, context}, err);
}

/* ---- revisions ---- */

struct revision_rows {
	store_revision_fn *row;
	void *context;
};

static enum going hand_revision(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct revision_rows *rows = context;
	struct reader from = sqlite_reader(statement, err);
	struct revision revision;

	revision.number = sqlite_get_int(&from);
	revision.applied_at = sqlite_get_time(&from);
	revision.hash = sqlite_get_text(&from);
	revision.author = sqlite_get_text(&from);
	revision.source = sqlite_get_text(&from);
	revision.message = sqlite_get_text(&from);
	revision.changes = sqlite_get_text(&from);
	bool has_content = sqlite3_column_type(statement, from.at) != SQLITE_NULL;
	revision.content = sqlite_get_bytes(&from, &revision.length);
	if (!has_content)
		revision.content = NULL;
	return sqlite_handed(rows->row(rows->context, &revision));
}

bool sqlite_revisions(struct store *store, const struct revision_filter *filter,
		      store_revision_fn *row, void *context, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *statement = sqlite_prepare(
		s,
		"SELECT number, applied_at, hash, author, source, message, changes, "
		"CASE WHEN ? THEN content END FROM revision WHERE number BETWEEN ? AND ? "
		"ORDER BY number DESC LIMIT ?",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, filter->with_content);
	sqlite_put_int(&to, filter->number);
	sqlite_put_int(&to, filter->number   ? filter->number
			    : filter->before ? filter->before - 1
					     : INT64_MAX);
	sqlite_put_int(&to, sqlite_limit(filter->limit));
	return sqlite_each_once(s, statement, hand_revision, &(struct revision_rows){row, context},
				err);
}
