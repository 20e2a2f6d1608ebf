/* state_dir.c - the state directory: made, locked, and owned by one daemon. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static bool make(const char *path, struct err *err)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the state directory %s", path);
	return true;
}

static bool refuse(int fd, const char *path, struct err *err)
{
	char pid[32] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return err_set(err,
		       "another belfry (process %s) uses the state directory %s; "
		       "stop it, or choose another one with --state",
		       *pid ? pid : "unknown", path);
}

/* The lock goes with the process, so a crash leaves nothing behind. */
bool state_dir_take(const char *path, int *lock, struct err *err)
{
	char name[4096], pid[32];

	if (!make(path, err))
		return false;
	if ((size_t)snprintf(name, sizeof(name), "%s/lock", path) >= sizeof(name))
		return err_set(err, "the path of the state directory is too long");
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot open %s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		bool is_busy = errno == EWOULDBLOCK;

		if (is_busy)
			refuse(fd, path, err);
		else
			err_errno(err, errno, "cannot lock %s", name);
		close(fd);
		return false;
	}
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
		err_errno(err, errno, "cannot write %s", name);
		close(fd);
		return false;
	}
	*lock = fd;
	return true;
}
