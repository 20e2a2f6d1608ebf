/* sqlite_write.c - records to rows, a batch in one transaction; see sqlite.h. */
#include "sqlite.h"

/* Whether the statement that has just run changed a row: with ON CONFLICT DO NOTHING
 * it did not where the key was taken. */
static bool has_changed(const struct sqlite *s)
{
	return sqlite3_changes(s->db) > 0;
}

bool sqlite_put_occurrence(struct sqlite *s, const struct occurrence *occurrence, struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_OCCURRENCE,
		"INSERT INTO occurrence (job, scheduled_at, epoch, state, reason, run, "
		"last_at, count, recorded_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 "
		"WHERE ?8 > 1 OR NOT EXISTS (" SQLITE_COVERING ") "
		"ON CONFLICT DO NOTHING",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, occurrence->job);
	sqlite_put_int(&to, occurrence->scheduled_at.ms);
	sqlite_put_int(&to, occurrence->epoch);
	sqlite_put_text(&to, occurrence_state_word(occurrence->state));
	sqlite_put_text(&to, reason_word(occurrence->reason));
	sqlite_put_known(&to, occurrence->run ? (int64_t)occurrence->run : -1);
	sqlite_put_time(&to, occurrence->last_at);
	sqlite_put_int(&to, occurrence->count);
	sqlite_put_time(&to, occurrence->recorded_at);
	return sqlite_run(s, statement, err);
}

static bool write_occurrence(struct sqlite *s, struct record *record, struct err *err)
{
	if (!sqlite_put_occurrence(s, &record->occurrence, err))
		return false;
	record->lost = !has_changed(s);
	/* Only its first instant is there: the rest has the key behind it. */
	struct occurrence rest = record->occurrence;
	rest.scheduled_at = utc_add(rest.scheduled_at, 1);
	return !record->lost || !s->store.lease || --rest.count <= 0 ||
	       sqlite_put_occurrence(s, &rest, err);
}

static bool put_new_run(struct sqlite *s, const struct run *run, struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_CLAIM,
		"INSERT INTO run (" SQLITE_RUN_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, "
		"?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, (int64_t)run->id);
	sqlite_put_text(&to, run->job);
	sqlite_put_text(&to, executor_kind_word(run->executor));
	sqlite_put_text(&to, trigger_word(run->trigger));
	sqlite_put_time(&to, run->scheduled_at);
	sqlite_put_int(&to, run->epoch);
	sqlite_put_int(&to, run->revision);
	sqlite_put_int(&to, run->dry_run);
	sqlite_put_time(&to, run->claimed_at);
	sqlite_put_text(&to, run_state_word(run->state));
	sqlite_put_text(&to, outcome_word(run->outcome));
	sqlite_put_int(&to, run->attempt);
	sqlite_put_time(&to, run->started_at);
	sqlite_put_time(&to, run->finished_at);
	sqlite_put_known(&to, run->exit_code);
	sqlite_put_int(&to, run->signal);
	sqlite_put_known(&to, run->processed);
	sqlite_put_known(&to, run->failed);
	sqlite_put_int(&to, run->output_bytes);
	sqlite_put_known(&to, run->cpu_ms);
	sqlite_put_known(&to, run->max_rss_kib);
	sqlite_put_text(&to, run->message);
	sqlite_put_int(&to, run->jitter_ms);
	sqlite_put_text(&to, run->image);
	return sqlite_run(s, statement, err);
}

/* The claim's occurrence was new, its run was not: neither is stored. */
static bool drop_occurrence(struct sqlite *s, const struct run *run, struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_OCCURRENCE_DROP,
		"DELETE FROM occurrence WHERE job = ? AND scheduled_at = ? AND epoch = ?", err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, run->job);
	sqlite_put_int(&to, run->scheduled_at.ms);
	sqlite_put_int(&to, run->epoch);
	return sqlite_run(s, statement, err);
}

static bool write_claim(struct sqlite *s, struct record *record, struct err *err)
{
	const struct run *run = &record->run;
	bool is_scheduled = utc_is_set(run->scheduled_at);
	struct occurrence occurrence = {
		.job = run->job,
		.scheduled_at = run->scheduled_at,
		.epoch = run->epoch,
		.state = OCCURRENCE_RAN,
		.run = run->id,
		.last_at = run->scheduled_at,
		.count = 1,
		.recorded_at = run->claimed_at,
	};

	int64_t holder = 0;
	bool is_decided = false;

	if (s->store.lease && !sqlite_assign_claim(s, record, &is_decided, &holder, err))
		return false;
	if (is_decided)
		return true;
	if (is_scheduled && !sqlite_put_occurrence(s, &occurrence, err))
		return false;
	record->lost = is_scheduled && !has_changed(s);
	if (record->lost)
		return true;
	if (!put_new_run(s, run, err))
		return false;
	record->lost = !has_changed(s);
	if (!record->lost && s->store.lease)
		return sqlite_hold_claim(s, record, holder, err);
	return !record->lost || !is_scheduled || drop_occurrence(s, run, err);
}

/* Two statements, so that a run under way touches no index. */
#define SET_RUN                                                                                    \
	"UPDATE run SET state = ?2, attempt = ?3, started_at = ?4, exit_code = ?5, signal = ?6, "  \
	"processed = ?7, failed = ?8, output_bytes = ?9, cpu_ms = ?10, max_rss_kib = ?11, "        \
	"message = ?12, image = ?13"
#define OF_RUN " WHERE id = ?1 AND finished_at IS NULL"

static bool write_run(struct sqlite *s, struct record *record, struct err *err)
{
	const struct run *run = &record->run;
	bool is_finished = run->state == RUN_FINISHED;
	sqlite3_stmt *statement =
		is_finished ? sqlite_kept(s, KEPT_RUN_FINISHED,
					  SET_RUN ", outcome = ?14, finished_at = ?15" OF_RUN, err)
			    : sqlite_kept(s, KEPT_RUN_OPEN, SET_RUN OF_RUN, err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, (int64_t)run->id);
	sqlite_put_text(&to, run_state_word(run->state));
	sqlite_put_int(&to, run->attempt);
	sqlite_put_time(&to, run->started_at);
	sqlite_put_known(&to, run->exit_code);
	sqlite_put_int(&to, run->signal);
	sqlite_put_known(&to, run->processed);
	sqlite_put_known(&to, run->failed);
	sqlite_put_int(&to, run->output_bytes);
	sqlite_put_known(&to, run->cpu_ms);
	sqlite_put_known(&to, run->max_rss_kib);
	sqlite_put_text(&to, run->message);
	sqlite_put_text(&to, run->image);
	if (is_finished) {
		sqlite_put_text(&to, outcome_word(run->outcome));
		sqlite_put_time(&to, run->finished_at);
	}
	return sqlite_run(s, statement, err) && (!s->store.lease || sqlite_hold_next(s, run, err));
}

static bool write_attempt(struct sqlite *s, struct record *record, struct err *err)
{
	const struct attempt *attempt = &record->attempt;
	sqlite3_stmt *statement =
		sqlite_kept(s, KEPT_ATTEMPT,
			    "INSERT INTO attempt (run, number, outcome, started_at, finished_at, "
			    "exit_code, signal, message) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 "
			    "WHERE EXISTS (SELECT 1 FROM run WHERE id = ?1) ON CONFLICT DO NOTHING",
			    err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, (int64_t)attempt->run);
	sqlite_put_int(&to, attempt->number);
	sqlite_put_text(&to, outcome_word(attempt->outcome));
	sqlite_put_time(&to, attempt->started_at);
	sqlite_put_time(&to, attempt->finished_at);
	sqlite_put_known(&to, attempt->exit_code);
	sqlite_put_int(&to, attempt->signal);
	sqlite_put_text(&to, attempt->message);
	return sqlite_run(s, statement, err);
}

static bool write_log(struct sqlite *s, struct record *record, struct err *err)
{
	const struct log_chunk *chunk = &record->log;
	sqlite3_stmt *statement =
		sqlite_kept(s, KEPT_LOG,
			    "INSERT INTO log (run, attempt, position, stream, at, data) "
			    "SELECT ?1, ?2, ?3, ?4, ?5, ?6 "
			    "WHERE EXISTS (SELECT 1 FROM run WHERE id = ?1) ON CONFLICT DO NOTHING",
			    err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, (int64_t)chunk->run);
	sqlite_put_int(&to, chunk->attempt);
	sqlite_put_int(&to, chunk->position);
	sqlite_put_text(&to, stream_word(chunk->stream));
	sqlite_put_time(&to, chunk->at);
	sqlite_put_bytes(&to, chunk->data, chunk->length);
	return sqlite_run(s, statement, err);
}

static bool write_revision(struct sqlite *s, struct record *record, struct err *err)
{
	const struct revision *revision = &record->revision;
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_REVISION,
		"INSERT INTO revision (number, applied_at, hash, author, source, message, "
		"changes, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, revision->number);
	sqlite_put_time(&to, revision->applied_at);
	sqlite_put_text(&to, revision->hash);
	sqlite_put_text(&to, revision->author);
	sqlite_put_text(&to, revision->source);
	sqlite_put_text(&to, revision->message);
	sqlite_put_text(&to, revision->changes);
	sqlite_put_bytes(&to, revision->content, revision->length);
	if (!sqlite_run(s, statement, err))
		return false;
	record->lost = !has_changed(s);
	return record->lost || !s->store.lease || sqlite_moved(s, record, err);
}

/* Other nodes may have gone further already, but not into another epoch. */
static sqlite3_stmt *evaluated_statement(struct sqlite *s, const struct record *record,
					 struct err *err)
{
	if (s->store.lease && record->kind == RECORD_EVALUATED)
		return sqlite_kept(s, KEPT_EVALUATED_SHARED,
				   "INSERT INTO meta (key, value) "
				   "VALUES ('evaluated_until', ?), ('epoch', ?) "
				   "ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
				   err);
	return sqlite_kept(s, KEPT_EVALUATED,
			   "INSERT INTO meta (key, value) "
			   "VALUES ('evaluated_until', ?), ('epoch', ?) "
			   "ON CONFLICT DO UPDATE SET value = excluded.value",
			   err);
}

static bool write_evaluated(struct sqlite *s, struct record *record, struct err *err)
{
	sqlite3_stmt *statement = evaluated_statement(s, record, err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_time(&to, record->evaluated.until);
	sqlite_put_int(&to, record->evaluated.epoch);
	return sqlite_run(s, statement, err);
}

static bool write_epoch(struct sqlite *s, struct record *record, struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(s, KEPT_EPOCH,
					      "INSERT INTO meta (key, value) "
					      "VALUES ('fixed_until', ?) "
					      "ON CONFLICT DO UPDATE SET value = excluded.value",
					      err);
	struct binder to = {statement, 0};

	if (!statement || !write_evaluated(s, record, err))
		return false;
	sqlite_put_time(&to, record->evaluated.fixed_until);
	return sqlite_run(s, statement, err) && (!s->store.lease || sqlite_moved(s, record, err));
}

static bool write_pause(struct sqlite *s, struct record *record, struct err *err)
{
	const struct pause *pause = &record->pause;
	sqlite3_stmt *statement = sqlite_kept(s, KEPT_PAUSE,
					      "INSERT INTO pause (job, since, until, reason, by) "
					      "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
					      "since = excluded.since, until = excluded.until, "
					      "reason = excluded.reason, by = excluded.by",
					      err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, pause->job);
	sqlite_put_time(&to, pause->since);
	sqlite_put_time(&to, pause->until);
	sqlite_put_text(&to, pause->reason);
	sqlite_put_text(&to, pause->by);
	return sqlite_run(s, statement, err);
}

static bool write_resume(struct sqlite *s, struct record *record, struct err *err)
{
	sqlite3_stmt *statement =
		sqlite_kept(s, KEPT_RESUME, "DELETE FROM pause WHERE job = ?", err);

	if (!statement)
		return false;
	sqlite_put_text(&(struct binder){statement, 0}, record->pause.job);
	return sqlite_run(s, statement, err);
}

/* Seldom, so its statements are not kept. What the new name has already stays. */
static bool write_rename(struct sqlite *s, struct record *record, struct err *err)
{
	static const char *const changes[] = {
		"UPDATE run SET job = ?2 WHERE job = ?1",
		"UPDATE OR IGNORE occurrence SET job = ?2 WHERE job = ?1",
		"DELETE FROM occurrence WHERE job = ?1 AND ?2 = ?2",
		"UPDATE OR IGNORE pause SET job = ?2 WHERE job = ?1",
		"DELETE FROM pause WHERE job = ?1 AND ?2 = ?2",
	};
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(changes) / sizeof(changes[0]); i++) {
		sqlite3_stmt *statement = sqlite_prepare(s, changes[i], err);
		struct binder to = {statement, 0};

		if (!statement)
			return false;
		sqlite_put_text(&to, record->rename.from);
		sqlite_put_text(&to, record->rename.to);
		ok = sqlite_run(s, statement, err);
		sqlite3_finalize(statement);
	}
	return ok;
}

/* Ids that were ever asked for are not given out again, lost or pruned. */
static bool write_last_run(struct sqlite *s, uint64_t last_run, struct err *err)
{
	sqlite3_stmt *statement;

	if (last_run == 0)
		return true;
	statement =
		sqlite_kept(s, KEPT_LAST_RUN,
			    "UPDATE meta SET value = max(value, ?) WHERE key = 'last_run'", err);
	if (!statement)
		return false;
	sqlite_put_int(&(struct binder){statement, 0}, (int64_t)last_run);
	return sqlite_run(s, statement, err);
}

typedef bool write_fn(struct sqlite *s, struct record *record, struct err *err);

static write_fn *const writers[] = {
	[RECORD_CLAIM] = write_claim,
	[RECORD_RUN] = write_run,
	[RECORD_ATTEMPT] = write_attempt,
	[RECORD_OCCURRENCE] = write_occurrence,
	[RECORD_LOG] = write_log,
	[RECORD_DOWNTIME] = sqlite_write_downtime,
	[RECORD_LEFT] = sqlite_write_left,
	[RECORD_REVISION] = write_revision,
	[RECORD_EVALUATED] = write_evaluated,
	[RECORD_EPOCH] = write_epoch,
	[RECORD_TOKEN] = sqlite_write_token,
	[RECORD_AUDIT] = sqlite_write_audit,
	[RECORD_PAUSE] = write_pause,
	[RECORD_RESUME] = write_resume,
	[RECORD_RENAME] = write_rename,
};

static bool write_all(struct sqlite *s, struct record *records, size_t count, struct err *err)
{
	uint64_t last_run = 0;

	for (size_t i = 0; i < count; i++) {
		struct record *record = &records[i];

		if (record->kind == RECORD_CLAIM && record->run.id > last_run)
			last_run = record->run.id;
		if (!writers[record->kind](s, record, err))
			return false;
	}
	return write_last_run(s, last_run, err);
}

static bool apply_leased(struct sqlite *s, struct record *records, size_t count, struct err *err)
{
	struct lease was = *s->store.lease;

	if (!sqlite_begin(s, err))
		return false;
	bool ok = sqlite_admit(s, records, count, err) && write_all(s, records, count, err) &&
		  sqlite_answer(s, err);
	if (sqlite_end(s, ok, err))
		return true;
	was.refusal = s->store.lease->refusal;
	*s->store.lease = was;
	return false;
}

bool sqlite_apply(struct store *store, struct record *records, size_t count, struct err *err)
{
	struct sqlite *s = sqlite_of(store);

	if (store->lease)
		return apply_leased(s, records, count, err);
	return sqlite_begin(s, err) && sqlite_end(s, write_all(s, records, count, err), err);
}

/* The way of every record: lock, change, sync. Only that tells whether it is open. The
 * value has to change: SQLite does not write what is there already. */
bool sqlite_is_writable(struct store *store, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *touch = sqlite_kept(
		s, KEPT_TOUCH, "UPDATE meta SET value = 1 - value WHERE key = 'touch'", err);

	return touch && sqlite_begin(s, err) && sqlite_end(s, sqlite_run(s, touch, err), err);
}
