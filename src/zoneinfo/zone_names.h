/*
 * zone_names.h - all zone names of a tzdata directory, to offer the nearest.
 *
 * From tzdata.zi where it is there (zones and links), else zone1970.tab or
 * zone.tab, else the directory itself.
 */
#ifndef BELFRY_ZONE_NAMES_H
#define BELFRY_ZONE_NAMES_H

#include <stddef.h>

#include "mem.h"

struct zone_names {
	const char **names; /* in the arena */
	size_t count, capacity;
};

void zone_names_read(struct zone_names *names, struct arena *arena, const char *directory);

/* The closest name, or NULL where none is close. "new york" and "Paris" find
 * their city too. */
const char *zone_names_nearest(const struct zone_names *names, const char *word);

#endif
