/*
 * leftover.c - runs of a runner that died.
 *
 * Their processes may still be there, but nobody can learn how they end, nobody reads
 * what they print, and no timeout holds them. belfry calls such a run lost, and its
 * policy may start it again: so that no two are ever at work side by side, what is
 * left is ended before the new runner answers anybody, and the run's log says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

enum { START_TICKS_SLACK = 2 };

/* What a spool says, as far as it can be read. */
struct leftover {
	struct spool_frame held; /* kind 0: it never came to that */
	bool is_ended;
	off_t length; /* of whole frames */
};

static bool read_whole(int fd, struct buf *buf)
{
	char data[16 * 1024];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0)
		buf_add(buf, data, (size_t)n);
	return n == 0;
}

static struct leftover understand(const struct buf *buf)
{
	struct leftover leftover = {0};
	struct spool_frame frame;
	size_t at = 0, used;

	while (at < buf->length &&
	       spool_next(buf->data + at, buf->length - at, &frame, &used) == SPOOL_FRAME) {
		if (frame.kind == SPOOL_HELD)
			leftover.held = frame;
		if (frame.kind == SPOOL_EXIT || frame.kind == SPOOL_FAILED)
			leftover.is_ended = true;
		at += used;
	}
	leftover.length = (off_t)at;
	return leftover;
}

/* The same process, not a later one of the same number, nor one of before a boot. */
static bool is_there(const struct runner *runner, const struct spool_frame *held)
{
	int64_t booted = runner->now.utc.ms - runner->now.mono.ms;
	struct family_member member;

	return held->kind == SPOOL_HELD && held->pid > 1 && held->at.ms > booted &&
	       family_look((pid_t)held->pid, &member) && member.state != 'Z' &&
	       member.start_ticks + START_TICKS_SLACK >= held->start_ticks &&
	       member.start_ticks <= held->start_ticks + START_TICKS_SLACK &&
	       member.session == (pid_t)held->pid; /* or it would not be a job's */
}

static void note(const struct runner *runner, int fd, const struct leftover *leftover)
{
	char text[160];
	struct buf buf = {0};
	int n = snprintf(text, sizeof(text),
			 "belfry-runner had died while this ran; process %u was still there and "
			 "was ended",
			 leftover->held.pid);

	spool_write(&buf, &(struct spool_frame){.kind = SPOOL_NOTE,
						.at = runner->now.utc,
						.data = text,
						.length = (size_t)n});
	/* A torn frame goes. Should the disk be full the note is missing, no more. */
	if (ftruncate(fd, leftover->length) == 0 &&
	    pwrite(fd, buf.data, buf.length, leftover->length) != (ssize_t)buf.length)
		(void)!ftruncate(fd, leftover->length);
	buf_finish(&buf);
}

static void end_one(struct runner *runner, const char *name)
{
	struct held held = {.run = 0};
	struct buf buf = {0};
	int fd = openat(runner->spools, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || !spool_name_parse(name, &held.run, &held.attempt))
		return;
	if (read_whole(fd, &buf)) {
		struct leftover leftover = understand(&buf);

		held.pid = (pid_t)leftover.held.pid;
		if (!leftover.is_ended && is_there(runner, &leftover.held)) {
			family_kill(&held);
			note(runner, fd, &leftover);
		}
	}
	buf_finish(&buf);
	close(fd);
}

void leftover_end_all(struct runner *runner)
{
	int fd = openat(runner->spools, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	uint64_t run;
	int32_t attempt;

	while (folder && (entry = readdir(folder)))
		if (spool_name_parse(entry->d_name, &run, &attempt))
			end_one(runner, entry->d_name);
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
}
