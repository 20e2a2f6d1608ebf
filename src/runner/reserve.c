/*
 * reserve.c - room on the disk for how runs end.
 *
 * STATE/runner.reserve holds blocks back. Where the disk is full it gives one of them for
 * the last frames of a run, so that no run is held up by its own output or by others'.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

enum { BLOCK = 4096, BLOCKS = 64 };

static int fd = -1;
static off_t size; /* held back now */

void reserve_set_up(int state)
{
	fd = openat(state, "runner.reserve", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	reserve_fill();
}

void reserve_fill(void)
{
	const off_t whole = (off_t)BLOCK * BLOCKS;
	struct stat st;

	if (fd < 0 || size == whole)
		return;
	/* As it is in most starts: nothing is written. */
	bool is_there = fstat(fd, &st) == 0 && st.st_size >= whole && st.st_blocks * 512 >= whole;
	if (is_there || fallocate(fd, 0, 0, whole) == 0)
		size = whole;
	else
		(void)!ftruncate(fd, size); /* what it got of it helps nobody */
}

bool reserve_give(void)
{
	if (size < BLOCK || ftruncate(fd, size - BLOCK) != 0)
		return false;
	size -= BLOCK;
	return true;
}
