/* sqlite.c - tests of what only the SQLite store has: a file, a schema, other programs. */
#include "fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "migrations.h"

/* ---- the file from outside ---- */

static sqlite3 *open_file(const char *directory)
{
	char *path = path_of(directory, "belfry.db");
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	free(path);
	return db;
}

static void run_sql(sqlite3 *db, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
}

/* Runs SQL on the closed store, and leaves no -wal behind. */
static void meddle(const char *directory, const char *sql)
{
	sqlite3 *db = open_file(directory);

	run_sql(db, sql);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static struct buf read_file(const char *directory, const char *name)
{
	char *path = path_of(directory, name);
	struct buf content = {0};
	char piece[4096];
	FILE *file = fopen(path, "rb");

	if (file) {
		for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;)
			buf_add(&content, piece, n);
		fclose(file);
	}
	free(path);
	return content;
}

static void write_file(const char *directory, const char *name, const char *data, size_t length)
{
	char *path = path_of(directory, name);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
	free(path);
}

/* Refused with that in the message, and not a byte of the file changed. */
static void assert_refused_untouched(const char *directory, const char *message)
{
	struct buf before = read_file(directory, "belfry.db");
	const char *said = refusal_in(directory);
	struct buf after = read_file(directory, "belfry.db");

	if (!strstr(said, message))
		fail_msg("\"%s\" does not say \"%s\"", said, message);
	assert_non_null(strstr(said, "belfry.db"));
	assert_int_equal(after.length, before.length);
	assert_memory_equal(after.data, before.data, before.length);
	buf_finish(&before);
	buf_finish(&after);
}

static void fill(struct store *store, uint64_t runs)
{
	for (uint64_t id = 1; id <= runs; id++) {
		run_through(store, id, id % 2 ? "odd" : "even", (int64_t)id * 10,
			    id % 3 ? OUTCOME_SUCCEEDED : OUTCOME_FAILED);
		APPLY(store, attempt_record(id, 1, OUTCOME_FAILED),
		      log_record(id, 1, 0, "some output\n"),
		      skipped_record("even", (int64_t)id * 10 + 1));
	}
	APPLY(store, claim_record(runs + 1, "odd", 999999), revision_record(1, "{}"),
	      evaluated_record(5, 2));
}

/* ---- keeping ---- */

static void test_reopen_keeps_everything(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	struct arena arena = {0};
	struct buf before = {0}, after = {0};

	(void)state;
	fill(store, 20);
	dump(store, &before);
	uint8_t node = load(store, &arena).node;
	store_close(store);
	store = open_in(directory);
	dump(store, &after);
	assert_string_equal(buf_string(&after), buf_string(&before));
	assert_int_equal(load(store, &arena).node, node);
	assert_true(is_lost(store, claim_record(999, "odd", 10)));
	store_close(store);
	buf_finish(&before);
	buf_finish(&after);
	arena_finish(&arena);
	remove_directory(directory);
}

/* One chance in 256 each: eight equal ones are no luck. */
static void test_node_is_drawn(void **state)
{
	struct arena arena = {0};
	bool differ = false;
	uint8_t first = 0;

	(void)state;
	for (int i = 0; i < 8; i++) {
		char *directory = make_directory();
		struct store *store = open_in(directory);
		uint8_t node = load(store, &arena).node;

		first = i == 0 ? node : first;
		differ |= node != first;
		store_close(store);
		remove_directory(directory);
	}
	assert_true(differ);
	arena_finish(&arena);
}

static void test_files_are_private(void **state)
{
	static const char *const names[] = {"belfry.db", "belfry.db-wal", "belfry.db-shm"};
	char *directory = make_directory();
	mode_t mask = umask(0);
	struct store *store = open_in(directory);
	struct stat status;

	(void)state;
	umask(mask);
	fill(store, 1);
	for (size_t i = 0; i < COUNT(names); i++) {
		char *path = path_of(directory, names[i]);

		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
		free(path);
	}
	store_close(store);
	remove_directory(directory);
}

static void test_durable_settings(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	sqlite3 *db = open_file(directory);
	int version;
	struct err err;

	(void)state;
	assert_true(migrations_pragma(db, "user_version", &version, &err));
	assert_int_equal(version, migrations_of_store.count);
	assert_true(migrations_pragma(db, "application_id", &version, &err));
	assert_int_equal(version, MIGRATIONS_APPLICATION_ID);
	sqlite3_close(db);
	store_close(store);
	struct buf header = read_file(directory, "belfry.db");
	assert_int_equal(header.data[18], 2); /* WAL, by SQLite's file format */
	buf_finish(&header);
	remove_directory(directory);
}

/* What operators and other tests rely on. */
static void test_columns_are_the_fields(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	sqlite3_stmt *statement;

	(void)state;
	run_through(store, 1, "a", 0, OUTCOME_SUCCEEDED);
	APPLY(store, manual_record(2, "a", 5));
	sqlite3 *db = open_file(directory);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT id, job, trigger, scheduled_at, finished_at, exit_code, "
				   "(SELECT count(*) FROM run WHERE started_at IS NULL AND "
				   "scheduled_at IS NULL AND outcome = '') "
				   "FROM run WHERE state = 'finished' AND outcome = 'succeeded'",
				   -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), 1);
	assert_string_equal(sqlite3_column_text(statement, 1), "a");
	assert_string_equal(sqlite3_column_text(statement, 2), "schedule");
	assert_int_equal(sqlite3_column_int64(statement, 3), T(0).ms);
	assert_int_equal(sqlite3_column_int64(statement, 4), T(1).ms);
	assert_int_equal(sqlite3_column_int(statement, 5), 0);
	assert_int_equal(sqlite3_column_int(statement, 6), 1);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	store_close(store);
	remove_directory(directory);
}

/* ---- the schema ---- */

static void add_schema(struct buf *text, const char *directory)
{
	sqlite3 *db = open_file(directory);
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema ORDER BY name", -1,
					    &statement, NULL),
			 SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW)
		buf_format(text, "%s\n", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

/* From every version there ever was, the rest of the steps lead to today's. */
static void test_each_step_leads_to_today(void **state)
{
	struct buf today = {0};

	(void)state;
	for (size_t steps = migrations_of_store.count + 1; steps-- > 0;) {
		char *directory = make_directory();
		struct migrations some = {migrations_of_store.steps, steps};
		sqlite3 *db = open_file(directory);
		struct buf schema = {0};
		struct err err = {""};

		if (!migrations_apply(db, &some, &err))
			fail_msg("%s", err.text);
		sqlite3_close(db);
		struct store *store = open_in(directory);
		fill(store, 3);
		store_close(store);
		add_schema(steps == migrations_of_store.count ? &today : &schema, directory);
		if (steps < migrations_of_store.count)
			assert_string_equal(buf_string(&schema), buf_string(&today));
		buf_finish(&schema);
		remove_directory(directory);
	}
	assert_true(today.length > 0);
	buf_finish(&today);
}

static void test_failing_step_leaves_the_one_before(void **state)
{
	static const char *const bad[] = {"CREATE TABLE a (x);",
					  "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);"};
	static const char *const good[] = {"CREATE TABLE a (x);",
					   "CREATE TABLE b (x); INSERT INTO b VALUES (7);",
					   "ALTER TABLE b ADD COLUMN y;"};
	sqlite3 *db;
	struct err err;
	int version;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_false(migrations_apply(db, &(struct migrations){bad, COUNT(bad)}, &err));
	assert_string_equal(err.text, "step 2 of the schema: no such table: nowhere");
	assert_true(sqlite3_get_autocommit(db));
	assert_true(migrations_pragma(db, "user_version", &version, &err));
	assert_int_equal(version, 1);
	assert_true(migrations_apply(db, &(struct migrations){good, COUNT(good)}, &err));
	assert_true(migrations_apply(db, &(struct migrations){good, COUNT(good)}, &err));
	run_sql(db, "INSERT INTO b (x, y) SELECT x, x FROM b");
	assert_true(migrations_pragma(db, "user_version", &version, &err));
	assert_int_equal(version, 3);
	sqlite3_close(db);
}

static void test_newer_schema_refused(void **state)
{
	char *directory = make_directory();

	(void)state;
	struct store *store = open_in(directory);
	fill(store, 2);
	store_close(store);
	meddle(directory, "PRAGMA user_version = 99");
	assert_refused_untouched(directory, "was written by a newer belfry (schema 99, this one "
					    "knows up to ");
	remove_directory(directory);
}

/* What a killed daemon left in the log is not moved into a file that is refused. */
static void test_refused_file_keeps_its_log(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);

	(void)state;
	sqlite3 *newer = open_file(directory);
	sqlite3_db_config(newer, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	store_close(store);
	run_sql(newer, "CREATE TABLE later (x); PRAGMA user_version = 99");
	assert_int_equal(sqlite3_close(newer), SQLITE_OK);
	struct buf before = read_file(directory, "belfry.db-wal");
	assert_true(before.length > 4096);
	assert_refused_untouched(directory, "newer belfry");
	struct buf after = read_file(directory, "belfry.db-wal");
	assert_int_equal(after.length, before.length);
	assert_memory_equal(after.data, before.data, before.length);
	buf_finish(&before);
	buf_finish(&after);
	remove_directory(directory);
}

/* ---- files that are not ours, or damaged ---- */

static void test_other_files_refused(void **state)
{
	static const char text[] = "this is no database but a letter to the operator, long enough "
				   "to be read as the header of one, which takes a hundred bytes";
	char *directory = make_directory();

	(void)state;
	write_file(directory, "belfry.db", text, sizeof(text));
	assert_refused_untouched(directory, "file is not a database");
	assert_refused_untouched(directory, "restore a backup");
	write_file(directory, "belfry.db", "", 0);
	meddle(directory, "CREATE TABLE cookies (host TEXT)");
	assert_refused_untouched(directory, "not belfry's");
	remove_directory(directory);
}

static void test_no_file_to_be_had(void **state)
{
	char *directory = make_directory();
	char *path = path_of(directory, "belfry.db"), *nowhere = path_of(directory, "nowhere");

	(void)state;
	assert_non_null(strstr(refusal_in(nowhere), "No such file or directory"));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_non_null(strstr(refusal_in(directory), "is no regular file"));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_non_null(strstr(refusal_in(directory), "is no regular file"));
	free(path);
	free(nowhere);
	remove_directory(directory);
}

static void test_empty_file_is_a_new_store(void **state)
{
	char *directory = make_directory();

	(void)state;
	write_file(directory, "belfry.db", "", 0);
	struct store *store = open_in(directory);
	fill(store, 1);
	store_close(store);
	remove_directory(directory);
}

static bool pass_run(void *context, const struct run *run)
{
	(void)context;
	return run->id != 0;
}

/* Asks all there is to ask; answers or errors, but no crash. */
static void ask_anything(struct store *store)
{
	struct arena arena = {0};
	struct store_state state;
	struct job_summary summary;
	const char *const *names;
	size_t count;
	struct err err;

	if (!store_load(store, &arena, &state, &err))
		assert_true(err.text[0]);
	store_runs(store, &(struct run_filter){0}, pass_run, NULL, &err);
	store_job_summary(store, "odd", &arena, &summary, &err);
	store_job_names(store, &arena, &names, &count, &err);
	arena_finish(&arena);
}

/* Each page in turn gets bytes that were never written there. */
static void test_damage_is_refused_and_kept(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	struct err err;
	size_t refused = 0, pages;

	(void)state;
	fill(store, 60);
	store_close(store);
	struct buf whole = read_file(directory, "belfry.db");
	pages = whole.length / 4096;
	for (size_t page = 0; page < pages; page++) {
		struct buf damaged = {0};
		struct buf location = {0};

		buf_add(&damaged, whole.data, whole.length);
		memset(damaged.data + page * 4096 + (page ? 0 : 100), 0xa5, 64);
		write_file(directory, "belfry.db", damaged.data, damaged.length);
		buf_format(&location, "sqlite:%s", directory);
		store = store_open(buf_string(&location), &err);
		if (store) {
			ask_anything(store);
			store_close(store);
		} else {
			assert_refused_untouched(directory, "restore a backup");
			refused++;
		}
		buf_finish(&location);
		buf_finish(&damaged);
	}
	assert_true(pages >= 10);
	assert_int_equal(refused, pages);
	buf_finish(&whole);
	remove_directory(directory);
}

static void test_half_a_file_refused(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);

	(void)state;
	fill(store, 60);
	store_close(store);
	struct buf whole = read_file(directory, "belfry.db");
	write_file(directory, "belfry.db", whole.data, whole.length / 2);
	assert_refused_untouched(directory, "restore a backup");
	buf_finish(&whole);
	remove_directory(directory);
}

static void test_foreign_word_is_told(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	struct arena arena = {0};
	struct store_state loaded;
	struct err err;

	(void)state;
	APPLY(store, claim_record(1, "a", 0));
	store_close(store);
	meddle(directory, "UPDATE run SET state = 'asleep'");
	store = open_in(directory);
	assert_false(store_load(store, &arena, &loaded, &err));
	assert_non_null(strstr(err.text, "column state holds \"asleep\""));
	assert_non_null(strstr(err.text, "belfry.db"));
	store_close(store);
	arena_finish(&arena);
	remove_directory(directory);
}

static void test_run_ended_by_half_is_told(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	struct arena arena = {0};
	struct store_state loaded;
	struct err err;

	(void)state;
	APPLY(store, claim_record(1, "a", 0));
	store_close(store);
	meddle(directory, "UPDATE run SET state = 'finished'");
	store = open_in(directory);
	assert_false(store_load(store, &arena, &loaded, &err));
	assert_non_null(strstr(err.text, "run 0000000000001 (1) is finished without finished_at"));
	store_close(store);
	arena_finish(&arena);
	remove_directory(directory);
}

/* ---- other programs ---- */

static void test_foreign_lock_fails_the_batch_whole(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	sqlite3 *other = open_file(directory);
	struct record batch[] = {claim_record(1, "a", 0), claim_record(2, "b", 0)};
	struct err err;

	(void)state;
	run_sql(other, "BEGIN IMMEDIATE");
	assert_false(store_apply(store, batch, COUNT(batch), &err));
	assert_non_null(strstr(err.text, "another program holds its lock"));
	assert_false(store_is_writable(store, &err));
	assert_int_equal(count_runs(store), 0);
	run_sql(other, "COMMIT");
	apply(store, batch, COUNT(batch));
	assert_false(batch[0].lost || batch[1].lost);
	assert_int_equal(count_runs(store), 2);
	assert_true(store_is_writable(store, &err));
	sqlite3_close(other);
	store_close(store);
	remove_directory(directory);
}

/* A failure that SQLite does not roll back by itself. */
static void test_one_bad_record_fails_the_batch(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	struct record batch[] = {claim_record(1, "a", 0), attempt_record(1, 1, OUTCOME_FAILED),
				 claim_record(2, "b", 0)};
	struct err err;

	(void)state;
	store_close(store);
	meddle(directory, "CREATE TRIGGER refuse BEFORE INSERT ON attempt "
			  "BEGIN SELECT raise(FAIL, 'no attempts today'); END");
	store = open_in(directory);
	assert_false(store_apply(store, batch, COUNT(batch), &err));
	assert_non_null(strstr(err.text, "belfry.db: no attempts today"));
	assert_int_equal(count_runs(store), 0);
	sqlite3 *other = open_file(directory);
	run_sql(other, "DROP TRIGGER refuse"); /* so no lock is left either */
	sqlite3_close(other);
	apply(store, batch, COUNT(batch));
	assert_false(batch[0].lost || batch[2].lost);
	assert_int_equal(count_runs(store), 2);
	store_close(store);
	remove_directory(directory);
}

/* An operator's long SELECT holds nothing up, and sees one moment. */
static void test_reader_is_no_hindrance(void **state)
{
	char *directory = make_directory();
	struct store *store = open_in(directory);
	sqlite3 *other = open_file(directory);
	sqlite3_stmt *statement;
	int rows = 1;

	(void)state;
	fill(store, 5);
	assert_int_equal(sqlite3_prepare_v2(other, "SELECT id FROM run", -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	for (uint64_t id = 100; id < 200; id++)
		run_through(store, id, "c", (int64_t)id, OUTCOME_SUCCEEDED);
	while (sqlite3_step(statement) == SQLITE_ROW)
		rows++;
	assert_int_equal(rows, 6);
	assert_int_equal(count_runs(store), 106);
	sqlite3_finalize(statement);
	sqlite3_close(other);
	store_close(store);
	remove_directory(directory);
}

/* ---- indexes: by the engine's own counters, no statement scans or sorts ---- */

static size_t statements, scans;

static int on_profile(unsigned kind, void *context, void *statement, void *ns)
{
	(void)kind;
	(void)context;
	(void)ns;
	const char *sql = sqlite3_sql(statement);
	int steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, true);
	int sorts = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_SORT, true);

	statements++;
	if (steps > 10 || sorts > 0) {
		print_error("%d steps of a scan, %d sorts: %s\n", steps, sorts, sql);
		scans++;
	}
	return 0;
}

static int trace_connection(sqlite3 *db, const char **message, const void *api)
{
	(void)message;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, on_profile, NULL);
}

static bool pass_occurrence(void *context, const struct occurrence *occurrence)
{
	(void)context;
	return occurrence->count > 0;
}

static bool pass_log(void *context, const struct log_chunk *chunk)
{
	(void)context;
	return chunk->run != 0;
}

static bool pass_downtime(void *context, const struct downtime *downtime)
{
	(void)context;
	return downtime->until.ms > 0;
}

static void test_hot_queries_neither_scan_nor_sort(void **state)
{
	static const struct run_filter filters[] = {
		{.id = 7},
		{.job = "odd", .limit = 5},
		{.job = "odd", .before = 500, .limit = 5},
		{.only_open = true},
		{.outcome = OUTCOME_FAILED, .limit = 5},
		{.outcome = OUTCOME_SUCCEEDED, .before = 100, .limit = 5},
	};
	static const struct occurrence_filter over_all[] = {
		{.limit = 5},
		{.has_state = true, .state = OCCURRENCE_MISSED, .limit = 5},
		{.has_state = true, .state = OCCURRENCE_SKIPPED, .from = T(0), .to = T(500)},
		{.has_state = true, .state = OCCURRENCE_RAN, .limit = 5},
	};
	char *directory = make_directory();
	struct store *store = open_in(directory);
	struct arena arena = {0};
	struct job_summary summary;
	size_t removed;
	struct err err;

	(void)state;
	fill(store, 1000);
	for (int64_t i = 0; i < 100; i++)
		APPLY(store, downtime_record(i, i + 1));
	store_close(store);
	sqlite3_auto_extension((void (*)(void))trace_connection);
	store = open_in(directory);
	statements = scans = 0;
	for (size_t i = 0; i < COUNT(filters); i++)
		assert_true(store_runs(store, &filters[i], pass_run, NULL, &err));
	assert_true(store_occurrences(store, &(struct occurrence_filter){.job = "even", .limit = 5},
				      pass_occurrence, NULL, &err));
	for (size_t i = 0; i < COUNT(over_all); i++)
		assert_true(store_occurrences(store, &over_all[i], pass_occurrence, NULL, &err));
	assert_true(store_downtimes(store, 5, pass_downtime, NULL, &err));
	assert_true(store_log(store, &(struct log_filter){.run = 9, .after_position = -1}, pass_log,
			      NULL, &err));
	assert_true(store_job_summary(store, "even", &arena, &summary, &err));
	assert_true(store_prune(store, "odd", T(50), 490, 100, &removed, &err));
	assert_int_equal(removed, 10);
	assert_true(store_prune(store, "even", T(50), 1000, 100, &removed, &err));
	APPLY(store, running_record(1001, "odd", 0), log_record(1001, 1, 0, "x"),
	      end_record(1001, "odd", OUTCOME_FAILED, 1));
	load(store, &arena);
	assert_true(statements > 30);
	store_close(store);
	sqlite3_reset_auto_extension();
	arena_finish(&arena);
	remove_directory(directory);
	assert_int_equal(scans, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reopen_keeps_everything),
		cmocka_unit_test(test_node_is_drawn),
		cmocka_unit_test(test_files_are_private),
		cmocka_unit_test(test_durable_settings),
		cmocka_unit_test(test_columns_are_the_fields),
		cmocka_unit_test(test_each_step_leads_to_today),
		cmocka_unit_test(test_failing_step_leaves_the_one_before),
		cmocka_unit_test(test_newer_schema_refused),
		cmocka_unit_test(test_refused_file_keeps_its_log),
		cmocka_unit_test(test_other_files_refused),
		cmocka_unit_test(test_no_file_to_be_had),
		cmocka_unit_test(test_empty_file_is_a_new_store),
		cmocka_unit_test(test_damage_is_refused_and_kept),
		cmocka_unit_test(test_half_a_file_refused),
		cmocka_unit_test(test_foreign_word_is_told),
		cmocka_unit_test(test_run_ended_by_half_is_told),
		cmocka_unit_test(test_foreign_lock_fails_the_batch_whole),
		cmocka_unit_test(test_one_bad_record_fails_the_batch),
		cmocka_unit_test(test_reader_is_no_hindrance),
		cmocka_unit_test(test_hot_queries_neither_scan_nor_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
