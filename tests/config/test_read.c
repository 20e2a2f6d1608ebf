/* test_read.c - config_read against real files, and those that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/belfry-config-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *path, const char *text, size_t length)
{
	FILE *stream = fopen(path, "we");

	assert_non_null(stream);
	assert_int_equal(fwrite(text, 1, length, stream), length);
	assert_int_equal(fclose(stream), 0);
}

static void refused(const char *path, const char *reason)
{
	char *text;
	size_t length;
	struct err err = {{0}};

	assert_false(config_read(path, &text, &length, &err));
	assert_null(text);
	assert_non_null(strstr(err.text, path));
	if (!strstr(err.text, reason))
		fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	refused(path_of("nothing"), "no such file");
	refused(folder, "is a directory");
	refused("/dev/null", "no regular file");
	refused("/dev/zero", "no regular file");
	/* Nobody will ever write to it: opening must not wait. */
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	refused(path_of("fifo"), "pipe");
}

static void files_over_64_mib_are_refused(void **state)
{
	const char *path = path_of("large");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, CONFIG_SIZE_MAX + 1), 0);
	close(fd);
	refused(path, "64 MiB");
}

static void unreadable_files_are_refused(void **state)
{
	const char *path = path_of("secret");
	pid_t child;
	int status;

	(void)state;
	write_file(path, "[]", 2);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char *text;
		size_t length;
		struct err err = {{0}};
		bool is_dropped = geteuid() != 0 || setresuid(65534, 65534, 65534) == 0;
		_exit(is_dropped && !config_read(path, &text, &length, &err) &&
				      strstr(err.text, "permission denied")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void whole_files_are_read(void **state)
{
	static const char bytes[] = "a\0b\n";
	char *text;
	size_t length;
	struct err err;

	(void)state;
	write_file(path_of("small"), bytes, sizeof(bytes) - 1);
	assert_true(config_read(path_of("small"), &text, &length, &err));
	assert_int_equal(length, sizeof(bytes) - 1);
	assert_memory_equal(text, bytes, length + 1);
	free(text);
	write_file(path_of("empty"), "", 0);
	assert_true(config_read(path_of("empty"), &text, &length, &err));
	assert_int_equal(length, 0);
	assert_string_equal(text, "");
	free(text);
}

static void standard_input_is_read_to_its_end(void **state)
{
	int fds[2], saved = dup(STDIN_FILENO);
	char *text;
	size_t length;
	struct err err;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "[1,", 3), 3);
	assert_int_equal(write(fds[1], "2]", 2), 2);
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	assert_true(config_read("-", &text, &length, &err));
	assert_string_equal(text, "[1,2]");
	free(text);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

enum { OLD_SIZE = 200000, NEW_SIZE = 300000, READS = 400 };

/* Replaces the file for ever, by rename: old, new, old, … */
static void replace_for_ever(const char *path, const char *texts[2], const size_t sizes[2])
{
	char other[160];

	snprintf(other, sizeof(other), "%s.tmp", path);
	for (int i = 0;; i = !i) {
		FILE *stream = fopen(other, "we");

		if (!stream || fwrite(texts[i], 1, sizes[i], stream) != sizes[i] ||
		    fclose(stream) != 0 || rename(other, path) != 0)
			_exit(1);
	}
}

static bool is_all(const char *text, size_t length, char c)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != c)
			return false;
	return true;
}

static void a_replaced_file_is_the_old_or_the_new_one(void **state)
{
	const char *path = path_of("replaced");
	char *old = mem_alloc(OLD_SIZE), *new = mem_alloc(NEW_SIZE);
	const char *texts[2] = {old, new};
	const size_t sizes[2] = {OLD_SIZE, NEW_SIZE};
	int seen[2] = {0};

	(void)state;
	memset(old, 'o', OLD_SIZE);
	memset(new, 'n', NEW_SIZE);
	write_file(path, old, OLD_SIZE);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		replace_for_ever(path, texts, sizes);
	for (int i = 0; i < READS || ((!seen[0] || !seen[1]) && i < 100 * READS); i++) {
		char *text;
		size_t length;
		struct err err = {{0}};

		if (!config_read(path, &text, &length, &err))
			fail_msg("%s", err.text);
		assert_true((length == OLD_SIZE && is_all(text, length, 'o')) ||
			    (length == NEW_SIZE && is_all(text, length, 'n')));
		seen[length == NEW_SIZE]++;
		free(text);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(seen[0] && seen[1]);
	free(old);
	free(new);
}

enum { REWRITTEN_SIZE = 32 << 20 };

/* Writes in place without end. */
static void rewrite_for_ever(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	while (pwrite(fd, "b", 1, 0) == 1)
		;
	_exit(1);
}

/* A reading of 32 MiB takes many turns of the scheduler, so that the writer comes in
 * between; one that finds it asleep all the time may succeed and is tried again. */
static void a_file_that_changes_all_the_time_is_told(void **state)
{
	const char *path = path_of("rewritten");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool is_told = false;

	(void)state;
	assert_int_equal(ftruncate(fd, REWRITTEN_SIZE), 0);
	close(fd);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		rewrite_for_ever(path);
	for (int i = 0; i < 1000 && !is_told; i++) {
		char *text;
		size_t length;
		struct err err = {{0}};

		is_told = !config_read(path, &text, &length, &err);
		if (is_told)
			assert_non_null(strstr(err.text, "changes all the time"));
		free(text);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(is_told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(files_over_64_mib_are_refused),
		cmocka_unit_test(unreadable_files_are_refused),
		cmocka_unit_test(whole_files_are_read),
		cmocka_unit_test(standard_input_is_read_to_its_end),
		cmocka_unit_test(a_replaced_file_is_the_old_or_the_new_one),
		cmocka_unit_test(a_file_that_changes_all_the_time_is_told),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
