/*
 * cgroup.c - a control group of its own for each run (cgroups(7), version 2).
 *
 * Only where the runner's own group may have children; without, the session and
 * the process group have to do. Nothing is limited here: the group is for finding
 * every process of a job, and for knowing that memory ran out.
 */
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

void cgroup_find(uint64_t run, int32_t attempt, char *path, size_t size)
{
	path[0] = '\0';
	if (*base())
		snprintf(path, size, "%s/belfry-%016" PRIx64 ".%" PRId32, base(), run, attempt);
}

void cgroup_create(uint64_t run, int32_t attempt, char *path, size_t size)
{
	cgroup_find(run, attempt, path, size);
	if (*path && mkdir(path, 0755) != 0 && errno != EEXIST)
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

bool cgroup_ran_out_of_memory(const char *path)
{
	char file[512], line[128];
	long count = 0;

	if (!*path)
		return false;
	snprintf(file, sizeof(file), "%s/memory.events", path);
	FILE *events = fopen(file, "re");
	while (events && fgets(line, sizeof(line), events))
		if (strncmp(line, "oom_kill ", 9) == 0)
			count = strtol(line + 9, NULL, 10);
	if (events)
		fclose(events);
	return count > 0;
}

bool cgroup_destroy(const char *path)
{
	return !*path || rmdir(path) == 0 || errno != EBUSY;
}
