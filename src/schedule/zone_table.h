/*
 * zone_table.h - the inside of struct zone, for files of this folder only.
 *
 * Time is cut into segments of one offset each. The footer's rule is unrolled
 * into segments to the end of the years a schedule can name, so that asking is
 * always the same table look-up: an index by 97-day buckets gives the segment
 * in constant time, without a hint that threads would have to share.
 */
#ifndef BELFRY_ZONE_TABLE_H
#define BELFRY_ZONE_TABLE_H

#include "posixtz.h"
#include "zone.h"

enum {
	ZONE_BUCKET_SHIFT = 23, /* 2^23 s are 97 days: rarely more than one transition */
	ZONE_BUCKETS = 868,     /* to the year 2200 and a little further */
	ZONE_UNROLLED_YEAR = 2202
};
/* A little before 1970 in every zone. */
#define ZONE_INDEX_FROM (INT64_C(-2) * 86400)
/* No offset from UTC, and no difference of two, is as large. */
#define ZONE_SHIFT_MAX (INT64_C(3) * 86400)

struct zone_segment {
	int64_t start;         /* UTC seconds; the first one's is INT64_MIN */
	int32_t offset;        /* seconds east of UTC */
	uint32_t abbreviation; /* where in names it starts */
};

struct zone {
	const char *name;
	const char *names;                   /* abbreviations, NUL-terminated each */
	const struct zone_segment *segments; /* count, and a last one that starts at INT64_MAX */
	const uint16_t *index;               /* the segment at the start of each bucket */
	uint32_t count;
	bool has_rule;       /* after the last segment's start the rule's DST goes on */
	uint32_t rule_names; /* where in names the rule's two start */
	struct posixtz rule;
	uint64_t rules; /* hash of all the above but the names */
};

/* The last segment in [low, high] that starts at utc_s or before. */
static inline uint32_t zone_search(const struct zone *zone, uint32_t low, uint32_t high,
				   int64_t utc_s)
{
	while (low < high) {
		uint32_t middle = (low + high + 1) / 2;

		if (zone->segments[middle].start <= utc_s)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static inline uint32_t zone_segment_at(const struct zone *zone, int64_t utc_s)
{
	uint64_t bucket = ((uint64_t)utc_s - (uint64_t)ZONE_INDEX_FROM) >> ZONE_BUCKET_SHIFT;

	if (utc_s < ZONE_INDEX_FROM || bucket >= ZONE_BUCKETS)
		return zone_search(zone, 0, zone->count - 1, utc_s);
	return zone_search(zone, zone->index[bucket], zone->index[bucket + 1], utc_s);
}

#endif
