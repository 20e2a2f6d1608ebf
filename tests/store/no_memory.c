/*
 * no_memory.c - each allocation of SQLite fails in turn, alone and with all after it: the
 * program ends as it does for want of memory everywhere, never by a signal, and the store
 * is as it was or as it should be.
 */
#include "fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXHAUSTED = 70, RUNS = 5 };

static sqlite3_mem_methods real;
static int count, failing_at;
static bool for_ever;

static bool fails(void)
{
	count++;
	return failing_at && (count == failing_at || (for_ever && count > failing_at));
}

static void *allocate(int size)
{
	return fails() ? NULL : real.xMalloc(size);
}

static void *resize(void *old, int size)
{
	return fails() ? NULL : real.xRealloc(old, size);
}

static void install(int at, bool is_for_ever)
{
	sqlite3_mem_methods methods;

	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), SQLITE_OK);
	methods = real;
	methods.xMalloc = allocate;
	methods.xRealloc = resize;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
	failing_at = at;
	for_ever = is_for_ever;
}

static bool note_log(void *context, const struct log_chunk *chunk)
{
	*(size_t *)context += chunk->length;
	return true;
}

static bool note_run(void *context, const struct run *run)
{
	*(size_t *)context += strlen(run->job);
	return true;
}

/* What a daemon asks of it. Exit code 0: all went well; 1: it said that it could not. */
static int use(const char *location)
{
	struct err err;
	struct arena arena = {0};
	struct store_state state;
	struct job_summary summary;
	struct record records[] = {
		claim_record(RUNS + 1, "job", 90000),
		log_record(RUNS + 1, 1, 0, "a line\n"),
		end_record(RUNS + 1, "job", OUTCOME_SUCCEEDED, 90000),
		revision_record(2, "[]"),
		evaluated_record(90001, 0),
	};
	size_t seen = 0;
	struct store *store = store_open(location, &err);
	bool ok = store && store_load(store, &arena, &state, &err) &&
		  store_apply(store, records, COUNT(records), &err) &&
		  store_runs(store, &(struct run_filter){.job = "job"}, note_run, &seen, &err) &&
		  store_log(store, &(struct log_filter){.run = RUNS, .after_position = -1},
			    note_log, &seen, &err) &&
		  store_job_summary(store, "job", &arena, &summary, &err) &&
		  store_is_writable(store, &err);

	store_close(store);
	arena_finish(&arena);
	return ok && seen > 0 ? 0 : 1;
}

static int run_child(const char *directory, int at, bool is_for_ever)
{
	char location[256];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* Its last words are known, and there are many of them. */
		if (!freopen("/dev/null", "w", stderr))
			_exit(99);
		install(at, is_for_ever);
		snprintf(location, sizeof(location), "sqlite:%s", directory);
		int code = use(location);
		_exit(code == 0 && at > 0 && count >= at ? 2 : code);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("allocation %d: signal %d", at, WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void make_store(const char *directory)
{
	pid_t pid = fork(); /* SQLite must be fresh in each child */

	if (pid == 0) {
		struct store *store = open_in(directory);

		APPLY(store, revision_record(1, "[]"));
		for (uint64_t id = 1; id <= RUNS; id++) {
			run_through(store, id, "job", (int64_t)id * 1000, OUTCOME_FAILED);
			APPLY(store, log_record(id, 1, 0, "some output\n"));
		}
		store_close(store);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* 2: it failed and was done without, which SQLite may. */
static void try_all(bool is_for_ever)
{
	char *directory = make_directory();
	int code = 2, at;

	make_store(directory);
	/* In most, all that comes after it does not matter any more. */
	for (at = 1; code != 0; at += is_for_ever ? 7 : 2) {
		code = run_child(directory, at, is_for_ever);
		if (code != 0 && code != 1 && code != 2 && code != EXHAUSTED)
			fail_msg("allocation %d: exit code %d", at, code);
		assert_true(at < 20000);
	}
	assert_true(at > 100);
	assert_int_equal(run_child(directory, 0, false), 0);
	print_message("%d allocations\n", at);
	remove_directory(directory);
}

static void test_alone(void **state)
{
	(void)state;
	try_all(false);
}

static void test_for_ever(void **state)
{
	(void)state;
	try_all(true);
}

/* Each in a directory of its own, up to where the schema is written. */
static void test_first_start(void **state)
{
	(void)state;
	for (int at = 1; at < 400; at += 2) {
		char *directory = make_directory();
		int code = run_child(directory, at, at % 4 == 1);

		if (code != 1 && code != 2 && code != EXHAUSTED)
			fail_msg("allocation %d: exit code %d", at, code);
		remove_directory(directory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_for_ever),
		cmocka_unit_test(test_first_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
