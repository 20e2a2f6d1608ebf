/*
 * zone_folders.h - where to watch for changes of zone files.
 *
 * A change of a file shows in the folder that holds it: files are replaced by
 * rename there, and links that lead to it are swapped in theirs.
 */
#ifndef BELFRY_ZONE_FOLDERS_H
#define BELFRY_ZONE_FOLDERS_H

#include <stddef.h>

#include "mem.h"

struct zone_folders {
	const char **paths; /* in the arena; each once */
	size_t count, capacity;
};

/* Adds the folders in which a change can make the zone's name mean another file:
 * those from `directory` down to the file, those that hold a link on the way, and
 * that of the file itself. Where the way ends, the last folder that is there. */
void zone_folders_add(struct zone_folders *folders, struct arena *arena, const char *directory,
		      const char *name);

#endif
