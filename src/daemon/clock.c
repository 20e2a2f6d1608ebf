/* clock.c - the one place that reads clocks (clock_gettime(2)). */
#include "clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec t;
	int failed = clock_gettime(id, &t);

	assert(!failed);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct utc clock_utc(void)
{
	return (struct utc){read_ms(CLOCK_REALTIME)};
}

struct now clock_now(void)
{
	return (struct now){.utc = clock_utc(), .mono = {read_ms(CLOCK_BOOTTIME)}};
}

/* Two readings a moment apart, so some milliseconds more or less mean nothing. */
int64_t clock_asleep_ms(void)
{
	return read_ms(CLOCK_BOOTTIME) - read_ms(CLOCK_MONOTONIC);
}

int64_t clock_us(void)
{
	struct timespec t;
	int failed = clock_gettime(CLOCK_MONOTONIC, &t);

	assert(!failed);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
