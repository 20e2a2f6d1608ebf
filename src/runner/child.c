/*
 * child.c - from fork to exec, with a gate between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner.h"

static struct rlimit files; /* of the runner as it was started: the jobs' own */

void child_set_up(void)
{
	struct rlimit more;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	more = files;
	more.rlim_cur = more.rlim_max;
	setrlimit(RLIMIT_NOFILE, &more);
}

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

/* What its control group limits already is left out. */
static void limit(int gate, const struct start_order *order, unsigned by_group)
{
	static const struct {
		__rlimit_resource_t resource;
		const char *name;
	} kinds[LIMIT_CPUS] = {
		[LIMIT_OPEN_FILES] = {RLIMIT_NOFILE, "open_files"},
		[LIMIT_PROCESSES] = {RLIMIT_NPROC, "processes"},
		[LIMIT_FILE_SIZE] = {RLIMIT_FSIZE, "file_size"},
		[LIMIT_MEMORY] = {RLIMIT_AS, "memory"},
		[LIMIT_CPU] = {RLIMIT_CPU, "cpu"},
		[LIMIT_CORE] = {RLIMIT_CORE, "core"},
	};

	if (files.rlim_cur != files.rlim_max)
		setrlimit(RLIMIT_NOFILE, &files);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		rlim_t value = (rlim_t)order->limits[i];

		if (order->limits[i] >= 0 && !(by_group & 1u << i) &&
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

static void renounce(int gate, const struct start_order *order)
{
	if (order->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		refuse(gate, "cannot set no_new_privs", "");
}

static void set_streams(int gate, int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0)
		refuse(gate, "cannot connect standard input and output", "");
}

static void open_signals(void)
{
	sigset_t none;

	sigemptyset(&none); /* the runner has no handlers, only a mask */
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child(const struct start_order *order, unsigned by_group, const int gates[2],
			    int out, int err)
{
	int gate = gates[1];
	char go;

	/* The runner's end: as long as anybody has it, no end of file comes. */
	close(gates[0]);
	setsid();
	open_signals();
	if (recv(gate, &go, 1, 0) != 1)
		_exit(127); /* belfry-runner is gone: leave without starting */
	set_streams(gate, out, err);
	limit(gate, order, by_group);
	if (order->umask >= 0)
		umask((mode_t)order->umask);
	become(gate, order);
	renounce(gate, order);
	if (chdir(order->cwd) != 0)
		refuse(gate, "cannot change to the folder", order->cwd_shown);
	/* execvp looks the program up in PATH as the job will see it. */
	environ = (char **)(uintptr_t)order->env;
	execvp(order->argv[0], (char *const *)(uintptr_t)order->argv);
	refuse(gate, "cannot run", order->program_shown);
}

/* ---- in the runner ---- */

static void close_pair(const int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

/* fork(2), into the control group right away: to be moved there later would make
 * every fork on the machine wait for a moment. */
static pid_t fork_into(char *cgroup)
{
	int folder = *cgroup ? open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (folder >= 0) {
		struct clone_args args = {.flags = CLONE_INTO_CGROUP,
					  .exit_signal = SIGCHLD,
					  .cgroup = (unsigned)folder};
		pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		int number = errno;

		if (pid != 0)
			close(folder);
		errno = number;
		if (pid >= 0 || number == EAGAIN || number == ENOMEM)
			return pid;
	}
	cgroup_destroy(cgroup);
	cgroup[0] = '\0';
	return fork();
}

pid_t child_fork(const struct start_order *order, char *cgroup, unsigned by_group, int *gate,
		 int outputs[2], struct err *err)
{
	int gates[2] = {-1, -1}, out[2] = {-1, -1}, errors[2] = {-1, -1};
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gates) == 0 &&
	    pipe2(out, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0) {
		pid = fork_into(cgroup);
		if (pid == 0)
			child(order, *cgroup ? by_group : 0, gates, out[1], errors[1]);
	}
	if (pid < 0) {
		int number = errno;

		err_errno(err, number, "cannot make a process");
		close_pair(gates);
		close_pair(out);
		close_pair(errors);
		errno = number; /* tells whether it may pass */
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
