/*
 * reading.h - the matching readings of a wall clock that knows no time zone.
 *
 * A reading is seconds since 1970-01-01 00:00:00 as the clock shows it.
 */
#ifndef BELFRY_READING_H
#define BELFRY_READING_H

#include "rule.h"

/* The first matching reading at or after / the last at or before; NO_READING,
 * NO_READING_BELOW where there is none. For KIND_FIELDS. */
int64_t reading_from(const struct schedule *s, int64_t reading);
int64_t reading_to(const struct schedule *s, int64_t reading);

#endif
