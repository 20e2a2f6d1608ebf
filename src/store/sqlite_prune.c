/* sqlite_prune.c - old history goes, a few runs a call; see store.h. */
#include "sqlite.h"

#include <stdlib.h>

/* What a call is about to remove. */
struct victims {
	int64_t *runs;
	size_t count, capacity; /* capacity: the batch */
};

/* Adds the ids that the statement answers, as many as there is room for. */
static bool collect(struct sqlite *s, sqlite3_stmt *statement, struct victims *victims,
		    struct err *err)
{
	int code = SQLITE_ROW;

	while (victims->count < victims->capacity && (code = sqlite3_step(statement)) == SQLITE_ROW)
		victims->runs[victims->count++] = sqlite3_column_int64(statement, 0);
	bool ok = code == SQLITE_ROW || code == SQLITE_DONE || sqlite_fail(s, err);
	sqlite3_reset(statement);
	return ok;
}

static bool collect_old(struct sqlite *s, const char *job, struct utc before,
			struct victims *victims, struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(s, KEPT_PRUNE_OLD,
					      "SELECT id FROM run INDEXED BY run_finished "
					      "WHERE job = ? AND finished_at < ? "
					      "ORDER BY finished_at, id LIMIT ?",
					      err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, job);
	sqlite_put_time(&to, before); /* NULL: none is before it */
	sqlite_put_int(&to, (int64_t)victims->capacity);
	return collect(s, statement, victims, err);
}

/* How many finished runs are left once the old ones are gone. */
static bool count_kept(struct sqlite *s, const char *job, struct utc before, int64_t *count,
		       struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_PRUNE_EXCESS,
		"SELECT count(*) FROM run INDEXED BY run_finished "
		"WHERE job = ?1 AND finished_at IS NOT NULL AND (?2 IS NULL OR finished_at >= ?2)",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, job);
	sqlite_put_time(&to, before);
	bool ok = sqlite3_step(statement) == SQLITE_ROW || sqlite_fail(s, err);
	*count = ok ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	return ok;
}

static bool collect_excess(struct sqlite *s, const char *job, struct utc before, int64_t keep,
			   struct victims *victims, struct err *err)
{
	int64_t kept;

	if (victims->count == victims->capacity)
		return true;
	if (!count_kept(s, job, before, &kept, err))
		return false;
	if (kept <= keep)
		return true;
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_PRUNE_OLDEST,
		"SELECT id FROM run INDEXED BY run_job WHERE job = ?1 AND finished_at IS NOT NULL "
		"AND (?2 IS NULL OR finished_at >= ?2) ORDER BY id LIMIT ?3",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, job);
	sqlite_put_time(&to, before);
	sqlite_put_int(&to, kept - keep);
	return collect(s, statement, victims, err);
}

/* Unrun occurrences of a job that ended before an instant. */
#define OLD_UNRUN                                                                                  \
	" FROM occurrence WHERE job = ?1 AND scheduled_at < ?2 AND last_at < ?2 "                  \
	"AND state <> 'ran'"

static bool has_old_unrun(struct sqlite *s, const char *job, struct utc before, bool *has,
			  struct err *err)
{
	sqlite3_stmt *statement =
		sqlite_kept(s, KEPT_PRUNE_HAS_UNRUN, "SELECT 1" OLD_UNRUN " LIMIT 1", err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, job);
	sqlite_put_time(&to, before);
	int code = sqlite3_step(statement);
	*has = code == SQLITE_ROW;
	bool ok = *has || code == SQLITE_DONE || sqlite_fail(s, err);
	sqlite3_reset(statement);
	return ok;
}

static bool remove_old_unrun(struct sqlite *s, const char *job, struct utc before, struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_PRUNE_UNRUN,
		"DELETE FROM occurrence WHERE (job, scheduled_at, epoch) IN (SELECT job, "
		"scheduled_at, epoch" OLD_UNRUN " ORDER BY scheduled_at, epoch LIMIT ?3)",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, job);
	sqlite_put_time(&to, before);
	sqlite_put_int(&to, STORE_PRUNE_UNRUN_MAX);
	return sqlite_run(s, statement, err);
}

/* Its attempts and log go with it, by the foreign keys. */
static bool remove_run(struct sqlite *s, int64_t run, struct err *err)
{
	sqlite3_stmt *occurrence =
		sqlite_kept(s, KEPT_PRUNE_OCCURRENCE,
			    "DELETE FROM occurrence WHERE (job, scheduled_at, epoch) = "
			    "(SELECT job, scheduled_at, epoch FROM run WHERE id = ?1) AND run = ?1",
			    err);
	sqlite3_stmt *itself = sqlite_kept(s, KEPT_PRUNE_RUN, "DELETE FROM run WHERE id = ?", err);

	if (!occurrence || !itself)
		return false;
	sqlite_put_int(&(struct binder){occurrence, 0}, run);
	sqlite_put_int(&(struct binder){itself, 0}, run);
	return sqlite_run(s, occurrence, err) && sqlite_run(s, itself, err);
}

static bool remove_runs(struct sqlite *s, const struct victims *victims, struct err *err)
{
	for (size_t i = 0; i < victims->count; i++)
		if (!remove_run(s, victims->runs[i], err))
			return false;
	return true;
}

/* Looking costs no transaction; there is one only where something has to go. */
static bool prune(struct sqlite *s, const char *job, struct utc before, int64_t keep,
		  struct victims *victims, struct err *err)
{
	bool has_unrun;

	if (!collect_old(s, job, before, victims, err) ||
	    !collect_excess(s, job, before, keep, victims, err) ||
	    !has_old_unrun(s, job, before, &has_unrun, err))
		return false;
	if (victims->count == 0 && !has_unrun)
		return true;
	if (!sqlite_begin(s, err))
		return false;
	bool ok = remove_runs(s, victims, err) &&
		  (!has_unrun || remove_old_unrun(s, job, before, err));
	return sqlite_end(s, ok, err);
}

bool sqlite_prune(struct store *store, const char *job, struct utc before, int64_t keep,
		  size_t batch, size_t *removed, struct err *err)
{
	struct victims victims = {.runs = mem_alloc(batch * sizeof(int64_t)), .capacity = batch};
	bool ok = prune(sqlite_of(store), job, before, keep, &victims, err);

	*removed = ok ? victims.count : 0;
	free(victims.runs);
	return ok;
}
