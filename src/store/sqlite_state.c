/* sqlite_state.c - what is so now: the state to go on from, jobs and how they do. */
#include <string.h>

#include "sqlite_rows.h"

/* ---- load ---- */

static const char *keep(struct arena *arena, const char *text)
{
	return text ? arena_text(arena, text) : NULL;
}

static enum going hand_meta(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct store_state *state = context;
	struct reader from = sqlite_reader(statement, err);
	const char *key = sqlite_get_text(&from);

	if (strcmp(key, "node") == 0)
		state->node = (uint8_t)sqlite_get_int(&from);
	else if (strcmp(key, "epoch") == 0)
		state->epoch = sqlite_get_int32(&from);
	else if (strcmp(key, "last_run") == 0)
		state->last_run = (uint64_t)sqlite_get_int(&from);
	else if (strcmp(key, "evaluated_until") == 0)
		state->evaluated_until = sqlite_get_time(&from);
	else if (strcmp(key, "fixed_until") == 0)
		state->fixed_until = sqlite_get_time(&from);
	else if (strcmp(key, "left_at") == 0)
		state->left_at = sqlite_get_time(&from);
	return GOING_ON;
}

static bool load_meta(struct sqlite *s, struct store_state *state, struct err *err)
{
	sqlite3_stmt *statement = sqlite_prepare(s, "SELECT key, value FROM meta", err);

	return statement && sqlite_each_once(s, statement, hand_meta, state, err);
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
	copy->image = keep(loading->arena, run->image);
	return loading->state->open_count > 0;
}

static bool see_run(void *context, const struct run *run)
{
	store_see_run(context, run);
	return true;
}

static bool load_seen(struct sqlite *s, struct store_state *state, struct err *err)
{
	state->seen_at = state->evaluated_until;
	for (size_t i = 0; i < state->open_count; i++)
		store_see_run(state, &state->open_runs[i]);
	/* A bound that all are below makes it a walk of so many rows, no scan. */
	return sqlite_runs(&s->store,
			   &(struct run_filter){.before = INT64_MAX, .limit = STORE_SIGN_RUNS},
			   see_run, state, err);
}

static bool load_open_runs(struct sqlite *s, struct loading *loading, struct err *err)
{
	static const struct run_filter filter = {.only_open = true};
	struct store_state *state = loading->state;

	if (!sqlite_runs(&s->store, &filter, count_run, loading, err))
		return false;
	size_t count = state->open_count;
	if (count == 0)
		return load_seen(s, state, err);
	state->open_runs = arena_array(loading->arena, struct run, count);
	bool ok = sqlite_runs(&s->store, &filter, load_run, loading, err);
	state->open_count = count;
	return ok && load_seen(s, state, err);
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

static enum going count_pause(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct loading *loading = context;

	(void)err;
	loading->state->pause_count = (size_t)sqlite3_column_int64(statement, 0);
	return GOING_ENOUGH;
}

static enum going load_pause(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct loading *loading = context;
	struct reader from = sqlite_reader(statement, err);
	struct pause *pause = &loading->state->pauses[loading->state->pause_count++];

	pause->job = keep(loading->arena, sqlite_get_text(&from));
	pause->since = sqlite_get_time(&from);
	pause->until = sqlite_get_time(&from);
	pause->reason = keep(loading->arena, sqlite_get_text(&from));
	pause->by = keep(loading->arena, sqlite_get_text(&from));
	return sqlite_taken(&from);
}

static bool load_pauses(struct sqlite *s, struct loading *loading, struct err *err)
{
	struct store_state *state = loading->state;
	sqlite3_stmt *count = sqlite_prepare(s, "SELECT count(*) FROM pause", err);

	if (!count || !sqlite_each_once(s, count, count_pause, loading, err))
		return false;
	state->pauses = arena_array(loading->arena, struct pause, state->pause_count);
	state->pause_count = 0;
	sqlite3_stmt *all = sqlite_prepare(
		s, "SELECT job, since, until, reason, by FROM pause ORDER BY job", err);
	return all && sqlite_each_once(s, all, load_pause, loading, err);
}

bool sqlite_load(struct store *store, struct arena *arena, struct store_state *state,
		 struct err *err)
{
	struct loading loading = {arena, state};
	struct sqlite *s = sqlite_of(store);

	return load_meta(s, state, err) &&
	       (store->lease ? sqlite_load_own(s, arena, state, err)
			     : load_open_runs(s, &loading, err)) &&
	       load_pauses(s, &loading, err) &&
	       sqlite_revisions(store, &(struct revision_filter){.limit = 1, .with_content = true},
				load_revision, &loading, err);
}

/* ---- how a job has been doing ---- */

struct summing {
	struct arena *arena;
	struct job_summary *summary;
	int64_t failures_ended; /* id of the newest run that ended a row of failures */
};

static enum going sum_last(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct summing *summing = context;
	struct run *last = &summing->summary->last;

	if (!sqlite_get_run(statement, last, err))
		return GOING_WRONG;
	last->job = keep(summing->arena, last->job);
	last->message = keep(summing->arena, last->message);
	last->image = keep(summing->arena, last->image);
	return GOING_ON;
}

static enum going sum_finished(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct summing *summing = context;
	struct reader from = sqlite_reader(statement, err);
	enum outcome outcome = sqlite_get_outcome(&from);
	int64_t id = sqlite_get_int(&from);
	struct utc finished_at = sqlite_get_time(&from);

	summing->summary->runs[outcome]++;
	if (store_ends_failures(outcome) && id > summing->failures_ended) {
		summing->failures_ended = id;
		summing->summary->last_success_at = finished_at;
	}
	return sqlite_taken(&from);
}

static enum going sum_failure(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct summing *summing = context;
	struct reader from = sqlite_reader(statement, err);

	summing->summary->consecutive_failures += store_is_failure(sqlite_get_outcome(&from));
	return sqlite_taken(&from);
}

static enum going sum_unrun(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct summing *summing = context;
	struct reader from = sqlite_reader(statement, err);
	enum occurrence_state state = sqlite_get_occurrence_state(&from);

	switch (state) {
	case OCCURRENCE_SKIPPED: summing->summary->skipped = sqlite_get_int(&from); break;
	case OCCURRENCE_MISSED: summing->summary->missed = sqlite_get_int(&from); break;
	case OCCURRENCE_RAN:
	case OCCURRENCE_STATE_COUNT: break;
	}
	return sqlite_taken(&from);
}

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
		/* From the index alone; the runs themselves are not read. */
		{KEPT_SUMMARY_FINISHED, sum_finished,
		 "SELECT outcome, id, finished_at FROM run INDEXED BY run_finished "
		 "WHERE job = ?1 AND finished_at IS NOT NULL AND dry_run = 0"},
		{KEPT_SUMMARY_FAILURES, sum_failure,
		 "SELECT outcome FROM run INDEXED BY run_job WHERE job = ?1 AND id > ?2 "
		 "AND finished_at IS NOT NULL AND dry_run = 0"},
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
		if (!sqlite_each(s, statement, questions[i].row, &summing, err))
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

static enum going hand_name(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct naming *naming = context;
	struct reader from = sqlite_reader(statement, err);

	if (naming->names)
		naming->names[naming->count] = arena_text(naming->arena, sqlite_get_text(&from));
	naming->count++;
	return GOING_ON;
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
	bool ok = sqlite_each(s, statement, hand_name, &naming, err);
	if (ok && naming.count > 0) {
		naming.names = arena_array(arena, const char *, naming.count);
		naming.count = 0;
		ok = sqlite_each(s, statement, hand_name, &naming, err);
	}
	sqlite3_finalize(statement);
	*names = naming.names;
	*count = naming.count;
	return ok;
}
