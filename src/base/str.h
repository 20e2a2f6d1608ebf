/* str.h - small helpers for text: durations, nearest names, hashing. */
#ifndef BELFRY_STR_H
#define BELFRY_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool str_empty(const char *text)
{
	return !text || !*text;
}

/* Equality; two NULLs are equal. */
bool str_equal(const char *a, const char *b);

/* "90s", "15m", "1h30m", "2d", "1d12h", "250ms": numbers with units d h m s ms
 * in falling order, each unit once; or a bare integer, which counts seconds.
 * At most 366 days times 100. False leaves *ms alone. */
bool str_duration(const char *text, size_t length, int64_t *ms);

/* The shortest exact form, "1h30m"; "0s" for zero. */
#define DURATION_TEXT_MAX 48
const char *str_duration_format(int64_t ms, char text[DURATION_TEXT_MAX]);

/* The one of names[0..count) closest to word by edits (insert, delete, change,
 * swap of neighbours; case is half an edit), or NULL where none is close enough
 * to be worth offering. */
const char *str_nearest(const char *word, const char *const *names, size_t count);

/* FNV-1a, 64 bits (draft-eastlake-fnv): stable over versions and machines. */
#define STR_HASH_INIT UINT64_C(0xcbf29ce484222325)
uint64_t str_hash(uint64_t hash, const void *data, size_t length);
/* How many bytes are c. */
uint32_t str_count(const char *data, size_t length, char c);

/* Several times as fast, for tables and comparisons in this process: not for what is
 * kept, as the machine's byte order goes into it. Unlike str_hash, pieces hashed
 * one after the other differ from the whole. */
uint64_t str_quick_hash(uint64_t hash, const void *data, size_t length);

#endif
