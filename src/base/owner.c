/* owner.c - who has the lock; see owner.h. */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instant.h"

enum { WHO_MAX = 400, HOST_MAX = 64, COMMAND_MAX = 240 };

static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

static void find_host(char host[HOST_MAX])
{
	if (gethostname(host, HOST_MAX - 1) != 0 || !*host)
		strcpy(host, "-");
	host[HOST_MAX - 1] = '\0';
	host[strcspn(host, "\n")] = '\0';
}

static void find_command(char command[COMMAND_MAX])
{
	ssize_t n = read_file("/proc/self/cmdline", command, COMMAND_MAX);

	for (ssize_t i = 0; i < n; i++)
		if ((unsigned char)command[i] < ' ')
			command[i] = i == n - 1 ? '\0' : ' ';
}

/* What is read back by refuse: a line each. Since when is the file's own time. */
static bool write_down(int fd)
{
	char who[WHO_MAX], host[HOST_MAX], command[COMMAND_MAX];

	find_host(host);
	find_command(command);
	int n = snprintf(who, sizeof(who), "%ld\n%s\n%s\n", (long)getpid(), host, command);
	return ftruncate(fd, 0) == 0 && pwrite(fd, who, (size_t)n, 0) == n;
}

/* The state as in proc(5): T and t are stopped. */
static bool is_stopped(const char *pid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	read_file(path, text, sizeof(text));
	const char *end = strrchr(text, ')');
	return end && (end[1] == ' ') && (end[2] == 'T' || end[2] == 't');
}

static char *cut_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	*rest = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static void name_owner(int fd, struct err *err)
{
	char who[WHO_MAX], here[HOST_MAX], since[UTC_TEXT_MAX];
	ssize_t n = pread(fd, who, sizeof(who) - 1, 0);
	struct stat st;

	who[n > 0 ? n : 0] = '\0';
	char *rest = who, *pid = cut_line(&rest), *host = cut_line(&rest);
	const char *command = cut_line(&rest);
	if (!*pid || fstat(fd, &st) != 0) {
		err_set(err, "process unknown");
		return;
	}
	find_host(here);
	utc_format((struct utc){(int64_t)st.st_mtim.tv_sec * 1000}, since);
	err_set(err, "process %s, since %s, on %s: %s%s", pid, since, *host ? host : "-",
		*command ? command : "its command is not known",
		strcmp(host, here) == 0 && is_stopped(pid)
			? "; it is stopped, kill -CONT lets it go on"
			: "");
}

bool owner_take(const char *path, int *fd, bool *is_taken, struct err *err)
{
	*is_taken = false;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_errno(err, errno, "cannot open %s", path);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
		/* A disk without room for a name is no reason to do nothing. */
		if (write_down(*fd) || errno == ENOSPC || errno == EDQUOT)
			return true;
		err_errno(err, errno, "cannot write %s", path);
	} else if (errno == EWOULDBLOCK) {
		*is_taken = true;
		name_owner(*fd, err);
	} else {
		err_errno(err, errno, "cannot lock %s", path);
	}
	close(*fd);
	*fd = -1;
	return false;
}
