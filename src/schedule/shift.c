/*
 * shift.c - what daylight saving did to a fire, for people; see schedule.h.
 *
 * Told from the zone around the fire, with the rule of schedule-language.md,
 * section 5, that next.c follows.
 */
#include "month.h"
#include "reading.h"
#include "zone_table.h"

enum { CALENDAR_JUMP_S = 3 * 3600 };

/* A fire at the end of a gap whose own reading does not match came from inside. */
static bool comes_from_gap(const struct schedule *s, uint32_t i, int64_t fire_s, int64_t *local_s)
{
	const struct zone_segment *segments = s->zone->segments;

	if (i == 0 || segments[i].start != fire_s || s->follows_clock)
		return false;
	int64_t from = fire_s + segments[i - 1].offset, to = fire_s + segments[i].offset;
	if (to <= from || to - from >= CALENDAR_JUMP_S)
		return false;
	int64_t reading = reading_from(s, from);
	if (reading >= to)
		return false;
	*local_s = reading;
	return true;
}

enum schedule_shift schedule_shift_of(const struct schedule *s, struct utc fire, int64_t *local_s)
{
	int64_t fire_s = fire.ms / 1000, instants[2];
	uint32_t i = zone_segment_at(s->zone, fire_s);
	int64_t reading = fire_s + s->zone->segments[i].offset;

	*local_s = reading;
	if (s->kind != KIND_FIELDS)
		return SHIFT_NONE;
	if (comes_from_gap(s, i, fire_s, local_s))
		return SHIFT_FROM_GAP;
	if (zone_instants(s->zone, reading, instants) < 2)
		return SHIFT_NONE;
	return instants[0] == fire_s ? SHIFT_FIRST_OF_TWO : SHIFT_SECOND_OF_TWO;
}
