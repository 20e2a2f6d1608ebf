/*
 * family.c - what is left of a job once its own process has ended.
 *
 * The runner is a child subreaper: whatever a job leaves behind is, or descends from,
 * a child of ours that no run holds. It belongs to a run by its session, or by the
 * BELFRY_RUN_ID in its environment where it has made a session of its own. Where the
 * run has a control group, that ends all of them, the ones in disguise included.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

static ssize_t read_proc(const char *pid, const char *name, char *data, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, data, size - 1);
	close(fd);
	data[n > 0 ? n : 0] = '\0';
	return n;
}

uint64_t family_ticks(struct mono at)
{
	return (uint64_t)at.ms * (uint64_t)sysconf(_SC_CLK_TCK) / 1000;
}

bool family_look(pid_t pid, struct family_member *member)
{
	char number[16], text[1024];
	unsigned long long ticks;

	snprintf(number, sizeof(number), "%d", (int)pid);
	if (read_proc(number, "stat", text, sizeof(text)) <= 0)
		return false;
	/* Fields after the name, which may hold anything (proc(5)). */
	const char *rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %c %*d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			    "%*d %*d %*d %llu",
			    &member->state, &member->session, &ticks) != 3)
		return false;
	member->start_ticks = ticks;
	return true;
}

static bool has_tag(pid_t pid, const char *tag)
{
	static char text[256 * 1024];
	char number[16];
	size_t length = strlen(tag);

	snprintf(number, sizeof(number), "%d", (int)pid);
	ssize_t n = *tag ? read_proc(number, "environ", text, sizeof(text)) : 0;
	for (const char *at = text; n > 0 && at < text + n; at += strlen(at) + 1)
		if (strncmp(at, tag, length) == 0 && at[length] == '\0')
			return true;
	return false;
}

static bool is_held(const struct runner *runner, pid_t pid)
{
	for (const struct held *held = runner->held; held; held = held->next)
		if (held->pid == pid && !held->is_reaped)
			return true;
	return false;
}

/* Ends the process if it is the run's. True if it was there to be ended. */
static bool end_one(const struct runner *runner, const struct held *held, pid_t pid)
{
	struct family_member member;

	if (is_held(runner, pid) || pid == getpid() || !family_look(pid, &member) ||
	    member.state == 'Z' || member.state == 'X')
		return false;
	if (member.session != held->pid && !has_tag(pid, held->tag))
		return false;
	return kill(pid, SIGKILL) == 0;
}

/* Where the kernel does not list a process's children: among all processes. */
static size_t end_among_all(const struct runner *runner, const struct held *held)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t ended = 0;

	while (proc && (entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && end_one(runner, held, (pid_t)pid))
			ended++;
	}
	if (proc)
		closedir(proc);
	return ended;
}

static size_t count_words(const char *list)
{
	size_t count = 0;

	for (; (list = strchr(list, ' ')); list++)
		count++;
	return count;
}

static size_t end_among_children(const struct runner *runner, const struct held *held, char *list)
{
	size_t ended = 0;

	for (char *at = list, *end; *at; at = end) {
		long pid = strtol(at, &end, 10);

		if (end == at)
			break;
		if (pid > 0 && end_one(runner, held, (pid_t)pid))
			ended++;
	}
	return ended;
}

static void kill_cgroup(struct held *held)
{
	held->is_cgroup_used_up = true;
	cgroup_kill(held->cgroup);
}

bool family_end(const struct runner *runner, struct held *held)
{
	static char list[128 * 1024];
	ssize_t n = read_proc("thread-self", "children", list, sizeof(list));
	bool is_listed = n >= 0 && (size_t)n < sizeof(list) - 1;

	if (is_listed && count_words(list) <= runner->living)
		return false; /* the usual case: nothing is left of anybody */
	size_t ended =
		is_listed ? end_among_children(runner, held, list) : end_among_all(runner, held);
	if (cgroup_is_empty(held->cgroup))
		return ended > 0;
	kill_cgroup(held);
	return true;
}

void family_signal(const struct held *held, int number)
{
	/* Just forked, it may not lead a group of its own yet. */
	if (kill(-held->pid, number) != 0 && errno == ESRCH)
		kill(held->pid, number);
}

void family_kill(struct held *held)
{
	family_signal(held, SIGKILL);
	kill_cgroup(held);
}
