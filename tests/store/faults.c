/*
 * faults.c - the SQLite store when the world fails: a full disk, failing writes, a
 * process that is killed. Whatever happens, a batch is there whole or not at all.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_disk.h"

enum { BATCH = 800 };

/* A batch with a bit of everything, some hundred KiB as SQLite writes it. */
static size_t make_batch(struct record *records, uint64_t first)
{
	static char name[BATCH][24];
	size_t count = 0;

	for (uint64_t i = 0; i < BATCH / 4; i++) {
		uint64_t id = first + i;

		snprintf(name[i], sizeof(name[i]), "job-%" PRIu64, id);
		records[count++] = claim_record(id, name[i], 0);
		records[count++] = log_record(id, 1, 0, "a line of output\n");
		records[count++] = attempt_record(id, 1, OUTCOME_SUCCEEDED);
		records[count++] = end_record(id, name[i], OUTCOME_SUCCEEDED, 1);
	}
	return count;
}

/* The batch failed: the store is as before, and answers. Applied again: it is whole. */
static void assert_unchanged(struct store *store, const struct buf *before)
{
	struct buf after = {0};

	dump(store, &after);
	assert_string_equal(buf_string(&after), buf_string(before));
	buf_finish(&after);
}

static void apply_again(struct store *store, struct record *records, size_t count)
{
	apply(store, records, count);
	for (size_t i = 0; i < count; i++)
		assert_false(records[i].lost);
}

/* ---- a full disk ---- */

/* A disk of a few hundred KiB over the directory, for this process only. Needs root;
 * without it the disk below that says so has to do. */
static bool mount_small_disk(const char *directory)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", directory, "tmpfs", 0, "size=640k,mode=0700") == 0;
}

static char *fill_disk(const char *directory)
{
	static const char zeros[4096];
	char *path = path_of(directory, "filler");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
	return path;
}

static void free_disk(char *filler)
{
	assert_int_equal(unlink(filler), 0);
	free(filler);
}

static void full_while_applying(const char *directory)
{
	static struct record records[BATCH];
	struct store *store = open_in(directory);
	struct buf before = {0};
	struct err err = {""};

	APPLY(store, claim_record(1, "a", 0), revision_record(1, "{}"));
	dump(store, &before);
	char *filler = fill_disk(directory);
	size_t count = make_batch(records, 2);
	for (int again = 0; again < 3; again++) {
		assert_false(store_apply(store, records, count, &err));
		assert_non_null(strstr(err.text, "free some space"));
		assert_false(store_is_writable(store, &err));
		assert_unchanged(store, &before);
	}
	free_disk(filler);
	assert_true(store_is_writable(store, &err));
	apply_again(store, records, count);
	assert_int_equal(count_runs(store), 1 + BATCH / 4);
	store_close(store);
	buf_finish(&before);
}

static void full_while_opening(const char *directory)
{
	char *filler = fill_disk(directory);

	assert_non_null(strstr(refusal_in(directory), "belfry.db"));
	free_disk(filler);
	store_close(open_in(directory));
}

static void test_full_disk(void **state)
{
	char *directory = make_directory();

	(void)state;
	if (!mount_small_disk(directory)) {
		print_message("no small disk to be had (%s); "
			      "test_each_write_and_sync_may_fail stands in\n",
			      strerror(errno));
		remove_directory(directory);
		return;
	}
	full_while_opening(directory);
	full_while_applying(directory);
	assert_int_equal(umount2(directory, MNT_DETACH), 0);
	assert_int_equal(rmdir(directory), 0);
	free(directory);
}

/* ---- a write that fails, wherever in the batch ---- */

static off_t size_of(const char *directory, const char *name)
{
	char *path = path_of(directory, name);
	struct stat status = {0};

	if (stat(path, &status) != 0)
		status.st_size = 0;
	free(path);
	return status.st_size;
}

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The log may grow by so much more each time, until the batch fits. */
static void test_write_that_fails_anywhere(void **state)
{
	static struct record records[BATCH];
	char *directory = make_directory();
	struct store *store = open_in(directory);
	struct buf before = {0};
	struct err err = {""};
	bool is_applied = false;
	int failures = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	APPLY(store, claim_record(1, "a", 0), revision_record(1, "{}"));
	dump(store, &before);
	size_t count = make_batch(records, 2);
	for (rlim_t room = 0; !is_applied; room += 5000) {
		limit_files((rlim_t)size_of(directory, "belfry.db-wal") + room);
		is_applied = store_apply(store, records, count, &err);
		limit_files(RLIM_INFINITY);
		if (is_applied)
			break;
		assert_true(err.text[0]);
		assert_unchanged(store, &before);
		failures++;
	}
	assert_true(failures >= 5);
	assert_int_equal(count_runs(store), 1 + BATCH / 4);
	assert_true(store_is_writable(store, &err));
	run_through(store, 5000, "b", 0, OUTCOME_SUCCEEDED);
	store_close(store);
	store = open_in(directory);
	assert_int_equal(count_runs(store), 2 + BATCH / 4);
	store_close(store);
	buf_finish(&before);
	remove_directory(directory);
}

/* ---- the Nth write or sync fails, once or from then on ---- */

/* The batch as it is applied while the disk fails. True once N is beyond its end. */
static bool try_nth(struct store *store, int nth, bool for_ever, uint64_t first)
{
	static struct record records[BATCH];
	size_t count = make_batch(records, first) / 20;
	struct buf before = {0};
	struct err err = {""};

	dump(store, &before);
	failing_disk_arm(nth, for_ever);
	bool ok = store_apply(store, records, count, &err);
	bool has_failed = failing_disk_disarm();
	if (!ok) {
		assert_true(has_failed);
		assert_true(strstr(err.text, "disk I/O error") ||
			    (for_ever && strstr(err.text, "free some space")));
		assert_unchanged(store, &before);
		apply_again(store, records, count);
	}
	buf_finish(&before);
	return !has_failed;
}

/* The log is moved into the database after each batch, too: a failure there is none of
 * the batch's, which is safe in the log. */
static int checkpoint_at_once(sqlite3 *db, const char **message, const void *api)
{
	(void)message;
	(void)api;
	return sqlite3_wal_autocheckpoint(db, 1);
}

static void test_each_write_and_sync_may_fail(void **state)
{
	char *directory = make_directory();
	uint64_t batches = 0;
	int furthest = 0;

	(void)state;
	sqlite3_auto_extension((void (*)(void))checkpoint_at_once);
	struct store *store = open_in(directory);
	for (int round = 0; round < 2; round++) {
		for (int nth = 1; !try_nth(store, nth, round == 1, 1 + batches++ * BATCH); nth++)
			furthest = nth > furthest ? nth : furthest;
		store_close(store);
		store = open_in(directory); /* which looks at every page */
	}
	sqlite3_reset_auto_extension();
	assert_true(furthest > 20);
	assert_int_equal(count_runs(store), batches * (BATCH / 80));
	store_close(store);
	remove_directory(directory);
}

/* ---- kill -9 ---- */

enum { ROUNDS = 12, RUNS = 50 };

/* Batches for ever; a byte into the pipe for each that is committed. */
static void write_until_killed(const char *directory, uint64_t done, int pipe_end)
{
	struct store *store = open_in(directory);
	struct record records[RUNS * 2 + 1];

	for (uint64_t batch = done;; batch++) {
		size_t count = 0;

		for (uint64_t i = 1; i <= RUNS; i++) {
			records[count++] = manual_record(batch * RUNS + i, "a", 0);
			records[count++] = log_record(batch * RUNS + i, 1, 0, "text");
		}
		records[count++] = evaluated_record((int64_t)batch + 1, 0);
		apply(store, records, count);
		if (write(pipe_end, "x", 1) != 1)
			_exit(1);
	}
}

/* Kills the writer once it has committed `least` batches; how many it told of. */
static uint64_t kill_a_writer(const char *directory, uint64_t done, uint64_t least)
{
	int ends[2], status;
	uint64_t told = 0;
	char byte;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		write_until_killed(directory, done, ends[1]);
	}
	close(ends[1]);
	while (told < least && read(ends[0], &byte, 1) == 1)
		told++;
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (read(ends[0], &byte, 1) == 1)
		told++;
	close(ends[0]);
	return told;
}

static bool count_chunk(void *context, const struct log_chunk *chunk)
{
	size_t *count = context;

	*count += chunk->length == 4;
	return true;
}

static void test_killed_writer_leaves_whole_batches(void **state)
{
	char *directory = make_directory();
	uint64_t done = 0;

	(void)state;
	store_close(open_in(directory));
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct arena arena = {0};
		size_t chunks = 0;
		struct err err;
		uint64_t told = done + kill_a_writer(directory, done, round % 4);
		struct store *store = open_in(directory);
		struct store_state loaded = load(store, &arena);

		done = utc_is_set(loaded.evaluated_until)
			       ? (uint64_t)(loaded.evaluated_until.ms - T(0).ms)
			       : 0;
		assert_in_range(done, told, told + 1);
		assert_int_equal(loaded.open_count, done * RUNS);
		assert_int_equal(loaded.last_run, done * RUNS);
		for (size_t i = 0; i < loaded.open_count; i++) {
			assert_int_equal(loaded.open_runs[i].id, i + 1);
			assert_true(store_log(
				store, &(struct log_filter){.run = i + 1, .after_position = -1},
				count_chunk, &chunks, &err));
		}
		assert_int_equal(chunks, done * RUNS);
		store_close(store);
		arena_finish(&arena);
	}
	assert_true(done >= ROUNDS);
	remove_directory(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_that_fails_anywhere),
		cmocka_unit_test(test_each_write_and_sync_may_fail),
		cmocka_unit_test(test_killed_writer_leaves_whole_batches),
		cmocka_unit_test(test_full_disk),
	};

	failing_disk_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
