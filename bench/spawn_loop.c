/*
 * spawn_loop.c - the limit that runs a second are held against: posix_spawn, both
 * output streams read to their end through pipes, the child reaped; nothing kept.
 *
 *	spawn-loop COUNT PARALLEL PROGRAM [ARG…]
 *
 * Prints the seconds it took.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { PARALLEL_MAX = 1024 };

struct child {
	pid_t pid; /* 0: the place is free */
	int fds[2];
};

static struct child children[PARALLEL_MAX];

static void die(const char *what)
{
	fprintf(stderr, "spawn-loop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void spawn(struct child *child, char **argv)
{
	posix_spawn_file_actions_t actions;
	int out[2], err[2];

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		die("pipe2");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	errno = posix_spawnp(&child->pid, argv[0], &actions, NULL, argv, environ);
	if (errno)
		die("posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	close(err[1]);
	child->fds[0] = out[0];
	child->fds[1] = err[0];
}

/* True when both streams have ended and the child is reaped. */
static bool drain(struct child *child, int stream)
{
	char buffer[65536];
	int status;

	if (read(child->fds[stream], buffer, sizeof(buffer)) > 0)
		return false;
	close(child->fds[stream]);
	child->fds[stream] = -1;
	if (child->fds[!stream] >= 0)
		return false;
	if (waitpid(child->pid, &status, 0) != child->pid || status != 0)
		die("child failed");
	child->pid = 0;
	return true;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	int count = atoi(argv[1]), parallel = atoi(argv[2]), begun = 0, ended = 0;
	struct pollfd polls[PARALLEL_MAX * 2];
	double start = now_s();

	if (parallel < 1 || parallel > PARALLEL_MAX)
		return 2;
	while (ended < count) {
		for (int i = 0; i < parallel && begun < count; i++) {
			if (children[i].pid == 0) {
				spawn(&children[i], argv + 3);
				begun++;
			}
		}
		for (int i = 0; i < parallel * 2; i++) {
			const struct child *child = &children[i / 2];

			polls[i] = (struct pollfd){child->pid ? child->fds[i % 2] : -1, POLLIN, 0};
		}
		if (poll(polls, (nfds_t)parallel * 2, -1) < 0)
			die("poll");
		for (int i = 0; i < parallel * 2; i++)
			if (polls[i].revents && drain(&children[i / 2], i % 2))
				ended++;
	}
	printf("%.6f\n", now_s() - start);
	return 0;
}
