/* every.c - the duration of "@every 15m"; see every.h. */
#include "every.h"

#include <string.h>

#include "str.h"

const char *every_parse(const char *text, size_t length, int64_t *period_s)
{
	int64_t ms;

	if (!str_duration(text, length, &ms))
		return "this is no duration; write one of at least 1s with units d h m s, as in "
		       "90s, 15m, 1h30m or 2d";
	if (text[length - 1] >= '0' && text[length - 1] <= '9')
		return "the duration has no unit; write d, h, m or s after the number";
	if (ms < 1000)
		return "the duration is shorter than 1s";
	if (ms % 1000)
		return "the duration is not in whole seconds";
	*period_s = ms / 1000;
	return NULL;
}
