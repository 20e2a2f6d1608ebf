/*
 * cgroup.c - a control group of its own for each run (cgroups(7), version 2).
 *
 * Only where the runner's own group may have children; without, the session and
 * the process group have to do. The group is for finding every process of a job, for
 * knowing that memory ran out, and for limits that hold for all of a job together. To
 * make a group and remove it costs as much as half a fork, so clean ones are used again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
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

/* A service of its own below a group that systemd has delegated (DelegateSubgroup=):
 * the group above, which has no processes itself, is the one that can have controllers. */
static void go_up_if_delegated(char *path)
{
	char value[8];
	char *slash = strrchr(path, '/');

	if (!slash)
		return;
	*slash = '\0';
	if (getxattr(path, "trusted.delegate", value, sizeof(value)) != 1 &&
	    getxattr(path, "user.delegate", value, sizeof(value)) != 1)
		*slash = '/';
}

/* Looked for once. "" if there is none to use. */
static const char *base(void)
{
	static char path[256];
	static bool is_known;
	char mount[64], own[192];

	if (is_known)
		return path;
	is_known = true;
	if (!find_mount(mount, sizeof(mount)) || !find_own(own, sizeof(own)))
		return path;
	snprintf(path, sizeof(path), "%s%s%s", mount, *own ? "/" : "", own);
	if (*own)
		go_up_if_delegated(path);
	/* The kernel's own checks say whether we may: root in a container may not. */
	if (access(path, W_OK) != 0)
		path[0] = '\0';
	return path;
}

static char place[32];   /* what all groups of this state directory begin with */
static char prefix[128]; /* of our groups, told from those of runners of other versions */
static int state_folder;
static uint64_t made;      /* the last group's number */
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

/* Who is still in it has nobody any more. */
static void end_group(const char *name)
{
	char path[CGROUP_PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", base(), name) >= sizeof(path))
		return;
	cgroup_kill(path);
	rmdir(path);
}

/* The runner of that version has died: nobody has its lock. */
static bool has_died(const char *version)
{
	char name[RUNNER_NAME_MAX];
	int fd = openat(state_folder, runner_name(version, RUNNER_LOCK, name), O_RDWR | O_CLOEXEC);
	bool is_free = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;

	if (fd >= 0)
		close(fd);
	return is_free;
}

/* "belfry-PLACE-VERSION-NUMBER" */
static bool is_of_dead(const char *name)
{
	const char *rest = name + strlen(place), *number = strrchr(name, '-');
	char version[VERSION_TEXT_MAX];

	if (strncmp(name, place, strlen(place)) != 0 || number <= rest ||
	    (size_t)(number - rest) >= sizeof(version))
		return false;
	memcpy(version, rest, (size_t)(number - rest));
	version[number - rest] = '\0';
	return strcmp(version, version_text) != 0 && has_died(version);
}

static void end_groups(bool (*is_meant)(const char *name))
{
	DIR *folder = opendir(base());
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (is_meant(entry->d_name))
			end_group(entry->d_name);
	if (folder)
		closedir(folder);
}

static bool is_of_ours(const char *name)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

const char *cgroup_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : "";
}

void cgroup_end_named(const char *name, size_t length)
{
	char text[CGROUP_PATH_MAX];

	if (!*prefix || length == 0 || length >= sizeof(text))
		return;
	memcpy(text, name, length);
	text[length] = '\0';
	if (strncmp(text, place, strlen(place)) == 0 && !strchr(text, '/') && !is_of_ours(text))
		end_group(text);
}

void cgroup_set_up(int state)
{
	struct stat status;

	if (!*base() || fstat(state, &status) != 0)
		return;
	snprintf(place, sizeof(place), "belfry-%08" PRIx32 "-",
		 (uint32_t)(status.st_ino ^ status.st_dev << 20));
	snprintf(prefix, sizeof(prefix), "%s%s-", place, version_text);
	state_folder = state;
	/* No number of an earlier runner's comes again: its group may not be empty yet. */
	made = (uint64_t)runner_mono().ms * 1000;
	end_groups(is_of_ours); /* before us one of our version has died */
	end_groups(is_of_dead);
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

static bool write_file(const char *path, const char *name, const char *text)
{
	char file[512];

	snprintf(file, sizeof(file), "%s/%s", path, name);
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return is_done;
}

static bool write_number(const char *path, const char *name, int64_t number, const char *more)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRId64 "%s", number, more);
	return write_file(path, name, text);
}

unsigned cgroup_write_limits(const char *path, const struct start_order *order)
{
	const int64_t *limits = order->limits;
	unsigned done = 0;

	if (limits[LIMIT_MEMORY] >= 0 &&
	    write_number(path, "memory.max", limits[LIMIT_MEMORY], "")) {
		/* A job of which a part is missing is not what anybody meant. */
		write_file(path, "memory.oom.group", "1");
		done |= 1u << LIMIT_MEMORY;
	}
	if (limits[LIMIT_PROCESSES] >= 0 &&
	    write_number(path, "pids.max", limits[LIMIT_PROCESSES], ""))
		done |= 1u << LIMIT_PROCESSES;
	/* So many microseconds of every 100,000. */
	if (limits[LIMIT_CPUS] >= 0 &&
	    write_number(path, "cpu.max", limits[LIMIT_CPUS] * 100, " 100000"))
		done |= 1u << LIMIT_CPUS;
	return done;
}

unsigned cgroup_limit(const char *path, const struct start_order *order)
{
	static bool is_asked;

	if (!*path || (order->limits[LIMIT_MEMORY] < 0 && order->limits[LIMIT_PROCESSES] < 0 &&
		       order->limits[LIMIT_CPUS] < 0))
		return 0;
	if (!is_asked) { /* one by one: what is there already, or cannot be, is refused */
		write_file(base(), "cgroup.subtree_control", "+memory");
		write_file(base(), "cgroup.subtree_control", "+pids");
		write_file(base(), "cgroup.subtree_control", "+cpu");
	}
	is_asked = true;
	return cgroup_write_limits(path, order);
}

bool cgroup_kill(const char *path)
{
	return *path && write_file(path, "cgroup.kill", "1"); /* Linux 5.14 */
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
