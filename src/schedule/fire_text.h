/* fire_text.h - an instant for people, by the clock of a zone. */
#ifndef BELFRY_FIRE_TEXT_H
#define BELFRY_FIRE_TEXT_H

#include "buf.h"
#include "civil.h"
#include "zone.h"

/* A reading of the wall clock. */
struct fire_reading {
	struct civil_date date;
	int32_t weekday, second; /* from Sunday, 0; of the day */
};
/* local_s: seconds since 1970 as if in UTC. */
struct fire_reading fire_reading_of(int64_t local_s);

/* "02:30", and the seconds where they are not zero; second: of the day. */
void fire_text_time(struct buf *out, int32_t second);
/* "Sun 2026-03-29 03:00 CEST" */
void fire_text(struct buf *out, const struct zone *zone, struct utc fire);

#endif
