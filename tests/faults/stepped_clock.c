/*
 * stepped_clock.c - a clock that can be set, for one daemon and what it starts.
 *
 * Loaded before the C library (LD_PRELOAD). CLOCK_REALTIME and CLOCK_BOOTTIME are those
 * of the machine plus what the file $STEPPED_CLOCK says: two int64_t in ns. A timerfd
 * on CLOCK_REALTIME rings by the stepped clock, and a read from it fails with ECANCELED
 * once when the clock was set, as TFD_TIMER_CANCEL_ON_SET promises (timerfd_create(2)).
 * SIGURG, which nothing else uses and which does nothing by itself, is how the test says
 * that it has written the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct offsets {
	volatile int64_t realtime_ns, boottime_ns;
};

static const struct offsets *offsets;
static int timer = -1; /* the one that there is */
static volatile sig_atomic_t is_canceled;

static int64_t offset_of(clockid_t id)
{
	if (!offsets)
		return 0;
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ? offsets->realtime_ns
	       : id == CLOCK_BOOTTIME                              ? offsets->boottime_ns
								   : 0;
}

static void add(struct timespec *t, int64_t ns)
{
	int64_t all = t->tv_nsec + ns % 1000000000;

	t->tv_sec += ns / 1000000000 + (all < 0 ? -1 : all / 1000000000);
	t->tv_nsec = all < 0 ? all + 1000000000 : all % 1000000000;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int failed = (int)syscall(SYS_clock_gettime, id, t);

	if (!failed)
		add(t, offset_of(id));
	return failed;
}

/* The timer has to be set anew by whoever reads that. */
static void on_set(int number)
{
	struct itimerspec now = {.it_value.tv_nsec = 1};
	int before = errno;

	(void)number;
	is_canceled = 1;
	if (timer >= 0)
		syscall(SYS_timerfd_settime, timer, 0, &now, NULL);
	errno = before;
}

int timerfd_create(clockid_t id, int flags)
{
	int fd = (int)syscall(SYS_timerfd_create, id, flags);

	if (id == CLOCK_REALTIME && fd >= 0) {
		timer = fd;
		sigaction(SIGURG, &(struct sigaction){.sa_handler = on_set, .sa_flags = SA_RESTART},
			  NULL);
	}
	return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *old)
{
	struct itimerspec real = *to;

	if (fd == timer && (flags & TFD_TIMER_ABSTIME)) {
		if (is_canceled) { /* the kernel says so here, too */
			is_canceled = 0;
			errno = ECANCELED;
			return -1;
		}
		add(&real.it_value, -offset_of(CLOCK_REALTIME));
		if (real.it_value.tv_sec < 0)
			real.it_value = (struct timespec){.tv_nsec = 1};
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags & ~TFD_TIMER_CANCEL_ON_SET, &real, old);
}

ssize_t read(int fd, void *data, size_t size)
{
	ssize_t n = syscall(SYS_read, fd, data, size);

	if (fd == timer && n > 0 && is_canceled) {
		is_canceled = 0;
		errno = ECANCELED;
		return -1;
	}
	return n;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("STEPPED_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *at = mmap(NULL, sizeof(struct offsets), PROT_READ, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		offsets = at;
	close(fd);
}
