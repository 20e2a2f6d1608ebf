/*
 * cgroup.c - a control group of its own for each run (cgroups(7), version 2).
 *
 * Only where the runner's own group may have children; without, the session and
 * the process group have to do. Nothing is limited here: the group is for finding
 * every process of a job, and for knowing that memory ran out. To make a group and
 * remove it costs as much as half a fork, so clean ones are used again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

/* Where version 2 is mounted: "… - cgroup2 …" in mountinfo (proc(5)). */
static bool find_mount(char *mount, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], at[3072], type[64];
	bool is_found = false;

	while (file && !is_found && fgets(line, sizeof(line), file)) {
		char *dash = strstr(line, " - ");

		is_found = dash && sscanf(dash + 3, "%63s", type) == 1 &&
			   strcmp(type, "cgroup2") == 0 &&
			   sscanf(line, "%*s %*s %*s %*s %3071s", at) == 1 &&
			   (size_t)snprintf(mount, size, "%s", at) < size;
	}
	if (file)
		fclose(file);
	return is_found;
}

/* Our own group: the line "0::/path". */
static bool find_own(char *own, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[4096];
	bool is_found = false;

	while (file && !is_found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		is_found = strncmp(line, "0::/", 4) == 0 &&
			   (size_t)snprintf(own, size, "%s", line + 4) < size;
	}
	if (file)
		fclose(file);
	return is_found;
}

/* Looked for once. "" if there is none to use. */
static const char *base(void)
{
	static char path[192];
	static bool is_known;
	char mount[128], own[64];

	if (is_known)
		return path;
	is_known = true;
	if (!find_mount(mount, sizeof(mount)) || !find_own(own, sizeof(own)))
		return path;
	snprintf(path, sizeof(path), "%s%s%s", mount, *own ? "/" : "", own);
	/* The kernel's own checks say whether we may: root in a container may not. */
	if (access(path, W_OK) != 0)
		path[0] = '\0';
	return path;
}

static char prefix[32];    /* of our groups, told from other state directories' */
static uint64_t made;      /* so far; their numbers */
static uint64_t spare[32]; /* numbers of groups that are there, and clean */
static size_t spare_count;

static void name_group(uint64_t number, char *path, size_t size)
{
	snprintf(path, size, "%s/%s%" PRIu64, base(), prefix, number);
}

static bool read_file(const char *path, const char *name, char *text, size_t size)
{
	char file[512];

	snprintf(file, sizeof(file), "%s/%s", path, name);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

/* Groups of a runner that died. Who is still in them has nobody any more. */
static void end_leftovers(void)
{
	DIR *folder = opendir(base());
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		size_t length = strlen(prefix);
		char path[CGROUP_PATH_MAX];

		if (strncmp(entry->d_name, prefix, length) != 0)
			continue;
		uint64_t number = strtoull(entry->d_name + length, NULL, 10);
		name_group(number, path, sizeof(path));
		cgroup_kill(path);
		rmdir(path);
		if (number > made) /* one that is not empty yet keeps its number */
			made = number;
	}
	if (folder)
		closedir(folder);
}

void cgroup_set_up(int state)
{
	struct stat status;

	if (!*base() || fstat(state, &status) != 0)
		return;
	snprintf(prefix, sizeof(prefix), "belfry-%08" PRIx32 "-",
		 (uint32_t)(status.st_ino ^ status.st_dev << 20));
	end_leftovers();
}

void cgroup_take(char *path, size_t size)
{
	path[0] = '\0';
	if (!*prefix)
		return;
	if (spare_count > 0) {
		name_group(spare[--spare_count], path, size);
		return;
	}
	name_group(++made, path, size);
	if (mkdir(path, 0755) != 0)
		path[0] = '\0';
}

bool cgroup_kill(const char *path)
{
	char file[512];

	if (!*path)
		return false;
	snprintf(file, sizeof(file), "%s/cgroup.kill", path); /* Linux 5.14 */
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_done = write(fd, "1", 1) == 1;
	close(fd);
	return is_done;
}

bool cgroup_is_empty(const char *path)
{
	char text[32];

	return !*path || !read_file(path, "cgroup.procs", text, sizeof(text)) || !*text;
}

bool cgroup_ran_out_of_memory(const char *path)
{
	static bool is_without; /* the memory controller; the same for all groups */
	char text[512];
	const char *line;

	if (!*path || is_without)
		return false;
	if (!read_file(path, "memory.events", text, sizeof(text))) {
		is_without = errno == ENOENT;
		return false;
	}
	line = strstr(text, "oom_kill ");
	return line && strtol(line + strlen("oom_kill "), NULL, 10) > 0;
}

void cgroup_keep(const char *path)
{
	const char *number = strrchr(path, '-');

	if (!*path)
		return;
	if (number && spare_count < sizeof(spare) / sizeof(spare[0]))
		spare[spare_count++] = strtoull(number + 1, NULL, 10);
	else
		rmdir(path);
}

bool cgroup_destroy(const char *path)
{
	return !*path || rmdir(path) == 0 || errno != EBUSY;
}

void cgroup_finish(void)
{
	char path[CGROUP_PATH_MAX];

	while (spare_count > 0) {
		name_group(spare[--spare_count], path, sizeof(path));
		rmdir(path);
	}
}
