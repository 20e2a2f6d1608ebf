/*
 * fires.h - a schedule's fires for people and programs: by the zone's clock, in UTC,
 * and what daylight saving did.
 */
#ifndef BELFRY_FIRES_H
#define BELFRY_FIRES_H

#include "buf.h"
#include "schedule.h"

/* What is asked: `count` fires strictly after `from`. */
struct fires {
	const struct schedule *schedule;
	struct utc from;
	int64_t count;
};

/* A table for people; false where there is no fire at all. */
bool fires_write(const struct fires *fires, struct buf *out);
/* Items of an open JSON array: instants; objects that say everything. */
void fires_json_times(const struct fires *fires, struct buf *out);
void fires_json_objects(const struct fires *fires, struct buf *out);

#endif
