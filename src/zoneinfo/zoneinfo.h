/*
 * zoneinfo.h - the system's zone files: where zones come from in real life.
 *
 * Reads $TZDIR or /usr/share/zoneinfo once per name; zones are cached for the
 * life of the loader and shared. Kept apart from schedule/ so that schedule/
 * does no I/O.
 */
#ifndef BELFRY_ZONEINFO_H
#define BELFRY_ZONEINFO_H

#include "zone.h"

struct zoneinfo;

/* directory NULL: $TZDIR, else /usr/share/zoneinfo. Copied. */
struct zoneinfo *zoneinfo_create(const char *directory);
void zoneinfo_destroy(struct zoneinfo *zoneinfo);
/* A view for the parsers; lives as long as the loader. */
const struct zone_source *zoneinfo_source(struct zoneinfo *zoneinfo);
const char *zoneinfo_directory(const struct zoneinfo *zoneinfo);

#endif
