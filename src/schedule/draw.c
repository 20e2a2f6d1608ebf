/* draw.c - values drawn by hashing; see draw.h. */
#include "draw.h"

#include <string.h>

#include "str.h"

static uint64_t stir(uint64_t h)
{
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

uint64_t draw_for_field(uint64_t name_hash, const char *word, uint64_t range)
{
	uint64_t h = str_hash(name_hash, "", 1);

	return stir(str_hash(h, word, strlen(word))) % range;
}

uint64_t draw_for_instant(uint64_t name_hash, int64_t utc_s, uint64_t range)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)((uint64_t)utc_s >> (8 * i));
	return stir(str_hash(name_hash, bytes, sizeof(bytes))) % range;
}
