/*
 * test_loop.c - the loop: timers, the alarm, signals, descriptors, and files in all the
 * ways they are replaced.
 *
 * Each test ends by what it waits for; a guard timer fails it where that never comes.
 */
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
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "loop.h"

enum { GUARD_MS = 20000 };

struct scene {
	struct loop *loop;
	struct loop_timer *guard, *timer;
	struct buf said; /* what happened, a letter each */
	char folder[64];
	struct loop_file *file;
	size_t turns;
};

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_guard(void *context)
{
	struct scene *scene = context;

	buf_text(&scene->said, "in vain");
	loop_stop(scene->loop);
}

static int begin(void **state)
{
	struct scene *scene = test_calloc(1, sizeof(*scene));
	struct err err;

	scene->loop = loop_create(&err);
	assert_non_null(scene->loop);
	scene->guard = loop_timer_create(scene->loop, on_guard, scene);
	loop_timer_start(scene->guard, GUARD_MS);
	strcpy(scene->folder, "/tmp/belfry-loop-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	*state = scene;
	return 0;
}

static int end(void **state)
{
	struct scene *scene = *state;
	char command[128];

	loop_file_destroy(scene->file);
	loop_timer_destroy(scene->timer);
	loop_timer_destroy(scene->guard);
	loop_destroy(scene->loop);
	buf_finish(&scene->said);
	snprintf(command, sizeof(command), "rm -r %s", scene->folder);
	int status = system(command);
	test_free(scene);
	return status;
}

static void on_stop(void *context)
{
	struct scene *scene = context;

	buf_char(&scene->said, '.');
	loop_stop(scene->loop);
}

/* ---- timers ---- */

static void on_a(void *context)
{
	struct scene *scene = context;

	buf_char(&scene->said, 'a');
}

static void on_b(void *context)
{
	struct scene *scene = context;

	buf_char(&scene->said, 'b');
}

static void test_timers_fire_once_in_order(void **state)
{
	struct scene *scene = *state;
	struct loop_timer *a = loop_timer_create(scene->loop, on_a, scene);
	struct loop_timer *b = loop_timer_create(scene->loop, on_b, scene);
	int64_t before = clock_ms(CLOCK_MONOTONIC);

	scene->timer = loop_timer_create(scene->loop, on_stop, scene);
	loop_timer_start(scene->timer, 60);
	loop_timer_start(a, 30);
	loop_timer_start(b, -5);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), "ba.");
	assert_true(clock_ms(CLOCK_MONOTONIC) - before >= 59);
	loop_timer_destroy(a);
	loop_timer_destroy(b);
}

static void test_a_timer_moves_and_stops(void **state)
{
	struct scene *scene = *state;
	struct loop_timer *a = loop_timer_create(scene->loop, on_a, scene);
	struct loop_timer *b = loop_timer_create(scene->loop, on_b, scene);

	scene->timer = loop_timer_create(scene->loop, on_stop, scene);
	loop_timer_start(scene->timer, 40);
	loop_timer_start(a, 1);
	loop_timer_start(a, 20);
	loop_timer_start(b, 10);
	loop_timer_stop(b);
	loop_timer_stop(b);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), "a.");
	loop_timer_destroy(a);
	loop_timer_destroy(b);
}

static void count_turn(void *context)
{
	struct scene *scene = context;

	scene->turns++;
}

static void test_no_turn_without_an_event(void **state)
{
	struct scene *scene = *state;

	scene->timer = loop_timer_create(scene->loop, on_stop, scene);
	loop_on_turn(scene->loop, count_turn, scene);
	loop_timer_start(scene->timer, 200);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), ".");
	assert_in_range(scene->turns, 1, 4);
}

/* ---- the alarm ---- */

static void test_the_alarm_fires_at_its_instant(void **state)
{
	struct scene *scene = *state;
	struct err err;
	struct loop_alarm *alarm = loop_alarm_create(scene->loop, on_stop, scene, &err);
	struct utc at = {clock_ms(CLOCK_REALTIME) + 50};

	assert_non_null(alarm);
	assert_true(loop_alarm_set(alarm, UTC_NEVER, &err));
	assert_true(loop_alarm_set(alarm, at, &err));
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), ".");
	/* Never early: what is due then must be due when it is looked at. */
	assert_true(clock_ms(CLOCK_REALTIME) >= at.ms);

	assert_true(loop_alarm_set(alarm, (struct utc){1000}, &err));
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), "..");
	loop_alarm_destroy(alarm);
}

static void test_an_alarm_that_was_moved_away_is_silent(void **state)
{
	struct scene *scene = *state;
	struct err err;
	struct loop_alarm *alarm = loop_alarm_create(scene->loop, on_a, scene, &err);

	scene->timer = loop_timer_create(scene->loop, on_stop, scene);
	assert_true(loop_alarm_set(alarm, (struct utc){clock_ms(CLOCK_REALTIME) + 10}, &err));
	assert_true(loop_alarm_set(alarm, UTC_NEVER, &err));
	loop_timer_start(scene->timer, 60);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), ".");
	loop_alarm_destroy(alarm);
}

/* ---- signals and descriptors ---- */

static void on_signal(void *context, int number)
{
	struct scene *scene = context;

	assert_int_equal(number, SIGUSR1);
	on_stop(scene);
}

static void test_signals(void **state)
{
	struct scene *scene = *state;
	struct loop_signal *watch = loop_signal_create(scene->loop, SIGUSR1, on_signal, scene);

	raise(SIGUSR1);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), ".");
	loop_signal_destroy(watch);
}

struct reader {
	struct scene *scene;
	struct loop_fd *watch;
	int fd;
};

static void on_readable(void *context, unsigned ready)
{
	struct reader *reader = context;
	char byte;

	assert_true(ready & LOOP_READ);
	if (read(reader->fd, &byte, 1) == 1)
		buf_char(&reader->scene->said, byte);
	else
		on_stop(reader->scene);
}

static void test_descriptors_to_their_end(void **state)
{
	struct scene *scene = *state;
	struct reader reader = {.scene = scene};
	struct err err;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	reader.fd = ends[0];
	reader.watch = loop_fd_create(scene->loop, ends[0], LOOP_READ, on_readable, &reader, &err);
	assert_non_null(reader.watch);
	assert_int_equal(write(ends[1], "xy", 2), 2);
	close(ends[1]);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), "xy.");
	loop_fd_destroy(reader.watch);
	close(ends[0]);
}

static void test_a_paused_descriptor_is_silent(void **state)
{
	struct scene *scene = *state;
	struct reader reader = {.scene = scene};
	struct err err;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	reader.fd = ends[0];
	reader.watch = loop_fd_create(scene->loop, ends[0], LOOP_READ, on_readable, &reader, &err);
	loop_fd_interest(reader.watch, 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	scene->timer = loop_timer_create(scene->loop, on_stop, scene);
	loop_timer_start(scene->timer, 30);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), ".");
	loop_fd_interest(reader.watch, LOOP_READ);
	close(ends[1]);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), ".x.");
	loop_fd_destroy(reader.watch);
	close(ends[0]);
}

/* ---- files ---- */

static const char *path(const struct scene *scene, const char *name)
{
	static char text[2][128];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "%s/%s", scene->folder, name);
	return text[turn];
}

static void write_file(const char *where, const char *content)
{
	FILE *file = fopen(where, "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static void watch(struct scene *scene, const char *where)
{
	struct err err;

	scene->file = loop_file_create(scene->loop, where, on_stop, scene, &err);
	assert_non_null(scene->file);
}

/* Runs until the file is told to have changed. */
static void expect_change(struct scene *scene)
{
	buf_clear(&scene->said);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), ".");
}

static void expect_silence(struct scene *scene)
{
	buf_clear(&scene->said);
	struct loop_timer *enough = loop_timer_create(scene->loop, on_guard, scene);
	loop_timer_start(enough, 60);
	loop_run(scene->loop);
	assert_string_equal(buf_string(&scene->said), "in vain");
	loop_timer_destroy(enough);
}

static void test_a_file_written_renamed_removed(void **state)
{
	struct scene *scene = *state;

	write_file(path(scene, "jobs"), "1");
	watch(scene, path(scene, "jobs"));
	expect_silence(scene);
	write_file(path(scene, "jobs"), "12");
	expect_change(scene);
	write_file(path(scene, "new"), "123");
	expect_silence(scene);
	assert_int_equal(rename(path(scene, "new"), path(scene, "jobs")), 0);
	expect_change(scene);
	assert_int_equal(unlink(path(scene, "jobs")), 0);
	expect_change(scene);
	write_file(path(scene, "jobs"), "1234");
	expect_change(scene);
}

static void test_a_file_that_comes_later(void **state)
{
	struct scene *scene = *state;

	watch(scene, path(scene, "jobs"));
	write_file(path(scene, "other"), "1");
	expect_silence(scene);
	write_file(path(scene, "jobs"), "1");
	expect_change(scene);
}

static void make_version(struct scene *scene, const char *version, const char *content)
{
	char name[64];

	assert_int_equal(mkdir(path(scene, version), 0700), 0);
	snprintf(name, sizeof(name), "%s/jobs", version);
	write_file(path(scene, name), content);
}

/* A ConfigMap: jobs -> ..data/jobs, ..data -> ..1; the swap renames a new ..data over
 * the old one, and jobs itself is never touched. */
static void test_a_file_swapped_as_kubernetes_does(void **state)
{
	struct scene *scene = *state;

	make_version(scene, "..1", "one");
	assert_int_equal(symlink("..1", path(scene, "..data")), 0);
	assert_int_equal(symlink("..data/jobs", path(scene, "jobs")), 0);
	watch(scene, path(scene, "jobs"));
	expect_silence(scene);
	make_version(scene, "..2", "two");
	assert_int_equal(symlink("..2", path(scene, "..data_tmp")), 0);
	expect_silence(scene);
	assert_int_equal(rename(path(scene, "..data_tmp"), path(scene, "..data")), 0);
	expect_change(scene);
}

/* jobs -> current/jobs, current -> 1: the file is in another folder than its name. */
static void test_a_file_behind_links(void **state)
{
	struct scene *scene = *state;

	make_version(scene, "1", "one");
	make_version(scene, "etc", "");
	assert_int_equal(unlink(path(scene, "etc/jobs")), 0);
	assert_int_equal(symlink("1", path(scene, "current")), 0);
	assert_int_equal(symlink("../current/jobs", path(scene, "etc/jobs")), 0);
	watch(scene, path(scene, "etc/jobs"));
	write_file(path(scene, "1/jobs"), "in place");
	expect_change(scene);
	write_file(path(scene, "1/new"), "by rename");
	expect_silence(scene);
	assert_int_equal(rename(path(scene, "1/new"), path(scene, "1/jobs")), 0);
	expect_change(scene);
	make_version(scene, "2", "two");
	assert_int_equal(symlink("2", path(scene, "next")), 0);
	assert_int_equal(rename(path(scene, "next"), path(scene, "current")), 0);
	expect_change(scene);
	write_file(path(scene, "1/jobs"), "nobody's any more");
	expect_silence(scene);
	write_file(path(scene, "2/jobs"), "in place again");
	expect_change(scene);
}

/* The path's own folder is a link that a deploy swaps. */
static void test_a_folder_that_is_a_link(void **state)
{
	struct scene *scene = *state;

	make_version(scene, "1", "one");
	make_version(scene, "2", "two");
	assert_int_equal(symlink("1", path(scene, "current")), 0);
	watch(scene, path(scene, "current/jobs"));
	assert_int_equal(symlink("2", path(scene, "next")), 0);
	assert_int_equal(rename(path(scene, "next"), path(scene, "current")), 0);
	expect_change(scene);
	write_file(path(scene, "2/jobs"), "two again");
	expect_change(scene);
}

/* rm -r and mkdir, quicker than the loop looks: what has the folder's path is another. */
static void test_a_folder_made_anew(void **state)
{
	struct scene *scene = *state;

	make_version(scene, "etc", "1");
	watch(scene, path(scene, "etc/jobs"));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(unlink(path(scene, "etc/jobs")), 0);
		assert_int_equal(rmdir(path(scene, "etc")), 0);
		make_version(scene, "etc", "12");
		expect_change(scene);
		write_file(path(scene, "etc/jobs"), i % 2 ? "123" : "1234");
		expect_change(scene);
	}
	/* Moved away, and another one in its place. */
	assert_int_equal(rename(path(scene, "etc"), path(scene, "old")), 0);
	make_version(scene, "etc", "12345");
	expect_change(scene);
	write_file(path(scene, "old/jobs"), "123456");
	expect_silence(scene);
	write_file(path(scene, "etc/jobs"), "1234567");
	expect_change(scene);
}

static void test_links_in_a_circle(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(symlink("jobs", path(scene, "jobs")), 0);
	watch(scene, path(scene, "jobs"));
	assert_int_equal(unlink(path(scene, "jobs")), 0);
	write_file(path(scene, "jobs"), "1");
	expect_change(scene);
}

static void test_a_folder_that_is_not_there(void **state)
{
	struct scene *scene = *state;
	struct err err = {""};

	assert_null(loop_file_create(scene->loop, path(scene, "no/jobs"), on_stop, scene, &err));
	assert_non_null(strstr(err.text, "cannot watch"));
}

/* Runs until the folder is told to have changed; one change may be told often. */
static void expect_news(struct scene *scene)
{
	buf_clear(&scene->said);
	loop_run(scene->loop);
	assert_int_equal(buf_string(&scene->said)[0], '.');
	assert_null(strstr(buf_string(&scene->said), "in vain"));
}

static void test_a_folder_and_all_in_it(void **state)
{
	struct scene *scene = *state;
	struct err err = {""};

	assert_int_equal(mkdir(path(scene, "folder"), 0700), 0);
	struct loop_folder *folder =
		loop_folder_create(scene->loop, path(scene, "folder"), on_stop, scene, &err);
	assert_non_null(folder);
	write_file(path(scene, "beside"), "1");
	expect_silence(scene);
	write_file(path(scene, "folder/file"), "1");
	expect_news(scene);
	write_file(path(scene, "folder/file"), "2");
	expect_news(scene);
	assert_int_equal(rename(path(scene, "beside"), path(scene, "folder/file")), 0);
	expect_news(scene);
	assert_int_equal(rename(path(scene, "folder"), path(scene, "moved")), 0);
	expect_news(scene);
	assert_int_equal(unlink(path(scene, "moved/file")), 0);
	expect_news(scene);
	assert_int_equal(rmdir(path(scene, "moved")), 0);
	expect_news(scene);
	loop_folder_destroy(folder);
	assert_null(loop_folder_create(scene->loop, path(scene, "no"), on_stop, scene, &err));
	assert_non_null(strstr(err.text, "cannot watch"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_timers_fire_once_in_order),
		TEST(test_a_timer_moves_and_stops),
		TEST(test_no_turn_without_an_event),
		TEST(test_the_alarm_fires_at_its_instant),
		TEST(test_an_alarm_that_was_moved_away_is_silent),
		TEST(test_signals),
		TEST(test_descriptors_to_their_end),
		TEST(test_a_paused_descriptor_is_silent),
		TEST(test_a_file_written_renamed_removed),
		TEST(test_a_file_that_comes_later),
		TEST(test_a_file_swapped_as_kubernetes_does),
		TEST(test_a_file_behind_links),
		TEST(test_a_folder_that_is_a_link),
		TEST(test_a_folder_made_anew),
		TEST(test_links_in_a_circle),
		TEST(test_a_folder_that_is_not_there),
		TEST(test_a_folder_and_all_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
