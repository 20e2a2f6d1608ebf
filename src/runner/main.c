/*
 * main.c - belfry-runner: holds local processes, and outlives the daemon.
 *
 *	belfry-runner --state DIR
 *
 * Goes to the background once its socket is there to be connected to; until then it
 * says on standard error what is wrong. Ends by itself when it holds nothing and no
 * belfry is connected. On SIGTERM it asks every run to end, writes down how each
 * did, and goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

enum {
	ALONE_MS = 2000,         /* without runs and without belfry; then it ends */
	LOCK_PATIENCE_MS = 3000, /* a runner on its way out still has the lock */
	EXIT_TAKEN = 3,          /* another one has it */
	END_GRACE_MS = 10000,    /* on SIGTERM, for jobs without a timeout of their own */
};

bool runner_watch(struct runner *runner, struct source *source, uint32_t events)
{
	return epoll_ctl(runner->epoll, EPOLL_CTL_ADD, source->fd,
			 &(struct epoll_event){.events = events, .data.ptr = source}) == 0;
}

void runner_unwatch(struct runner *runner, struct source *source)
{
	if (source->fd < 0)
		return;
	/* Not by closing alone: a child that has not come to exec shares the file, and
	 * the set would go on telling of it. */
	epoll_ctl(runner->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
	source->fd = -1;
}

static int64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct mono runner_mono(void)
{
	return (struct mono){read_clock(CLOCK_BOOTTIME)};
}

static void look_at_clocks(struct runner *runner)
{
	runner->now.utc.ms = read_clock(CLOCK_REALTIME);
	runner->now.mono.ms = read_clock(CLOCK_BOOTTIME);
}

/* ---- beginning ---- */

static bool take_lock(struct runner *runner, int *code, struct err *err)
{
	int64_t until = read_clock(CLOCK_BOOTTIME) + LOCK_PATIENCE_MS;
	char name[RUNNER_NAME_MAX];

	runner_name(version_text, RUNNER_LOCK, name);
	runner->lock = openat(runner->state, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (runner->lock < 0)
		return err_errno(err, errno, "cannot open %s", name);
	while (flock(runner->lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, errno, "cannot lock %s", name);
		if (read_clock(CLOCK_BOOTTIME) > until) {
			*code = EXIT_TAKEN;
			return err_set(err, "another belfry-runner has %s", name);
		}
		nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
	}
	return true;
}

static bool open_folders(struct runner *runner, const char *state, struct err *err)
{
	runner->state = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (runner->state < 0)
		return err_errno(err, errno, "cannot open the state directory %s", state);
	if (mkdirat(runner->state, RUNNER_SPOOL, 0700) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make %s/%s", state, RUNNER_SPOOL);
	runner->spools = openat(runner->state, RUNNER_SPOOL, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (runner->spools < 0)
		return err_errno(err, errno, "cannot open %s/%s", state, RUNNER_SPOOL);
	return true;
}

/* No handlers: jobs are forked from here and only have to clear the mask. */
static bool take_signals(struct runner *runner, struct err *err)
{
	sigset_t set;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGXFSZ);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigdelset(&set, SIGXFSZ);
	runner->children = (struct source){.kind = SOURCE_CHILDREN,
					   .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
	return runner->children.fd >= 0 || err_errno(err, errno, "cannot take signals");
}

static bool begin(struct runner *runner, const char *state, int *code, struct err *err)
{
	runner->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (runner->epoll < 0)
		return err_errno(err, errno, "cannot make an epoll");
	if (!open_folders(runner, state, err) || !take_lock(runner, code, err) ||
	    !take_signals(runner, err))
		return false;
	look_at_clocks(runner);
	child_set_up();
	reserve_set_up(runner->state);
	leftover_end_all(runner);
	cgroup_set_up(runner->state); /* after: who is still there has to be told first */
	return link_listen(runner, err);
}

/* Whoever started us waits for this: from here on the socket can be connected to. */
static bool go_to_background(struct runner *runner, struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = null < 0 ? -1 : fork();

	if (pid < 0)
		return err_errno(err, errno, "cannot go to the background");
	if (pid > 0)
		_exit(0);
	setsid();
	if (chdir("/") != 0)
		return err_errno(err, errno, "cannot change to /");
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(null);
	/* What jobs leave behind comes to us, not to PID 1 (prctl(2)). */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* An epoll set looks at the signals of the process that added the signalfd. */
	return runner_watch(runner, &runner->children, EPOLLIN) ||
	       err_errno(err, errno, "cannot take signals");
}

/* ---- the loop ---- */

static void end_all(struct runner *runner)
{
	runner->is_ending = true;
	for (struct held *held = runner->held; held; held = held->next)
		held_stop(runner, held->run, held->grace_ms > 0 ? held->grace_ms : END_GRACE_MS);
}

static void take_notice(struct runner *runner)
{
	struct signalfd_siginfo info[8];
	ssize_t n;

	while ((n = read(runner->children.fd, info, sizeof(info))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(info[0]); i++)
			if (info[i].ssi_signo == SIGTERM || info[i].ssi_signo == SIGINT)
				end_all(runner);
	held_reap(runner);
}

static void dispatch(struct runner *runner, struct source *source, uint32_t events)
{
	if (source->fd < 0) /* closed by what came before it in the same round */
		return;
	switch (source->kind) {
	case SOURCE_LISTENER: link_accept(runner); break;
	case SOURCE_LINK:
		if (events & EPOLLOUT)
			link_flush(runner);
		link_read(runner);
		break;
	case SOURCE_CHILDREN: take_notice(runner); break;
	case SOURCE_GATE: held_gate_ready(runner, source->held); break;
	case SOURCE_OUTPUT: held_output_ready(runner, source); break;
	}
}

static bool may_end(struct runner *runner)
{
	if (runner->held)
		return false;
	if (runner->is_ending)
		return true;
	if (runner->link.fd >= 0) {
		runner->alone_since = INT64_MAX;
		return false;
	}
	if (runner->alone_since == INT64_MAX)
		runner->alone_since = runner->now.mono.ms;
	return runner->is_quitting || runner->now.mono.ms - runner->alone_since >= ALONE_MS;
}

static int wait_ms(const struct runner *runner, int64_t next)
{
	if (!runner->held && runner->link.fd < 0)
		next = runner->alone_since + ALONE_MS;
	if (next == INT64_MAX)
		return -1;
	next -= runner->now.mono.ms;
	return next < 0 ? 0 : next > 60000 ? 60000 : (int)next;
}

static void run(struct runner *runner)
{
	struct epoll_event events[64];

	runner->alone_since = runner->now.mono.ms;
	while (!may_end(runner)) {
		int64_t next = held_tick(runner);
		int n = epoll_wait(runner->epoll, events, 64, wait_ms(runner, next));

		look_at_clocks(runner);
		for (int i = 0; i < n; i++)
			dispatch(runner, events[i].data.ptr, events[i].events);
		held_tick(runner);
	}
	link_finish(runner);
	cgroup_finish();
}

/* ---- the command line ---- */

static int usage(FILE *to, int code)
{
	fputs("usage: belfry-runner --state DIR\n"
	      "Holds the jobs that belfry starts. belfry starts it itself; there is one for\n"
	      "each state directory and version.\n",
	      to);
	return code;
}

int main(int argc, char **argv)
{
	struct runner runner = {.link = {.kind = SOURCE_LINK, .fd = -1}};
	struct err err = {""};
	int code = 1;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("belfry-runner %s\n", version_text);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout, 0);
	if (argc != 3 || strcmp(argv[1], "--state") != 0)
		return usage(stderr, 2);
	/* Whatever our starter has left open is not for jobs. */
	close_range(3, ~0U, 0);
	if (!begin(&runner, argv[2], &code, &err) || !go_to_background(&runner, &err)) {
		fprintf(stderr, "belfry-runner: %s\n", err.text);
		return code;
	}
	run(&runner);
	return 0;
}
