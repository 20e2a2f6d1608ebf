/*
 * boot_id.c - whether the machine was started anew.
 *
 * Spools are not flushed to the disk: they have to outlive processes, not a power
 * failure. So after a boot the absence of a spool proves nothing, and a run that may
 * have begun is lost instead of started again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

#define BOOT_FILE "boot-id"

static void read_text(int folder, const char *path, char text[64])
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, 63) : 0;

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static void write_text(int folder, const char *text)
{
	int fd = openat(folder, BOOT_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length = strlen(text);

	if (fd < 0)
		return;
	if (write(fd, text, length) == (ssize_t)length)
		renameat(folder, BOOT_FILE ".new", folder, BOOT_FILE);
	close(fd);
}

bool boot_id_changed(int folder)
{
	char now[64], then[64];

	read_text(AT_FDCWD, "/proc/sys/kernel/random/boot_id", now);
	read_text(folder, BOOT_FILE, then);
	if (*now && strcmp(now, then) == 0)
		return false;
	/* Where it cannot be written it will have "changed" again: the safe side. */
	write_text(folder, now);
	return true;
}
