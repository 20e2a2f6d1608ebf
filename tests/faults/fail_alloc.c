/*
 * fail_alloc.c - memory that runs out, for a test: LD_PRELOAD it into a program.
 *
 * FAIL_ALLOC names a file of 32 bytes that the test maps too: its four numbers are
 * `at` (the allocation that fails, from 1; 0: none), `for_ever` (and all after it), `count`
 * (allocations so far while armed) and `is_armed`. Only the program whose name is in
 * FAIL_ALLOC_PROGRAM is hurt, not what it starts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
	uint64_t at, for_ever;
	_Atomic uint64_t count;
	uint64_t is_armed;
};

static volatile struct control *control;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAIL_ALLOC"), *program = getenv("FAIL_ALLOC_PROGRAM");
	int fd = path && program && strcmp(program, program_invocation_short_name) == 0
			 ? open(path, O_RDWR | O_CLOEXEC)
			 : -1;
	void *p = fd >= 0 ? mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
			  : MAP_FAILED;

	if (p != MAP_FAILED)
		control = p;
	if (fd >= 0)
		close(fd);
}

static int fails(void)
{
	if (!control || !control->is_armed)
		return 0;
	uint64_t n = atomic_fetch_add(&control->count, 1) + 1;
	int is_failing =
		control->at && (n == control->at || (control->for_ever && n > control->at));
	if (is_failing)
		errno = ENOMEM;
	return is_failing;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
