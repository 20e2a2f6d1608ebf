/*
 * fly_current.h - which image an app runs now, from what Fly tells of it. Pure.
 */
#ifndef BELFRY_FLY_CURRENT_H
#define BELFRY_FLY_CURRENT_H

#include "buf.h"
#include "fly_machine.h"

/* Of the app's own Machines, of that process group (NULL: of any), the one whose image counts:
 * one that runs before one that does not, of these the newest. NULL: there is none. */
const struct fly_machine *fly_current(const struct fly_machine *machines, size_t count,
				      const char *group);
/* The question of GraphQL for the app's release, and its answer's image; NULL: it has none. */
void fly_release_query(const char *app, struct buf *body);
const char *fly_release_image(const char *text, size_t length, struct arena *arena,
			      int64_t *version);

#endif
