/*
 * repair.c - tests of the repair: whatever page is destroyed, what comes out is whole and
 * opens, nothing is in it that was not there, and what is missing is told.
 */
#include "repair.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "wal.h"

enum { RUNS = 300, BATCH = 10, PAGE = 4096 };

static const struct utc now = {INT64_C(1774750000000)};

static void fill(const char *directory)
{
	struct store *store = open_in(directory);
	struct record records[5 * BATCH];
	char names[7][24], text[400];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 7; i++)
		snprintf(names[i], sizeof(names[i]), "job-%d", i);
	APPLY(store, revision_record(1, "[]"), missed_record("job-1", 5, 9, 3));
	for (uint64_t id = 1; id <= RUNS;) {
		size_t count = 0;

		for (int i = 0; i < BATCH; i++, id++) {
			const char *name = names[id % 7];
			int64_t at = (int64_t)id * 1000;

			records[count++] = claim_record(id, name, at);
			records[count++] = log_record(id, 1, 0, text);
			records[count++] = attempt_record(id, 1, OUTCOME_SUCCEEDED);
			records[count++] = end_record(id, name, OUTCOME_SUCCEEDED, at);
			records[count++] = evaluated_record(at + 1, 0);
		}
		apply(store, records, count);
	}
	store_close(store);
}

static char *copy_of(const char *directory)
{
	char *copy = make_directory(), data[PAGE];
	char *from = path_of(directory, "belfry.db"), *to = path_of(copy, "belfry.db");
	int source = open(from, O_RDONLY), target = open(to, O_WRONLY | O_CREAT, 0600);
	ssize_t n;

	while ((n = read(source, data, sizeof(data))) > 0)
		assert_int_equal(write(target, data, (size_t)n), n);
	close(source);
	close(target);
	free(from);
	free(to);
	return copy;
}

static off_t size_of(const char *directory, const char *name)
{
	char *path = path_of(directory, name);
	struct stat st;
	off_t size = stat(path, &st) == 0 ? st.st_size : -1;

	free(path);
	return size;
}

static void overwrite(const char *directory, const char *name, off_t at, const void *data,
		      size_t length)
{
	char *path = path_of(directory, name);
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, data, length, at), length);
	close(fd);
	free(path);
}

static const struct repair_table *table(const struct repair *repair, const char *name)
{
	for (size_t i = 0; i < repair->table_count; i++)
		if (strcmp(repair->tables[i].name, name) == 0)
			return &repair->tables[i];
	fail_msg("no table %s", name);
	return NULL;
}

/* No file is left but the database, what was set aside, and its log. */
static void assert_tidy(const char *directory, bool is_repaired)
{
	DIR *folder = opendir(directory);
	const struct dirent *entry;
	size_t aside = 0;

	while ((entry = readdir(folder)))
		if (strncmp(entry->d_name, "belfry.db.damaged-", 18) == 0)
			aside += !strstr(entry->d_name, "-wal");
		else if (entry->d_name[0] != '.' && strcmp(entry->d_name, "belfry.db-wal") != 0 &&
			 strcmp(entry->d_name, "belfry.db-shm") != 0)
			assert_string_equal(entry->d_name, "belfry.db");
	closedir(folder);
	assert_int_equal(aside, is_repaired);
}

/* Rows may be missing, and then it was told; a claim goes only with all that knew it. */
static void assert_explained(const char *directory, const struct repair *repair)
{
	struct store *store = open_in(directory);
	struct arena arena = {0};
	struct store_state state = load(store, &arena);
	const struct repair_table *run = table(repair, "run");
	struct buf text = {0};

	assert_int_equal(count_runs(store), run->saved);
	assert_true(run->saved <= RUNS);
	if (run->saved < RUNS)
		assert_true(run->lost > 0 || run->is_cut);
	/* What was decided is not decided again. */
	assert_true(state.evaluated_until.ms >= T(RUNS * 1000 + 1).ms || repair->is_stale);
	if (repair->is_stale)
		assert_true(state.evaluated_until.ms >= repair->doubtful_to.ms);
	dump(store, &text); /* every row can be read */
	buf_finish(&text);
	APPLY(store, claim_record(RUNS + 1000, "job-1", 1000000));
	store_close(store);
	arena_finish(&arena);
}

static struct repair repair_in(const char *directory, struct arena *arena)
{
	struct repair repair;
	struct err err;

	if (!repair_database(directory, now, arena, &repair, &err))
		fail_msg("%s", err.text);
	assert_tidy(directory, !repair.is_sound);
	return repair;
}

static void test_each_page(void **state)
{
	char *original = make_directory(), garbage[PAGE];
	int64_t saved = 0, tries = 0;
	uint32_t draw = 7;

	(void)state;
	fill(original);
	off_t pages = size_of(original, "belfry.db") / PAGE;
	for (off_t page = 0; page < pages; page++, tries++) {
		char *copy = copy_of(original);
		struct arena arena = {0};

		for (size_t i = 0; i < PAGE; i++)
			garbage[i] = (char)(draw = draw * 1103515245 + 12345, draw >> 16);
		overwrite(copy, "belfry.db", page * PAGE, garbage, PAGE);
		struct repair repair = repair_in(copy, &arena);
		if (!repair.is_sound) { /* a page that is free hurts nobody */
			assert_explained(copy, &repair);
			saved += table(&repair, "run")->saved;
			/* One page of rows, and not those of pages to which it was the way. */
			assert_true(table(&repair, "run")->saved > RUNS - 60);
			assert_true(table(&repair, "log")->saved > RUNS - 60);
		} else {
			saved += RUNS;
		}
		remove_directory(copy);
		arena_finish(&arena);
	}
	print_message("%lld pages: %lld of %lld runs saved\n", (long long)pages, (long long)saved,
		      (long long)(tries * RUNS));
	assert_true(saved > tries * RUNS * 98 / 100);
	remove_directory(original);
}

static void test_each_length(void **state)
{
	char *original = make_directory();

	(void)state;
	fill(original);
	off_t pages = size_of(original, "belfry.db") / PAGE;
	for (off_t page = 0; page < pages; page += 9) {
		char *copy = copy_of(original), *path = path_of(copy, "belfry.db");
		struct arena arena = {0};

		assert_int_equal(truncate(path, page * PAGE + (page % 2) * 700), 0);
		/* No file at all is a new one. */
		if (page > 0) {
			struct repair repair = repair_in(copy, &arena);

			assert_false(repair.is_sound);
			assert_explained(copy, &repair);
		}
		free(path);
		remove_directory(copy);
		arena_finish(&arena);
	}
	remove_directory(original);
}

static void test_sound_file_stays(void **state)
{
	char *directory = make_directory();
	struct arena arena = {0};

	(void)state;
	fill(directory);
	assert_true(repair_in(directory, &arena).is_sound);
	remove_directory(directory);
	arena_finish(&arena);
}

static void test_nothing_there(void **state)
{
	char *directory = make_directory();
	struct arena arena = {0};
	struct repair repair;
	struct err err;

	(void)state;
	assert_false(repair_database(directory, now, &arena, &repair, &err));
	assert_non_null(strstr(err.text, "there is no"));
	remove_directory(directory);
	arena_finish(&arena);
}

/* ---- the log ---- */

/* A store that is still open, so that all is in its log; and copies of both files. */
static char *copy_with_log(void)
{
	char *directory = make_directory(), *copy;
	struct store *store = open_in(directory);

	/* Claimed in the file; that it ended is in the log. */
	APPLY(store, claim_record(1000, "held", 99000));
	store_close(store);
	store = open_in(directory);
	APPLY(store, end_record(1000, "held", OUTCOME_SUCCEEDED, 99000));
	for (uint64_t id = 1; id <= 40; id++)
		run_through(store, id, "job", (int64_t)id * 1000, OUTCOME_SUCCEEDED);
	copy = copy_of(directory);
	char *from = path_of(directory, "belfry.db-wal"), *to = path_of(copy, "belfry.db-wal");
	char command[1024];
	snprintf(command, sizeof(command), "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
	free(from);
	free(to);
	store_close(store);
	remove_directory(directory);
	return copy;
}

static bool is_whole(const char *directory, struct err *err)
{
	char *path = path_of(directory, "belfry.db");
	bool ok = wal_check(path, err);

	free(path);
	return ok;
}

/* Cut anywhere it is what a crash leaves; hit anywhere but in its last commit it is not. */
static void test_log(void **state)
{
	char *directory = copy_with_log(), *path = path_of(directory, "belfry.db-wal");
	off_t size = size_of(directory, "belfry.db-wal"), frame = 24 + PAGE;
	off_t frames = (size - 32) / frame;
	struct err err;

	(void)state;
	assert_true(is_whole(directory, &err));
	assert_true(frames > 100);
	for (off_t i = 0; i < frames - 20; i += 7) {
		uint8_t before[8], after[8] = {0xfe, 1, 2, 3, 4, 5, 6, 7};
		off_t at = 32 + i * frame + i % PAGE;
		int fd = open(path, O_RDWR);

		assert_int_equal(pread(fd, before, sizeof(before), at), sizeof(before));
		overwrite(directory, "belfry.db-wal", at, after, sizeof(after));
		assert_false(is_whole(directory, &err));
		assert_non_null(strstr(err.text, "is damaged at frame"));
		assert_non_null(strstr(refusal_in(directory), "belfry doctor --repair"));
		overwrite(directory, "belfry.db-wal", at, before, sizeof(before));
		close(fd);
	}
	assert_true(is_whole(directory, &err));
	for (off_t length = size; length >= 0; length -= 3333) {
		assert_int_equal(truncate(path, length), 0);
		assert_true(is_whole(directory, &err));
	}
	free(path);
	remove_directory(directory);
}

static void test_headless_log(void **state)
{
	char *directory = copy_with_log();
	struct arena arena = {0};
	struct err err;

	(void)state;
	overwrite(directory, "belfry.db-wal", 3, "garbage", 7);
	assert_false(is_whole(directory, &err));
	struct repair repair = repair_in(directory, &arena);
	assert_true(repair.is_stale);
	/* It may have run, so it is not there to be started. */
	assert_int_equal(repair.unknown, 1);
	struct store *store = open_in(directory);
	assert_int_equal(get_run(store, &arena, 1000).outcome, OUTCOME_UNKNOWN);
	store_close(store);
	remove_directory(directory);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_page),
		cmocka_unit_test(test_each_length),
		cmocka_unit_test(test_sound_file_stays),
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_headless_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
