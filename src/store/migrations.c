/* migrations.c - the schema of the SQLite store, step by step; see migrations.h. */
#include "migrations.h"

#include <assert.h>
#include <stdio.h>

/*
 * Instants are milliseconds since 1970, NULL where unset; numbers that are not known
 * (exit code, processed, failed, cpu, rss) are NULL; enums are their words.
 *
 * Each index pays for itself on the way in: run_job never changes after the claim,
 * run_open holds what is under way, run_finished and run_outcome get a row once, at the
 * end. run_finished answers retention and a job's summary from the index alone.
 * occurrence_unrun leaves out the rows of a healthy day.
 */
static const char first_schema[] =
	"CREATE TABLE meta (\n"
	"	key TEXT PRIMARY KEY,\n" /* node, epoch, evaluated_until, fixed_until, last_run,
					    left_at, touch */
	"	value INTEGER\n"
	") STRICT, WITHOUT ROWID;\n"

	"CREATE TABLE run (\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	job TEXT NOT NULL,\n"
	"	executor TEXT NOT NULL,\n"
	"	trigger TEXT NOT NULL,\n"
	"	scheduled_at INTEGER,\n"
	"	epoch INTEGER NOT NULL,\n"
	"	revision INTEGER NOT NULL,\n"
	"	dry_run INTEGER NOT NULL,\n"
	"	claimed_at INTEGER,\n"
	"	state TEXT NOT NULL,\n"
	"	outcome TEXT NOT NULL,\n"
	"	attempt INTEGER NOT NULL,\n"
	"	started_at INTEGER,\n"
	"	finished_at INTEGER,\n"
	"	exit_code INTEGER,\n"
	"	signal INTEGER NOT NULL,\n"
	"	processed INTEGER,\n"
	"	failed INTEGER,\n"
	"	output_bytes INTEGER NOT NULL,\n"
	"	cpu_ms INTEGER,\n"
	"	max_rss_kib INTEGER,\n"
	"	message TEXT\n"
	") STRICT;\n"
	"CREATE INDEX run_job ON run (job);\n" /* and id, as every index of a rowid table */
	"CREATE INDEX run_open ON run (id) WHERE finished_at IS NULL;\n"
	"CREATE INDEX run_outcome ON run (outcome) WHERE finished_at IS NOT NULL;\n"
	"CREATE INDEX run_finished ON run (job, finished_at, id, outcome, dry_run)\n"
	"	WHERE finished_at IS NOT NULL;\n"

	"CREATE TABLE attempt (\n"
	"	run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,\n"
	"	number INTEGER NOT NULL,\n"
	"	outcome TEXT NOT NULL,\n"
	"	started_at INTEGER,\n"
	"	finished_at INTEGER,\n"
	"	exit_code INTEGER,\n"
	"	signal INTEGER NOT NULL,\n"
	"	message TEXT,\n"
	"	PRIMARY KEY (run, number)\n"
	") STRICT, WITHOUT ROWID;\n"

	/* The key is what makes a claim: who inserts it first may run. `run` is no
	 * foreign key, as that would cost an index; retention takes both. */
	"CREATE TABLE occurrence (\n"
	"	job TEXT NOT NULL,\n"
	"	scheduled_at INTEGER NOT NULL,\n"
	"	epoch INTEGER NOT NULL,\n"
	"	state TEXT NOT NULL,\n"
	"	reason TEXT NOT NULL,\n"
	"	run INTEGER,\n"
	"	last_at INTEGER NOT NULL,\n"
	"	count INTEGER NOT NULL,\n"
	"	recorded_at INTEGER,\n"
	"	PRIMARY KEY (job, scheduled_at, epoch)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE INDEX occurrence_unrun ON occurrence (job, state, count) WHERE state <> 'ran';\n"

	"CREATE TABLE log (\n"
	"	run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,\n"
	"	attempt INTEGER NOT NULL,\n"
	"	position INTEGER NOT NULL,\n"
	"	stream TEXT NOT NULL,\n"
	"	at INTEGER,\n"
	"	data BLOB NOT NULL,\n"
	"	PRIMARY KEY (run, attempt, position)\n"
	") STRICT, WITHOUT ROWID;\n"

	"CREATE TABLE revision (\n"
	"	number INTEGER PRIMARY KEY,\n"
	"	applied_at INTEGER,\n"
	"	hash TEXT,\n"
	"	author TEXT,\n"
	"	source TEXT,\n"
	"	message TEXT,\n"
	"	changes TEXT,\n"
	"	content BLOB\n"
	") STRICT;\n"
	"INSERT INTO meta (key, value) VALUES ('epoch', 0), ('last_run', 0), ('touch', 0);\n";

/* Who may do what, and what they did. */
static const char access_schema[] = "CREATE TABLE token (\n"
				    "	id TEXT PRIMARY KEY,\n"
				    "	name TEXT NOT NULL,\n"
				    "	scope TEXT NOT NULL,\n"
				    "	jobs TEXT,\n"
				    "	hash BLOB NOT NULL,\n"
				    "	created_at INTEGER,\n"
				    "	expires_at INTEGER,\n"
				    "	revoked_at INTEGER,\n"
				    "	created_by TEXT NOT NULL\n"
				    ") STRICT, WITHOUT ROWID;\n"
				    "CREATE TABLE audit (\n"
				    "	number INTEGER PRIMARY KEY,\n"
				    "	at INTEGER,\n"
				    "	who TEXT NOT NULL,\n"
				    "	address TEXT NOT NULL,\n"
				    "	action TEXT NOT NULL,\n"
				    "	target TEXT,\n"
				    "	status INTEGER NOT NULL\n"
				    ") STRICT;\n";

/* What a job's name is paused for; a pause stays while no job is called so. */
static const char pauses[] = "CREATE TABLE pause (\n"
			     "	job TEXT PRIMARY KEY,\n"
			     "	since INTEGER,\n"
			     "	until INTEGER,\n"
			     "	reason TEXT,\n"
			     "	by TEXT\n"
			     ") STRICT, WITHOUT ROWID;\n";

/* Of nodes that share a store (lease.h). hold has the runs of a shared store alone: who
 * holds them, handed by another node and not taken yet, torn from the node they ran on. */
static const char shared_schema[] = "CREATE TABLE node (\n"
				    "	number INTEGER PRIMARY KEY,\n"
				    "	name TEXT NOT NULL UNIQUE,\n"
				    "	fence INTEGER NOT NULL,\n"
				    "	until INTEGER,\n" /* NULL: its runs were taken over */
				    "	length INTEGER NOT NULL,\n"
				    "	file_hash TEXT NOT NULL\n"
				    ") STRICT;\n"
				    "CREATE TABLE hold (\n"
				    "	run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,\n"
				    "	node INTEGER NOT NULL,\n"
				    "	is_handed INTEGER NOT NULL,\n"
				    "	is_torn INTEGER NOT NULL\n"
				    ") STRICT;\n"
				    "CREATE INDEX hold_node ON hold (node, is_handed);\n";
/*
 * When nobody looked, and what became of what fell due meanwhile; and by how much a run
 * was planned after its instant. The two indexes are for lists of occurrences over all
 * jobs: the first grows at its end with each claim, the second not at all on a healthy
 * day, and finds the few that did not run among the many that did.
 */
static const char downtimes[] =
	"CREATE TABLE downtime (\n"
	"	kind TEXT NOT NULL,\n"
	"	since INTEGER NOT NULL,\n"
	"	until INTEGER NOT NULL,\n"
	"	is_exact INTEGER NOT NULL,\n"
	"	caught_up INTEGER NOT NULL,\n"
	"	skipped INTEGER NOT NULL,\n"
	"	missed INTEGER NOT NULL,\n"
	"	too_old INTEGER NOT NULL,\n"
	"	superseded INTEGER NOT NULL,\n"
	"	not_wanted INTEGER NOT NULL,\n"
	"	window_ms INTEGER,\n"
	"	PRIMARY KEY (until, since)\n"
	") STRICT, WITHOUT ROWID;\n"
	"ALTER TABLE run ADD COLUMN jitter_ms INTEGER NOT NULL DEFAULT 0;\n"
	"CREATE INDEX occurrence_time ON occurrence (scheduled_at, epoch, job DESC);\n"
	"CREATE INDEX occurrence_unrun_time ON occurrence (state, scheduled_at, epoch, job DESC)\n"
	"	WHERE state <> 'ran';\n";

/* What a run ran in, where that is an image. */
static const char images[] = "ALTER TABLE run ADD COLUMN image TEXT;\n";

static const char *const steps[] = {
	first_schema, pauses, shared_schema, downtimes, access_schema, images,
};

const struct migrations migrations_of_store = {steps, sizeof(steps) / sizeof(steps[0])};

/* SQLite's words, and the system's where it has any. */
static bool fail(sqlite3 *db, struct err *err)
{
	int code = sqlite3_errcode(db) & 0xff, number = sqlite3_system_errno(db);

	if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && number)
		return err_errno(err, number, "%s", sqlite3_errmsg(db));
	return err_set(err, "%s", sqlite3_errmsg(db));
}

bool migrations_pragma(sqlite3 *db, const char *pragma, int *value, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA %s", pragma);
	bool ok = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		  sqlite3_step(statement) == SQLITE_ROW;
	if (ok)
		*value = sqlite3_column_int(statement, 0);
	else
		fail(db, err);
	sqlite3_finalize(statement);
	return ok;
}

static bool execute(sqlite3 *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, err);
}

/* In the transaction that takes the step, so that of two programs that open the
 * same database one takes it and the other finds it taken. */
static bool take(sqlite3 *db, const struct migrations *migrations, size_t step, struct err *err)
{
	char mark[96];
	int version;

	if (!migrations_pragma(db, "user_version", &version, err))
		return false;
	if ((size_t)version > step)
		return true;
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %zu",
		 MIGRATIONS_APPLICATION_ID, step + 1);
	return execute(db, migrations->steps[step], err) && execute(db, mark, err);
}

bool migrations_apply(sqlite3 *db, const struct migrations *migrations, struct err *err)
{
	int version;

	if (!migrations_pragma(db, "user_version", &version, err))
		return false;
	assert(version >= 0);
	for (size_t step = (size_t)version; step < migrations->count; step++) {
		if (execute(db, "BEGIN IMMEDIATE", err) && take(db, migrations, step, err) &&
		    execute(db, "COMMIT", err))
			continue;
		if (!sqlite3_get_autocommit(db))
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return err_wrap(err, "step %zu of the schema", step + 1);
	}
	return true;
}
