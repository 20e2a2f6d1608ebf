/* sqlite_rows.c - the values of a row, and one row after another; see sqlite_rows.h. */
#include "sqlite_rows.h"

/* ---- values out ---- */

struct reader sqlite_reader(sqlite3_stmt *statement, struct err *err)
{
	return (struct reader){.statement = statement, .ok = true, .err = err};
}

int64_t sqlite_get_int(struct reader *from)
{
	return sqlite3_column_int64(from->statement, from->at++);
}

int32_t sqlite_get_int32(struct reader *from)
{
	return (int32_t)sqlite_get_int(from);
}

int64_t sqlite_get_known(struct reader *from)
{
	bool is_null = sqlite3_column_type(from->statement, from->at) == SQLITE_NULL;
	int64_t value = sqlite_get_int(from);

	return is_null ? -1 : value;
}

struct utc sqlite_get_time(struct reader *from)
{
	bool is_null = sqlite3_column_type(from->statement, from->at) == SQLITE_NULL;
	int64_t ms = sqlite_get_int(from);

	return is_null ? UTC_NONE : (struct utc){ms};
}

const char *sqlite_get_text(struct reader *from)
{
	return sqlite_text(from->statement, from->at++);
}

const char *sqlite_get_bytes(struct reader *from, size_t *length)
{
	const char *data = sqlite3_column_blob(from->statement, from->at);

	if (!data && sqlite3_errcode(sqlite3_db_handle(from->statement)) == SQLITE_NOMEM)
		mem_exhausted();
	*length = (size_t)sqlite3_column_bytes(from->statement, from->at++);
	return data ? data : "";
}

static void complain(struct reader *from, const char *word)
{
	if (from->ok)
		err_set(from->err,
			"the store's column %s holds \"%.60s\", which means nothing here; stop "
			"belfry and run `belfry doctor "
			"--repair` with the same --state",
			sqlite3_column_name(from->statement, from->at - 1), word ? word : "NULL");
	from->ok = false;
}

#define GET_WORD(type)                                                                             \
	enum type sqlite_get_##type(struct reader *from)                                           \
	{                                                                                          \
		enum type value = (enum type)0;                                                    \
		const char *word = sqlite_get_text(from);                                          \
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
GET_WORD(absence)

/* Somebody who ends a run by hand has to end it wholly: the engine relies on it. */
static bool is_whole(const struct run *run, struct err *err)
{
	char id[RUN_ID_TEXT_MAX];

	if ((run->state == RUN_FINISHED) == utc_is_set(run->finished_at))
		return true;
	return err_set(err,
		       "run %s (%llu) is %s %s finished_at; set state, outcome and finished_at "
		       "together",
		       run_id_format(run->id, id), (unsigned long long)run->id,
		       run_state_word(run->state), run->state == RUN_FINISHED ? "without" : "with");
}

bool sqlite_get_run(sqlite3_stmt *statement, struct run *run, struct err *err)
{
	struct reader from = sqlite_reader(statement, err);

	run->id = (uint64_t)sqlite_get_int(&from);
	run->job = sqlite_get_text(&from);
	run->executor = sqlite_get_executor_kind(&from);
	run->trigger = sqlite_get_trigger(&from);
	run->scheduled_at = sqlite_get_time(&from);
	run->epoch = sqlite_get_int32(&from);
	run->revision = sqlite_get_int(&from);
	run->dry_run = sqlite_get_int(&from) != 0;
	run->claimed_at = sqlite_get_time(&from);
	run->state = sqlite_get_run_state(&from);
	run->outcome = sqlite_get_outcome(&from);
	run->attempt = sqlite_get_int32(&from);
	run->started_at = sqlite_get_time(&from);
	run->finished_at = sqlite_get_time(&from);
	run->exit_code = (int32_t)sqlite_get_known(&from);
	run->signal = sqlite_get_int32(&from);
	run->processed = sqlite_get_known(&from);
	run->failed = sqlite_get_known(&from);
	run->output_bytes = sqlite_get_int(&from);
	run->cpu_ms = sqlite_get_known(&from);
	run->max_rss_kib = sqlite_get_known(&from);
	run->message = sqlite_get_text(&from);
	run->jitter_ms = sqlite_get_int(&from);
	run->image = sqlite_get_text(&from);
	return from.ok && is_whole(run, err);
}

/* ---- going through the rows of a query ---- */

enum going sqlite_handed(bool wants_more)
{
	return wants_more ? GOING_ON : GOING_ENOUGH;
}

enum going sqlite_taken(const struct reader *from)
{
	return from->ok ? GOING_ON : GOING_WRONG;
}

/* Hands each row over. The caller resets or finalizes the statement. */
static bool each(struct sqlite *s, sqlite3_stmt *statement, row_fn *row, void *context,
		 struct err *err)
{
	enum going going = GOING_ON;
	int code = SQLITE_ROW;

	while (going == GOING_ON && (code = sqlite3_step(statement)) == SQLITE_ROW)
		going = row(statement, context, err);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sqlite_fail(s, err);
	return going != GOING_WRONG || err_wrap(err, "%s", s->path);
}

bool sqlite_each_once(struct sqlite *s, sqlite3_stmt *statement, row_fn *row, void *context,
		      struct err *err)
{
	bool ok = each(s, statement, row, context, err);

	sqlite_lay_by(s, statement);
	return ok;
}

bool sqlite_each(struct sqlite *s, sqlite3_stmt *statement, row_fn *row, void *context,
		 struct err *err)
{
	bool ok = each(s, statement, row, context, err);

	sqlite3_reset(statement);
	return ok;
}

int64_t sqlite_limit(size_t limit)
{
	return limit == 0 || limit > INT64_MAX ? -1 : (int64_t)limit;
}

int64_t sqlite_id(uint64_t id)
{
	return id > INT64_MAX ? INT64_MAX : (int64_t)id;
}
