/* descriptors.c - how many files may be open; see descriptors.h. */
#include "descriptors.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/resource.h>

static struct rlimit given; /* as we were started */
static bool is_known;

static long count(rlim_t limit)
{
	return limit == RLIM_INFINITY || limit > (rlim_t)LONG_MAX ? LONG_MAX : (long)limit;
}

long descriptors_raise(void)
{
	struct rlimit more;

	if (!is_known && getrlimit(RLIMIT_NOFILE, &given) != 0)
		return LONG_MAX;
	is_known = true;
	more = given;
	more.rlim_cur = more.rlim_max;
	return count(setrlimit(RLIMIT_NOFILE, &more) == 0 ? more.rlim_cur : given.rlim_cur);
}

void descriptors_hand_on(void)
{
	if (is_known)
		setrlimit(RLIMIT_NOFILE, &given);
}
