/*
 * mark.c - the job of the benches of lateness: appends when it began, by its own clock.
 *
 *	mark FILE
 *
 * Eight bytes each, nanoseconds since 1970; one write, so that marks of many never mix.
 */
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	int64_t at_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	int fd = argc == 2 ? open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	return fd < 0 || write(fd, &at_ns, sizeof(at_ns)) != sizeof(at_ns);
}
