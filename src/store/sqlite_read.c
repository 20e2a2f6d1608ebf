/* sqlite_read.c - rows to answers; see sqlite.h. */
#include "sqlite.h"

#include <string.h>

/* ---- values out ---- */

/* Goes through a row, column by column. A value that is none of ours (somebody
 * changed the file by hand) turns ok false and is told once. */
struct reader {
	sqlite3_stmt *statement;
	int at;
	bool ok;
	struct err *err;
};

static struct reader reader_of(sqlite3_stmt *statement, struct err *err)
{
	return (struct reader){.statement = statement, .ok = true, .err = err};
}

static int64_t get_int(struct reader *from)
{
	return sqlite3_column_int64(from->statement, from->at++);
}

static int32_t get_int32(struct reader *from)
{
	return (int32_t)get_int(from);
}

static int64_t get_known(struct reader *from)
{
	bool is_null = sqlite3_column_type(from->statement, from->at) == SQLITE_NULL;
	int64_t value = get_int(from);

	return is_null ? -1 : value;
}

static struct utc get_time(struct reader *from)
{
	bool is_null = sqlite3_column_type(from->statement, from->at) == SQLITE_NULL;
	int64_t ms = get_int(from);

	return is_null ? UTC_NONE : (struct utc){ms};
}

static const char *get_text(struct reader *from)
{
	return (const char *)sqlite3_column_text(from->statement, from->at++);
}

static const char *get_bytes(struct reader *from, size_t *length)
{
	const char *data = sqlite3_column_blob(from->statement, from->at);

	*length = (size_t)sqlite3_column_bytes(from->statement, from->at++);
	return data ? data : "";
}

static void complain(struct reader *from, const char *word)
{
	if (from->ok)
		err_set(from->err,
			"the store's column %s holds \"%.60s\", which means nothing here",
			sqlite3_column_name(from->statement, from->at - 1), word ? word : "NULL");
	from->ok = false;
}

#define GET_WORD(type)                                                                             \
	static enum type get_##type(struct reader *from)                                           \
	{                                                                                          \
		enum type value = (enum type)0;                                                    \
		const char *word = get_text(from);                                                 \
                                                                                                   \
		if (!word || !type##_from_word(word, &value))                                      \
			complain(from, word);                                                      \
		return value;                                                                      \
	}

GET_WORD(executor_kind)
GET_WORD(trigger)
GET_WORD(run_state)
GET_WORD(outcome)
GET_WORD(occurrence_state)
GET_WORD(reason)
GET_WORD(stream)

bool sqlite_get_run(sqlite3_stmt *statement, struct run *run, struct err *err)
{
	struct reader from = reader_of(statement, err);

	run->id = (uint64_t)get_int(&from);
	run->job = get_text(&from);
	run->executor = get_executor_kind(&from);
	run->trigger = get_trigger(&from);
	run->scheduled_at = get_time(&from);
	run->epoch = get_int32(&from);
	run->revision = get_int(&from);
	run->dry_run = get_int(&from) != 0;
	run->claimed_at = get_time(&from);
	run->state = get_run_state(&from);
	run->outcome = get_outcome(&from);
	run->attempt = get_int32(&from);
	run->started_at = get_time(&from);
	run->finished_at = get_time(&from);
	run->exit_code = (int32_t)get_known(&from);
	run->signal = get_int32(&from);
	run->processed = get_known(&from);
	run->failed = get_known(&from);
	run->output_bytes = get_int(&from);
	run->cpu_ms = get_known(&from);
	run->max_rss_kib = get_known(&from);
	run->message = get_text(&from);
	return from.ok;
}

/* ---- going through the rows of a query ---- */

/* One row of a query; *goes_on is true before. */
typedef bool row_fn(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err);

/* Hands each row over. The caller resets or finalizes the statement. */
static bool each(struct sqlite *s, sqlite3_stmt *statement, row_fn *row, void *context,
		 struct err *err)
{
	bool goes_on = true, ok = true;
	int code = SQLITE_ROW;

	while (ok && goes_on && (code = sqlite3_step(statement)) == SQLITE_ROW)
		ok = row(statement, context, &goes_on, err);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sqlite_fail(s, err);
	return ok || err_wrap(err, "%s", s->path);
}

/* A query with a call back has a statement of its own, so that the call back may
 * ask the same question. */
static bool each_once(struct sqlite *s, sqlite3_stmt *statement, row_fn *row, void *context,
		      struct err *err)
{
	bool ok = each(s, statement, row, context, err);

	sqlite3_finalize(statement);
	return ok;
}

static bool each_kept(struct sqlite *s, sqlite3_stmt *statement, row_fn *row, void *context,
		      struct err *err)
{
	bool ok = each(s, statement, row, context, err);

	sqlite3_reset(statement);
	return ok;
}

/* SQLite's own "no limit" is -1. */
static int64_t limit_of(size_t limit)
{
	return limit == 0 || limit > INT64_MAX ? -1 : (int64_t)limit;
}

/* ---- runs ---- */

struct run_rows {
	store_run_fn *row;
	void *context;
};

static bool hand_run(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct run_rows *rows = context;
	struct run run;

	if (!sqlite_get_run(statement, &run, err))
		return false;
	*goes_on = rows->row(rows->context, &run);
	return true;
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

/* An id beyond int64 was never given out: nothing equals it, all are before it. */
static int64_t id_of(uint64_t id)
{
	return id > INT64_MAX ? INT64_MAX : (int64_t)id;
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
	sqlite_put_int(&to, id_of(filter->id));
	sqlite_put_text(&to, filter->job);
	sqlite_put_text(&to, outcome_word(filter->outcome));
	sqlite_put_text(&to, trigger_word(filter->trigger));
	sqlite_put_int(&to, id_of(filter->before));
	sqlite_put_int(&to, id_of(filter->after));
	sqlite_put_int(&to, limit_of(filter->limit));
	return each_once(s, statement, hand_run, &(struct run_rows){row, context}, err);
}

/* ---- attempts and logs ---- */

struct attempt_rows {
	store_attempt_fn *row;
	void *context;
};

static bool hand_attempt(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct attempt_rows *rows = context;
	struct reader from = reader_of(statement, err);
	struct attempt attempt;

	attempt.run = (uint64_t)get_int(&from);
	attempt.number = get_int32(&from);
	attempt.outcome = get_outcome(&from);
	attempt.started_at = get_time(&from);
	attempt.finished_at = get_time(&from);
	attempt.exit_code = (int32_t)get_known(&from);
	attempt.signal = get_int32(&from);
	attempt.message = get_text(&from);
	if (from.ok)
		*goes_on = rows->row(rows->context, &attempt);
	return from.ok;
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
	sqlite_put_int(&(struct binder){statement, 0}, id_of(run));
	return each_once(s, statement, hand_attempt, &(struct attempt_rows){row, context}, err);
}

struct log_rows {
	store_log_fn *row;
	void *context;
};

static bool hand_log(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct log_rows *rows = context;
	struct reader from = reader_of(statement, err);
	struct log_chunk chunk;

	chunk.run = (uint64_t)get_int(&from);
	chunk.attempt = get_int32(&from);
	chunk.position = get_int(&from);
	chunk.stream = get_stream(&from);
	chunk.at = get_time(&from);
	chunk.data = get_bytes(&from, &chunk.length);
	if (from.ok)
		*goes_on = rows->row(rows->context, &chunk);
	return from.ok;
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
	sqlite_put_int(&to, id_of(filter->run));
	sqlite_put_int(&to, filter->after_attempt);
	sqlite_put_int(&to, filter->after_position);
	sqlite_put_text(&to, filter->has_stream ? stream_word(filter->stream) : NULL);
	sqlite_put_int(&to, limit_of(filter->limit));
	return each_once(s, statement, hand_log, &(struct log_rows){row, context}, err);
}

/* ---- occurrences ---- */

struct occurrence_rows {
	store_occurrence_fn *row;
	void *context;
};

static bool hand_occurrence(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct occurrence_rows *rows = context;
	struct reader from = reader_of(statement, err);
	struct occurrence occurrence;

	occurrence.job = get_text(&from);
	occurrence.scheduled_at = get_time(&from);
	occurrence.epoch = get_int32(&from);
	occurrence.state = get_occurrence_state(&from);
	occurrence.reason = get_reason(&from);
	occurrence.run = (uint64_t)get_int(&from);
	occurrence.last_at = get_time(&from);
	occurrence.count = get_int(&from);
	occurrence.recorded_at = get_time(&from);
	if (from.ok)
		*goes_on = rows->row(rows->context, &occurrence);
	return from.ok;
}

bool sqlite_occurrences(struct store *store, const struct occurrence_filter *filter,
			store_occurrence_fn *row, void *context, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	struct buf sql = {0};

	buf_text(&sql,
		 "SELECT job, scheduled_at, epoch, state, reason, run, last_at, count, "
		 "recorded_at FROM occurrence WHERE scheduled_at >= ?3 AND scheduled_at < ?4");
	buf_text(&sql, filter->job ? " AND job = ?1" : "");
	buf_text(&sql, filter->has_state ? " AND state = ?2" : "");
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
	sqlite_put_int(&to, limit_of(filter->limit));
	return each_once(s, statement, hand_occurrence, &(struct occurrence_rows){row, context},
			 err);
}

/* ---- revisions ---- */

struct revision_rows {
	store_revision_fn *row;
	void *context;
};

static bool hand_revision(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct revision_rows *rows = context;
	struct reader from = reader_of(statement, err);
	struct revision revision;

	revision.number = get_int(&from);
	revision.applied_at = get_time(&from);
	revision.hash = get_text(&from);
	revision.author = get_text(&from);
	revision.source = get_text(&from);
	revision.message = get_text(&from);
	revision.changes = get_text(&from);
	bool has_content = sqlite3_column_type(statement, from.at) != SQLITE_NULL;
	revision.content = get_bytes(&from, &revision.length);
	if (!has_content)
		revision.content = NULL;
	*goes_on = rows->row(rows->context, &revision);
	return true;
}

bool sqlite_revisions(struct store *store, size_t limit, bool with_content, store_revision_fn *row,
		      void *context, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *statement = sqlite_prepare(
		s,
		"SELECT number, applied_at, hash, author, source, message, changes, "
		"CASE WHEN ? THEN content END FROM revision ORDER BY number DESC LIMIT ?",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, with_content);
	sqlite_put_int(&to, limit_of(limit));
	return each_once(s, statement, hand_revision, &(struct revision_rows){row, context}, err);
}

/* ---- load ---- */

static const char *keep(struct arena *arena, const char *text)
{
	return text ? arena_text(arena, text) : NULL;
}

static bool hand_meta(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct store_state *state = context;
	struct reader from = reader_of(statement, err);
	const char *key = get_text(&from);

	(void)goes_on;
	if (strcmp(key, "node") == 0)
		state->node = (uint8_t)get_int(&from);
	else if (strcmp(key, "epoch") == 0)
		state->epoch = get_int32(&from);
	else if (strcmp(key, "last_run") == 0)
		state->last_run = (uint64_t)get_int(&from);
	else if (strcmp(key, "evaluated_until") == 0)
		state->evaluated_until = get_time(&from);
	return true;
}

static bool load_meta(struct sqlite *s, struct store_state *state, struct err *err)
{
	sqlite3_stmt *statement = sqlite_prepare(s, "SELECT key, value FROM meta", err);

	return statement && each_once(s, statement, hand_meta, state, err);
}

struct loading {
	struct arena *arena;
	struct store_state *state;
};

static bool count_run(void *context, const struct run *run)
{
	struct loading *loading = context;

	(void)run;
	loading->state->open_count++;
	return true;
}

/* Newest first, so the array is filled from its end. */
static bool load_run(void *context, const struct run *run)
{
	struct loading *loading = context;
	struct run *copy = &loading->state->open_runs[--loading->state->open_count];

	*copy = *run;
	copy->job = keep(loading->arena, run->job);
	copy->message = keep(loading->arena, run->message);
	return loading->state->open_count > 0;
}

static bool load_open_runs(struct sqlite *s, struct loading *loading, struct err *err)
{
	static const struct run_filter filter = {.only_open = true};
	struct store_state *state = loading->state;

	if (!sqlite_runs(&s->store, &filter, count_run, loading, err))
		return false;
	size_t count = state->open_count;
	if (count == 0)
		return true;
	state->open_runs = arena_array(loading->arena, struct run, count);
	bool ok = sqlite_runs(&s->store, &filter, load_run, loading, err);
	state->open_count = count;
	return ok;
}

static bool load_revision(void *context, const struct revision *revision)
{
	struct loading *loading = context;
	struct arena *arena = loading->arena;

	loading->state->revision = (struct revision){
		.number = revision->number,
		.applied_at = revision->applied_at,
		.hash = keep(arena, revision->hash),
		.author = keep(arena, revision->author),
		.source = keep(arena, revision->source),
		.message = keep(arena, revision->message),
		.changes = keep(arena, revision->changes),
		.content = arena_copy(arena, revision->content, revision->length),
		.length = revision->length,
	};
	return false;
}

bool sqlite_load(struct store *store, struct arena *arena, struct store_state *state,
		 struct err *err)
{
	struct loading loading = {arena, state};
	struct sqlite *s = sqlite_of(store);

	return load_meta(s, state, err) && load_open_runs(s, &loading, err) &&
	       sqlite_revisions(store, 1, true, load_revision, &loading, err);
}

/* ---- how a job has been doing ---- */

struct summing {
	struct arena *arena;
	struct job_summary *summary;
	int64_t failures_ended; /* id of the newest run that ended a row of failures */
};

static bool sum_last(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct summing *summing = context;
	struct run *last = &summing->summary->last;

	(void)goes_on;
	if (!sqlite_get_run(statement, last, err))
		return false;
	last->job = keep(summing->arena, last->job);
	last->message = keep(summing->arena, last->message);
	return true;
}

static bool sum_outcome(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct summing *summing = context;
	struct reader from = reader_of(statement, err);
	enum outcome outcome = get_outcome(&from);

	(void)goes_on;
	if (!from.ok)
		return false;
	summing->summary->runs[outcome] = get_int(&from);
	int64_t newest = get_int(&from);
	struct utc finished_at = get_time(&from);

	if (outcome == OUTCOME_SUCCEEDED)
		summing->summary->last_success_at = finished_at;
	if (store_ends_failures(outcome) && newest > summing->failures_ended)
		summing->failures_ended = newest;
	return true;
}

static bool sum_failures(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct summing *summing = context;
	struct reader from = reader_of(statement, err);
	enum outcome outcome = get_outcome(&from);

	(void)goes_on;
	if (from.ok && store_is_failure(outcome))
		summing->summary->consecutive_failures += get_int32(&from);
	return from.ok;
}

static bool sum_unrun(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct summing *summing = context;
	struct reader from = reader_of(statement, err);
	enum occurrence_state state = get_occurrence_state(&from);

	(void)goes_on;
	switch (state) {
	case OCCURRENCE_SKIPPED: summing->summary->skipped = get_int(&from); break;
	case OCCURRENCE_MISSED: summing->summary->missed = get_int(&from); break;
	case OCCURRENCE_RAN:
	case OCCURRENCE_STATE_COUNT: break;
	}
	return from.ok;
}

/* The finished runs that count, from the index run_finished alone. */
#define FINISHED_OF_JOB                                                                            \
	" FROM run INDEXED BY run_finished "                                                       \
	"WHERE job = ?1 AND finished_at IS NOT NULL AND dry_run = 0 "

bool sqlite_job_summary(struct store *store, const char *job, struct arena *arena,
			struct job_summary *summary, struct err *err)
{
	static const struct {
		enum kept kept;
		row_fn *row;
		const char *sql;
	} questions[] = {
		{KEPT_SUMMARY_LAST, sum_last,
		 "SELECT " SQLITE_RUN_COLUMNS " FROM run INDEXED BY run_job "
		 "WHERE job = ?1 AND dry_run = 0 ORDER BY id DESC LIMIT 1"},
		/* finished_at is that of the row with max(id): SQLite's rule for max(). */
		{KEPT_SUMMARY_OUTCOMES, sum_outcome,
		 "SELECT outcome, count(*), max(id), finished_at" FINISHED_OF_JOB
		 "GROUP BY outcome"},
		{KEPT_SUMMARY_FAILURES, sum_failures,
		 "SELECT outcome, count(*)" FINISHED_OF_JOB "AND id > ?2 GROUP BY outcome"},
		{KEPT_SUMMARY_UNRUN, sum_unrun,
		 "SELECT state, sum(count) FROM occurrence INDEXED BY occurrence_unrun "
		 "WHERE job = ?1 AND state <> 'ran' GROUP BY state"},
	};
	struct summing summing = {.arena = arena, .summary = summary};
	struct sqlite *s = sqlite_of(store);

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		sqlite3_stmt *statement = sqlite_kept(s, questions[i].kept, questions[i].sql, err);
		struct binder to = {statement, 0};

		if (!statement)
			return false;
		sqlite_put_text(&to, job);
		if (questions[i].kept == KEPT_SUMMARY_FAILURES)
			sqlite_put_int(&to, summing.failures_ended);
		if (!each_kept(s, statement, questions[i].row, &summing, err))
			return false;
	}
	return true;
}

/* ---- names ---- */

struct naming {
	struct arena *arena;
	const char **names; /* NULL while counting */
	size_t count;
};

static bool hand_name(sqlite3_stmt *statement, void *context, bool *goes_on, struct err *err)
{
	struct naming *naming = context;
	struct reader from = reader_of(statement, err);

	(void)goes_on;
	if (naming->names)
		naming->names[naming->count] = arena_text(naming->arena, get_text(&from));
	naming->count++;
	return true;
}

/* Jumps from name to name in the index instead of passing each run. */
#define NAMES_IN(table, name)                                                                      \
	name "(job) AS (SELECT min(job) FROM " table " UNION ALL "                                 \
	     "SELECT (SELECT min(job) FROM " table " WHERE job > " name ".job) "                   \
	     "FROM " name " WHERE job IS NOT NULL)"

bool sqlite_job_names(struct store *store, struct arena *arena, const char *const **names,
		      size_t *count, struct err *err)
{
	static const char sql[] = "WITH RECURSIVE " NAMES_IN("run", "of_runs") ", " NAMES_IN(
		"occurrence",
		"of_occurrences") " SELECT job FROM of_runs WHERE job IS NOT NULL UNION "
				  "SELECT job FROM of_occurrences WHERE job IS NOT NULL "
				  "ORDER BY job";
	struct naming naming = {.arena = arena};
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *statement = sqlite_prepare(s, sql, err);

	if (!statement)
		return false;
	bool ok = each_kept(s, statement, hand_name, &naming, err);
	if (ok && naming.count > 0) {
		naming.names = arena_array(arena, const char *, naming.count);
		naming.count = 0;
		ok = each_kept(s, statement, hand_name, &naming, err);
	}
	sqlite3_finalize(statement);
	*names = naming.names;
	*count = naming.count;
	return ok;
}
