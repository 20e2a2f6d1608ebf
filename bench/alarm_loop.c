/*
 * alarm_loop.c - the limit that one job's lateness is held against: sleep until a full
 * second and a half, posix_spawn, wait.
 *
 *	alarm-loop COUNT PROGRAM [ARG…]
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

int main(int argc, char **argv)
{
	struct timespec next;

	if (argc < 3)
		return 2;
	clock_gettime(CLOCK_REALTIME, &next);
	for (int i = 0; i < atoi(argv[1]); i++) {
		pid_t pid;

		next = (struct timespec){next.tv_sec + 1, 500000000};
		while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &next, NULL) == EINTR)
			continue;
		if (posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ) != 0)
			return 1;
		waitpid(pid, NULL, 0);
	}
	return 0;
}
