/* run.c - run identities; see run.h. */
#include "run.h"

#include <string.h>

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

const char *run_id_format(uint64_t id, char text[RUN_ID_TEXT_MAX])
{
	for (int i = 12; i >= 0; i--, id >>= 5)
		text[i] = digits[id & 31];
	text[13] = '\0';
	return text;
}

bool run_id_parse(const char *text, uint64_t *id)
{
	uint64_t value = 0;

	if (strlen(text) != 13 || text[0] > '7')
		return false;
	for (int i = 0; i < 13; i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit)
			return false;
		value = value << 5 | (uint64_t)(digit - digits);
	}
	*id = value;
	return value != 0;
}

uint64_t run_id_first(struct utc utc)
{
	if (utc.ms >= INT64_C(1) << 43)
		return RUN_ID_MAX;
	return utc.ms > 0 ? (uint64_t)utc.ms << 20 : 1;
}

uint64_t run_id_next(uint64_t last, struct utc utc, uint8_t node)
{
	uint64_t fresh = (uint64_t)utc.ms << 20 | (uint64_t)node << 12;
	uint64_t counted = last + 1;

	if (fresh > last)
		return fresh;
	/* The counter is full, or the clock stood still or went back: go on from
	 * the last id, a millisecond further where the counter ran into the node. */
	if ((counted & 0xfff) == 0)
		counted = ((last >> 20) + 1) << 20 | (uint64_t)node << 12;
	return counted;
}
