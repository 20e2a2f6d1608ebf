/*
 * when.h - instants and durations as people read them.
 */
#ifndef BELFRY_WHEN_H
#define BELFRY_WHEN_H

#include "buf.h"
#include "instant.h"

/* The clock of this machine. */
struct utc when_now(void);

/* "12m ago", "in 3h", "just now": one unit, cut, from seconds to days. */
void when_relative(struct buf *out, struct utc at, struct utc now);
/* How long something took: "0.2s", "4.1s", "41s", "3m05s", "2h10m", "3d04h". */
void when_took(struct buf *out, int64_t ms);

#endif
