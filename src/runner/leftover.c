/*
 * leftover.c - runs of a runner that died.
 *
 * Their processes may still be there, but nobody can learn how they end, nobody reads
 * what they print, and no timeout holds them. belfry calls such a run lost, and its
 * policy may start it again: so that no two are ever at work side by side, what is
 * left is ended before the new runner answers anybody, and the run's log says so. Where
 * a runner dies that another one is at work beside, belfry asks for it run by run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

enum { START_TICKS_SLACK = 2 };

/* What a spool says, as far as it can be read. */
struct leftover {
	struct spool_frame held; /* kind 0: it never came to that */
	bool is_ended, is_damaged;
	off_t length;  /* of whole frames */
	uint64_t torn; /* bytes of the beginning of one more */
};

static struct leftover understand(const char *text, size_t length)
{
	struct leftover leftover = {0};
	struct spool_frame frame;
	enum spool_status status = SPOOL_FRAME;
	size_t at = 0, used;

	while (at < length &&
	       (status = spool_next(text + at, length - at, &frame, &used)) == SPOOL_FRAME) {
		if (frame.kind == SPOOL_HELD)
			leftover.held = frame;
		if (frame.kind == SPOOL_EXIT || frame.kind == SPOOL_FAILED)
			leftover.is_ended = true;
		at += used;
	}
	leftover.length = (off_t)at;
	/* Whole but damaged stays as it is: its reader says where. */
	leftover.torn = status == SPOOL_MORE ? length - at : 0;
	leftover.is_damaged = status == SPOOL_BAD;
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

/* Should the disk be full it is missing, no more. */
static void append(int fd, struct leftover *leftover, const struct spool_frame *frame)
{
	struct buf buf = {0};

	if (leftover->is_damaged)
		return; /* it would take the damage's place */
	spool_write(&buf, frame);
	if (pwrite(fd, buf.data, buf.length, leftover->length) == (ssize_t)buf.length)
		leftover->length += (off_t)buf.length;
	else
		(void)!ftruncate(fd, leftover->length);
	buf_finish(&buf);
}

/* What its writer did not come to finish goes, and it is said. */
static void cut(const struct runner *runner, int fd, struct leftover *leftover)
{
	if (leftover->torn == 0 || ftruncate(fd, leftover->length) != 0)
		return;
	append(fd, leftover,
	       &(struct spool_frame){
		       .kind = SPOOL_TORN, .at = runner->now.utc, .bytes = leftover->torn});
}

static void note(const struct runner *runner, int fd, struct leftover *leftover)
{
	char text[160];
	int n = snprintf(text, sizeof(text),
			 "belfry-runner had died while this ran; process %u was still there and "
			 "was ended",
			 leftover->held.pid);

	append(fd, leftover,
	       &(struct spool_frame){.kind = SPOOL_NOTE,
				     .at = runner->now.utc,
				     .data = text,
				     .length = (size_t)n});
}

static void end_one(struct runner *runner, int fd, struct leftover *leftover)
{
	struct held held = {.pid = (pid_t)leftover->held.pid};

	if (leftover->is_ended)
		return;
	/* Before the file is cut: the name lies in its pages. */
	bool is_left = is_there(runner, &leftover->held);
	if (is_left)
		family_kill(&held);
	cgroup_end_named(leftover->held.cgroup, leftover->held.cgroup_length);
	cut(runner, fd, leftover);
	if (is_left)
		note(runner, fd, leftover);
}

/* Not read into memory: a spool may be larger than all of ours. */
static void end_open(struct runner *runner, int fd)
{
	struct stat status;
	void *text = MAP_FAILED;

	if (fstat(fd, &status) == 0 && status.st_size > 0)
		text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return;
	struct leftover leftover = understand(text, (size_t)status.st_size);
	end_one(runner, fd, &leftover);
	munmap(text, (size_t)status.st_size);
}

bool leftover_end(struct runner *runner, uint64_t run, int32_t attempt)
{
	char name[SPOOL_NAME_MAX];
	int fd = openat(runner->spools, spool_name(run, attempt, name),
			O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP;
	bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
	if (is_free)
		end_open(runner, fd);
	close(fd);
	return is_free;
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
			leftover_end(runner, run, attempt);
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
}
