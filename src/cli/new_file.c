/* new_file.c - a result into a file; see new_file.h. */
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"

static bool refuse(const char *path, struct err *err)
{
	return err_set(err, "%s is there already; --force writes over it", path);
}

bool new_file_may(const char *path, bool is_forced, struct err *err)
{
	struct stat st;

	return is_forced || lstat(path, &st) != 0 || refuse(path, err);
}

static bool write_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

/* As the user's mask has it; mkstemp gives 0600. */
static bool open_up(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask) == 0;
}

static bool move(const char *from, const char *to, bool is_forced, struct err *err)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, is_forced ? 0 : RENAME_NOREPLACE) == 0)
		return true;
	if (errno == EEXIST)
		return refuse(to, err);
	return err_errno(err, errno, "cannot write %s", to);
}

bool new_file_write(const char *path, bool is_forced, const char *data, size_t length,
		    struct err *err)
{
	struct buf name = {0};

	buf_format(&name, "%s.XXXXXX", path);
	int fd = mkstemp(name.data);
	if (fd < 0) {
		err_errno(err, errno, "cannot write %s", path);
		buf_finish(&name);
		return false;
	}
	bool ok = open_up(fd) && write_all(fd, data, length) && fsync(fd) == 0;
	if (!ok)
		err_errno(err, errno, "cannot write %s", path);
	close(fd);
	ok = ok && move(name.data, path, is_forced, err);
	if (!ok)
		unlink(name.data);
	buf_finish(&name);
	return ok;
}
