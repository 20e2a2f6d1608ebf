/*
 * draw.h - values drawn by hashing, the same on every machine and for ever.
 *
 * The hash is 64-bit FNV-1a over the job's name and then either a zero byte and
 * the field's word ("minute"), for H, or the scheduled instant in seconds since
 * 1970 as eight bytes, least first, for jitter. It is stirred with the finisher
 * of SplitMix64 (G. Steele et al., 2014), and the remainder of a division by the
 * size of the range is the value.
 */
#ifndef BELFRY_DRAW_H
#define BELFRY_DRAW_H

#include <stdint.h>

/* name_hash is str_hash(STR_HASH_INIT, name). In [0, range). */
uint64_t draw_for_field(uint64_t name_hash, const char *word, uint64_t range);
uint64_t draw_for_instant(uint64_t name_hash, int64_t utc_s, uint64_t range);

#endif
