/*
 * read_file.c - the file's bytes: the only part of config/ that touches the world.
 *
 * One open, one read to the end, and the same file before and after; a file that is
 * being written is read again, a few times.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config.h"

enum { TRIES = 10, WAIT_MS = 20, SETTLE_TRIES = 10, SETTLE_MS = 5, CHUNK = 64 * 1024 };
enum reading { READ_WHOLE, READ_CHANGED, READ_FAILED };

/* Grows as bytes come, up to one more than is allowed. */
static bool read_to_end(int fd, size_t expected, char **text, size_t *length, struct err *err)
{
	size_t capacity = expected < CHUNK ? CHUNK : expected + 1;

	*text = mem_alloc(capacity + 1);
	*length = 0;
	for (;;) {
		if (*length == capacity) {
			capacity *= 2;
			*text = mem_resize(*text, capacity + 1);
		}
		ssize_t n = read(fd, *text + *length, capacity - *length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot be read");
		*length += (size_t)n;
		if (*length > CONFIG_SIZE_MAX)
			return err_set(err, "is larger than 64 MiB; split it, or look whether it "
					    "is the right file");
		if (n == 0)
			break;
	}
	(*text)[*length] = '\0';
	return true;
}

static bool check_kind(const struct stat *st, struct err *err)
{
	if (S_ISDIR(st->st_mode))
		return err_set(err, "is a directory; name the file in it");
	if (S_ISFIFO(st->st_mode))
		return err_set(err, "is a pipe (FIFO); use a regular file, or - for standard "
				    "input");
	if (!S_ISREG(st->st_mode))
		return err_set(err, "is no regular file");
	if (st->st_size > CONFIG_SIZE_MAX)
		return err_set(err, "has %lld bytes; at most %d (64 MiB) are read",
			       (long long)st->st_size, CONFIG_SIZE_MAX);
	return true;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* A rename over the path while it is open leaves this file whole, but changes its
 * ctime: its link count fell. That is no change of what was read. */
static bool is_unchanged(const struct stat *before, const struct stat *after, size_t length)
{
	struct stat same = *after;

	if (after->st_nlink < before->st_nlink)
		same.st_ctim = before->st_ctim;
	return is_same(before, &same) && (size_t)after->st_size == length;
}

static void wait_ms(long ms)
{
	struct timespec wait = {.tv_nsec = ms * 1000000L};

	nanosleep(&wait, NULL);
}

/* A file's times move with the kernel's coarse clock: a second write within one of its
 * ticks would not show. So a file that was written in this very tick is waited for. */
static bool is_fresh(const struct stat *st)
{
	struct timespec tick;

	return clock_gettime(CLOCK_REALTIME_COARSE, &tick) == 0 &&
	       st->st_mtim.tv_sec == tick.tv_sec && st->st_mtim.tv_nsec >= tick.tv_nsec;
}

/* The state from which on every write shows. */
static bool look(int fd, struct stat *st, bool *is_settled, struct err *err)
{
	for (int i = 0; i <= SETTLE_TRIES; i++) {
		if (i > 0)
			wait_ms(SETTLE_MS);
		if (fstat(fd, st) != 0)
			return err_errno(err, errno, "cannot be looked at");
		*is_settled = !is_fresh(st);
		if (*is_settled)
			break;
	}
	return true;
}

static enum reading read_open(int fd, char **text, size_t *length, struct err *err)
{
	struct stat before, after;
	bool is_settled = false;

	if (!look(fd, &before, &is_settled, err))
		return READ_FAILED;
	if (!check_kind(&before, err))
		return READ_FAILED;
	if (!is_settled)
		return READ_CHANGED;
	if (!read_to_end(fd, (size_t)before.st_size, text, length, err))
		return READ_FAILED;
	if (fstat(fd, &after) != 0) {
		err_errno(err, errno, "cannot be looked at");
		return READ_FAILED;
	}
	return is_unchanged(&before, &after, *length) ? READ_WHOLE : READ_CHANGED;
}

/* O_NONBLOCK, so that opening a FIFO does not wait for its other end. */
static enum reading read_once(const char *path, char **text, size_t *length, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*text = NULL;
	if (fd < 0) {
		int number = errno;
		if (number == ENOENT)
			err_set(err, "there is no such file");
		else if (number == EACCES)
			err_set(err, "may not be read by this user (permission denied)");
		else
			err_errno(err, number, "cannot be opened");
		return READ_FAILED;
	}
	enum reading reading = read_open(fd, text, length, err);
	close(fd);
	if (reading != READ_WHOLE) {
		free(*text);
		*text = NULL;
	}
	return reading;
}

static bool read_stdin(char **text, size_t *length, struct err *err)
{
	if (read_to_end(STDIN_FILENO, 0, text, length, err))
		return true;
	free(*text);
	*text = NULL;
	return err_wrap(err, "standard input");
}

bool config_read(const char *path, char **text, size_t *length, struct err *err)
{
	*text = NULL;
	*length = 0;
	if (strcmp(path, "-") == 0)
		return read_stdin(text, length, err);
	for (int i = 0; i < TRIES; i++) {
		enum reading reading = read_once(path, text, length, err);

		if (reading == READ_WHOLE)
			return true;
		if (reading == READ_FAILED)
			return err_wrap(err, "%s", path);
		wait_ms(WAIT_MS);
	}
	*length = 0;
	return err_set(err,
		       "%s: changes all the time while it is read; write it to another file and "
		       "rename that",
		       path);
}
