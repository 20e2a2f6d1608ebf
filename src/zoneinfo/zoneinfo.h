/*
 * zoneinfo.h - the system's zone files: where zones come from in real life.
 *
 * Reads $TZDIR or /usr/share/zoneinfo once per name; zones are cached and shared.
 * Kept apart from schedule/ so that schedule/ does no I/O.
 *
 * Whoever lives long asks with zoneinfo_look whether the files have changed. A
 * zone is immutable: one with other rules takes its place, and the old one lives on
 * until zoneinfo_sweep finds it out of use. A file that is gone or no zone any more
 * leaves the last good rules where they are.
 */
#ifndef BELFRY_ZONEINFO_H
#define BELFRY_ZONEINFO_H

#include "buf.h"
#include "zone.h"
#include "zone_folders.h"

struct zoneinfo;

/* directory NULL: $TZDIR, else /usr/share/zoneinfo. Copied. */
struct zoneinfo *zoneinfo_create(const char *directory);
void zoneinfo_destroy(struct zoneinfo *zoneinfo);
/* A view for the parsers; lives as long as the loader. */
const struct zone_source *zoneinfo_source(struct zoneinfo *zoneinfo);
const char *zoneinfo_directory(const struct zoneinfo *zoneinfo);

/* What a look at the files has found out about a zone. */
enum zone_news {
	ZONE_CHANGED, /* other rules, which the source gives from now on */
	ZONE_LOST,    /* its file cannot be used, `why`; the last good rules stay */
	ZONE_FOUND,   /* its file can be used again, and the rules are those known */
};
typedef void zone_news_fn(void *context, enum zone_news news, const char *name, const char *why);

/* Looks whether the file of any zone in the cache is another than the one that was
 * read (device, inode, size, times), and reads it where it is. Returns how many
 * zones have other rules. */
size_t zoneinfo_look(struct zoneinfo *zoneinfo, zone_news_fn *tell, void *context);
/* The zones that are lost, a line each with the reason, at most `max`. */
void zoneinfo_lost(const struct zoneinfo *zoneinfo, size_t max, struct buf *text);
/* The folders in which a change of any zone in the cache would show. */
void zoneinfo_folders(const struct zoneinfo *zoneinfo, struct arena *arena,
		      struct zone_folders *folders);

/* Frees every zone that was not told to be in use since the last sweep. Zones that
 * did not come from here may be told too. */
void zoneinfo_use(struct zoneinfo *zoneinfo, const struct zone *zone);
void zoneinfo_sweep(struct zoneinfo *zoneinfo);

#endif
