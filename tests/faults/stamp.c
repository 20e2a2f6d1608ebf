/*
 * stamp.c - the job of the black-box checker: tells the world that it ran.
 *
 *	stamp FILE MS [CODE [UNTIL [BYTES]]]
 *
 * Appends a line when it starts, works for MS milliseconds (-1: for ever), writes BYTES
 * of output, appends a line when it ends; each line is one write, so that lines of many
 * never mix. Ends with CODE, from attempt UNTIL on with 0.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *told(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : "-";
}

static void stamp(const char *path, const char *what)
{
	struct timespec t;
	char line[512];
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	clock_gettime(CLOCK_REALTIME, &t);
	int n = snprintf(line, sizeof(line), "%s %s %s %s %s %lld %ld\n", what,
			 told("BELFRY_RUN_ID"), told("BELFRY_ATTEMPT"), told("BELFRY_JOB"),
			 told("BELFRY_SCHEDULED_AT"),
			 (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000, (long)getpid());
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		exit(99); /* a promise that cannot be checked must not look kept */
	close(fd);
}

static void work(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	if (ms < 0)
		for (;;)
			pause();
	while (nanosleep(&t, &t) != 0)
		continue;
}

static void talk(long bytes)
{
	char line[64];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	for (; bytes > 0; bytes -= (long)sizeof(line))
		if (write(STDOUT_FILENO, line, sizeof(line)) < 0)
			break; /* nobody listens any more: that is no business of the job */
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	long until = argc > 4 ? atol(argv[4]) : 0;

	stamp(argv[1], "start");
	talk(argc > 5 ? atol(argv[5]) : 0);
	work(atol(argv[2]));
	stamp(argv[1], "end");
	if (until > 0 && atol(told("BELFRY_ATTEMPT")) >= until)
		return 0;
	return argc > 3 ? atoi(argv[3]) : 0;
}
