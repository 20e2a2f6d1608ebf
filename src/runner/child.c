/*
 * child.c - from fork to exec, with a gate between them; and the end of what is
 * left of a job.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dirent.h>

#include "runner.h"

/* ---- in the child: it may only leave ---- */

static _Noreturn void refuse(int gate, const char *what, const char *detail)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s%s%s: %s", what, *detail ? " " : "", detail,
			 strerror(errno));

	if (send(gate, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1,
		 MSG_NOSIGNAL) < 0)
		_exit(126);
	_exit(127);
}

static void limit(int gate, const struct start_order *order)
{
	static const struct {
		__rlimit_resource_t resource;
		const char *name;
	} kinds[] = {{RLIMIT_NOFILE, "open_files"}, {RLIMIT_NPROC, "processes"},
		     {RLIMIT_FSIZE, "file_size"},   {RLIMIT_AS, "memory"},
		     {RLIMIT_CPU, "cpu"},	   {RLIMIT_CORE, "core"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		rlim_t value = (rlim_t)order->limits[i];

		if (order->limits[i] >= 0 &&
		    setrlimit(kinds[i].resource, &(struct rlimit){value, value}) != 0)
			refuse(gate, "cannot set the limit", kinds[i].name);
	}
}

static void become(int gate, const struct start_order *order)
{
	if (!order->has_user)
		return;
	if (setgroups(order->group_count, order->groups) != 0 ||
	    setresgid(order->gid, order->gid, order->gid) != 0 ||
	    setresuid(order->uid, order->uid, order->uid) != 0)
		refuse(gate, "cannot become the job's user", "");
}

static void set_streams(int gate, int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0)
		refuse(gate, "cannot connect standard input and output", "");
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A cgroup has to be entered before the gate, so that nothing escapes it. */
static void enter_cgroup(int gate, const char *cgroup)
{
	char path[512];

	if (!*cgroup)
		return;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		refuse(gate, "cannot enter the control group", cgroup);
	close(fd);
}

static _Noreturn void child(const struct start_order *order, const char *cgroup, int gate, int out,
			    int err)
{
	char go;

	setsid();
	reset_signals();
	enter_cgroup(gate, cgroup);
	if (recv(gate, &go, 1, 0) != 1)
		_exit(127); /* belfry-runner is gone: leave without starting */
	set_streams(gate, out, err);
	limit(gate, order);
	if (order->umask >= 0)
		umask((mode_t)order->umask);
	become(gate, order);
	if (chdir(order->cwd) != 0)
		refuse(gate, "cannot change to the folder", order->cwd);
	/* execvp looks the program up in PATH as the job will see it. */
	environ = (char **)(uintptr_t)order->env;
	execvp(order->argv[0], (char *const *)(uintptr_t)order->argv);
	refuse(gate, "cannot run", order->argv[0]);
}

/* ---- in the runner ---- */

static void close_pair(const int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

pid_t child_fork(const struct start_order *order, const char *cgroup, int *gate, int outputs[2],
		 struct err *err)
{
	int gates[2] = {-1, -1}, out[2] = {-1, -1}, errors[2] = {-1, -1};
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gates) == 0 &&
	    pipe2(out, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0) {
		pid = fork();
		if (pid == 0)
			child(order, cgroup, gates[1], out[1], errors[1]);
	}
	if (pid < 0) {
		err_errno(err, errno, "cannot make a process");
		close_pair(gates);
		close_pair(out);
		close_pair(errors);
		return -1;
	}
	close(gates[1]);
	close(out[1]);
	close(errors[1]);
	*gate = gates[0];
	outputs[0] = out[0];
	outputs[1] = errors[0];
	for (int i = 0; i < 2; i++)
		fcntl(outputs[i], F_SETFL, O_NONBLOCK);
	fcntl(*gate, F_SETFL, O_NONBLOCK);
	return pid;
}

/* Fields of /proc/PID/stat after the name, which may hold anything (proc(5)). */
static bool read_stat(const char *pid, int *session, uint64_t *start_ticks)
{
	char path[64], text[1024];

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *rest = strrchr(text, ')');
	unsigned long long ticks;

	if (!rest || sscanf(rest + 1,
			    " %*c %*d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			    "%*d %*d %*d %llu",
			    session, &ticks) != 2)
		return false;
	*start_ticks = ticks;
	return true;
}

uint64_t child_start_ticks(pid_t pid)
{
	char text[16];
	int session;
	uint64_t ticks = 0;

	snprintf(text, sizeof(text), "%d", (int)pid);
	return read_stat(text, &session, &ticks) ? ticks : 0;
}

/* A job's processes that made groups of their own still share its session. */
static void kill_session(pid_t session)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		int of = 0;
		uint64_t ticks;
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && read_stat(entry->d_name, &of, &ticks) && of == session)
			kill((pid_t)pid, SIGKILL);
	}
	if (proc)
		closedir(proc);
}

void child_kill_all(pid_t pid, const char *cgroup)
{
	kill(-pid, SIGKILL);
	if (!cgroup_kill(cgroup))
		kill_session(pid);
}
