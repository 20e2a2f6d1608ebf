/*
 * instant.h - two clocks that cannot be mixed.
 *
 * struct utc is a point on the civil time line; it may jump when the clock is
 * set. struct mono only ever goes forward and serves for durations. They are
 * structs so that passing one for the other does not compile.
 */
#ifndef BELFRY_INSTANT_H
#define BELFRY_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX). */
struct utc {
	int64_t ms;
};

/* Milliseconds on CLOCK_BOOTTIME: since boot, suspended time included. */
struct mono {
	int64_t ms;
};

/* One reading of both clocks; a turn of the loop has exactly one. */
struct now {
	struct utc utc;
	struct mono mono;
};

/* "No such instant", for optional fields. Earlier than every real instant. */
#define UTC_NONE ((struct utc){INT64_MIN})
/* Later than every real instant. */
#define UTC_NEVER ((struct utc){INT64_MAX})

static inline bool utc_is_set(struct utc t)
{
	return t.ms != INT64_MIN && t.ms != INT64_MAX;
}

static inline struct utc utc_add(struct utc t, int64_t ms)
{
	return (struct utc){t.ms + ms};
}

static inline struct utc utc_min(struct utc a, struct utc b)
{
	return a.ms < b.ms ? a : b;
}

static inline struct utc utc_max(struct utc a, struct utc b)
{
	return a.ms > b.ms ? a : b;
}

/* Room for "2026-03-29T01:00:00.123Z" and any year that int64 can reach. */
#define UTC_TEXT_MAX 40

/* RFC 3339 in UTC with "Z"; milliseconds only where they are not zero, or
 * always with utc_format_ms. The result is text. */
const char *utc_format(struct utc t, char text[UTC_TEXT_MAX]);
const char *utc_format_ms(struct utc t, char text[UTC_TEXT_MAX]);

/* Reads an RFC 3339 date-time with "Z" or a numeric offset, years 0000-9999,
 * the whole of text[0..length). Fractions of a second beyond a millisecond are
 * cut off. A leap second (:60) reads as the first instant of the next minute.
 * False leaves *t alone. */
bool utc_parse(const char *text, size_t length, struct utc *t);

#endif
