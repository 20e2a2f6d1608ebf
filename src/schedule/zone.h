/*
 * zone.h - time zones: TZif data (RFC 9636) turned into an immutable table.
 *
 * Pure: the bytes come from the caller (zoneinfo/ reads files). UTC to local is
 * always one answer; local to UTC is none (gap), one, or two (overlap).
 */
#ifndef BELFRY_ZONE_H
#define BELFRY_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct zone; /* immutable once made; may be shared between threads */

/* Reads TZif data, versions 1 to 4, footer included; any input is safe. name is
 * copied. NULL and an error that says what is wrong at which byte. */
struct zone *zone_create(const char *name, const void *tzif, size_t length, struct err *err);
void zone_destroy(struct zone *zone);
const char *zone_name(const struct zone *zone);
/* The zone that needs no file. Static; never destroyed. */
const struct zone *zone_utc(void);

/* Whether name has the form of an IANA zone name: not a path, POSIX TZ string,
 * offset, localtime, posixrules, Factory, posix/… or right/…. Existence is the
 * loader's question. */
bool zone_name_is_plausible(const char *name);

/* Seconds east of UTC in force at an instant (seconds since 1970, UTC). */
int32_t zone_offset(const struct zone *zone, int64_t utc_s);

/* The abbreviation in force ("CET"), for people. Borrowed from the zone. */
const char *zone_abbreviation(const struct zone *zone, int64_t utc_s);

/* A number for when the clock shows what: equal for zones that agree on every
 * instant a schedule can name, whatever their files look like, and else as good as
 * never. Two generations of a zone file are compared by it. */
uint64_t zone_rules(const struct zone *zone);

/* The instants at which the wall clock reads local_s (seconds since 1970 read as
 * if UTC), earlier first. Returns how many: 0, 1 or 2. */
int zone_instants(const struct zone *zone, int64_t local_s, int64_t utc_s[2]);

/* The first transition strictly after utc_s; false where there is none. */
struct zone_transition {
	int64_t utc_s;                       /* the first second under the new offset */
	int32_t offset_before, offset_after; /* seconds east of UTC */
};
bool zone_next_transition(const struct zone *zone, int64_t utc_s, struct zone_transition *out);

/* Where zones come from. get returns a borrowed zone that lives as long as the
 * source, or NULL where there is none of that name; nearest offers names for a
 * misspelt one (NULL where none is close). */
struct zone_source {
	const struct zone *(*get)(void *context, const char *name, struct err *err);
	const char *(*nearest)(void *context, const char *name);
	void *context;
};

#endif
