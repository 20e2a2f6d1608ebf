/* when.c - instants and durations as people read them; see when.h. */
#include "when.h"

#include <time.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

struct utc when_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct utc){(int64_t)now.tv_sec * SECOND + now.tv_nsec / 1000000};
}

void when_relative(struct buf *out, struct utc at, struct utc now)
{
	int64_t ms = now.ms - at.ms;
	const char *before = ms < 0 ? "in " : "", *after = ms < 0 ? "" : " ago";

	if (ms < 0)
		ms = -ms;
	if (ms < SECOND)
		buf_text(out, "just now");
	else if (ms < MINUTE)
		buf_format(out, "%s%llds%s", before, (long long)(ms / SECOND), after);
	else if (ms < HOUR)
		buf_format(out, "%s%lldm%s", before, (long long)(ms / MINUTE), after);
	else if (ms < 2 * DAY)
		buf_format(out, "%s%lldh%s", before, (long long)(ms / HOUR), after);
	else
		buf_format(out, "%s%lldd%s", before, (long long)(ms / DAY), after);
}

void when_took(struct buf *out, int64_t ms)
{
	long long n = ms < 0 ? 0 : ms;

	if (n < 10 * SECOND)
		buf_format(out, "%lld.%llds", n / SECOND, n % SECOND / 100);
	else if (n < MINUTE)
		buf_format(out, "%llds", n / SECOND);
	else if (n < HOUR)
		buf_format(out, "%lldm%02llds", n / MINUTE, n % MINUTE / SECOND);
	else if (n < DAY)
		buf_format(out, "%lldh%02lldm", n / HOUR, n % HOUR / MINUTE);
	else
		buf_format(out, "%lldd%02lldh", n / DAY, n % DAY / HOUR);
}
