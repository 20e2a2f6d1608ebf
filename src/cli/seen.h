/*
 * seen.h - how late runs started and when belfry was away, as `status` tells it, and
 * `status` without a job: belfry as a whole.
 */
#ifndef BELFRY_SEEN_H
#define BELFRY_SEEN_H

#include <jansson.h>

#include "args.h"
#include "buf.h"

/* "p50 2ms, p99 6ms, most 6ms, of the latest 120 scheduled runs"; nothing where nothing
 * is known. */
void seen_lateness(struct buf *out, const json_t *lateness);
/* "down 2026-11-25T14:03:10Z to 14:09:42Z (6m32s): 7 occurrences; …"; nothing for null. */
void seen_downtime(struct buf *out, const json_t *json);

int seen_status(const struct args *args);

#endif
