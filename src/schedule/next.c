/*
 * next.c - the next and the previous fire in real time (schedule-language.md,
 * section 5).
 *
 * A zone cuts time into segments of one offset. Each segment shows a stretch of
 * readings, from floor to ceiling. A schedule that follows the clock sees what
 * the clock shows. For fixed times the floor of each segment is the ceiling of
 * the one before, whatever the clock does between the two: then every reading
 * comes up exactly once, those of a gap at its end, those of an overlap the
 * first time round. Jumps of three hours or more are seen as they are by both.
 */
#include <assert.h>

#include "month.h"
#include "reading.h"
#include "rule.h"
#include "zone_table.h"

enum { CALENDAR_JUMP_S = 3 * 3600 };

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The first reading that counts in segment i. */
static int64_t floor_of(const struct schedule *s, const struct zone_segment *segments, uint32_t i)
{
	if (i == 0)
		return INT64_MIN;
	int32_t before = segments[i - 1].offset, after = segments[i].offset;
	bool is_jump = after - before >= CALENDAR_JUMP_S || before - after >= CALENDAR_JUMP_S;

	return segments[i].start + (s->follows_clock || is_jump ? after : before);
}

/* The reading just after segment i's last. */
static int64_t ceiling_of(const struct zone_segment *segments, uint32_t i)
{
	int64_t end = segments[i + 1].start;

	return end == INT64_MAX ? INT64_MAX : end + segments[i].offset;
}

/* When a reading of segment i comes up; those of a gap at its end. */
static int64_t instant_of(const struct zone_segment *segments, uint32_t i, int64_t reading)
{
	return larger(segments[i].start, reading - segments[i].offset);
}

/* The first fire after utc_s, exceptions of a gap's far side not yet looked at. */
static int64_t fields_after(const struct schedule *s, int64_t utc_s)
{
	const struct zone_segment *segments = s->zone->segments;
	uint32_t i = zone_segment_at(s->zone, utc_s), last = s->zone->count - 1;
	int64_t from = larger(utc_s + segments[i].offset + 1, floor_of(s, segments, i));
	int64_t reading = reading_from(s, from);

	/* reading is the first match at or after from; both move on with segments. */
	while (reading >= ceiling_of(segments, i)) {
		if (i == last)
			return NO_READING;
		/* Far away nothing comes up again that was before `from`. */
		if (segments[i + 1].start > utc_s + ZONE_SHIFT_MAX) {
			if (reading == NO_READING)
				return NO_READING;
			uint32_t near = zone_segment_at(s->zone, reading - ZONE_SHIFT_MAX);
			i = near > i ? near : i;
			if (reading < ceiling_of(segments, i))
				break;
		}
		int64_t floor = floor_of(s, segments, ++i);
		if (floor < from || floor > reading)
			reading = reading_from(s, from = floor);
	}
	return reading == NO_READING ? NO_READING : instant_of(segments, i, reading);
}

/* The last fire before utc_s; the mirror of the above. */
static int64_t fields_before(const struct schedule *s, int64_t utc_s)
{
	const struct zone_segment *segments = s->zone->segments;
	uint32_t i = zone_segment_at(s->zone, utc_s - 1);
	int64_t to = smaller(utc_s - 1 + segments[i].offset, ceiling_of(segments, i) - 1);
	int64_t reading = reading_to(s, to);

	while (reading < floor_of(s, segments, i)) {
		if (i == 0)
			return NO_READING_BELOW;
		if (segments[i].start < utc_s - ZONE_SHIFT_MAX) {
			if (reading == NO_READING_BELOW)
				return NO_READING_BELOW;
			uint32_t near = zone_segment_at(s->zone, reading + ZONE_SHIFT_MAX);
			i = near < i ? near : i;
			if (reading >= floor_of(s, segments, i))
				break;
		}
		int64_t top = ceiling_of(segments, --i) - 1;
		if (top > to || top < reading)
			reading = reading_to(s, to = top);
	}
	return reading == NO_READING_BELOW ? NO_READING_BELOW : instant_of(segments, i, reading);
}

/* A gap over midnight moves a fire to another date, which may be excepted. */
static bool lands_on_exception(const struct schedule *s, int64_t fire)
{
	return s->except &&
	       month_is_excepted(s->except, floor_div(fire + zone_offset(s->zone, fire), DAY_S));
}

/* Where the stretch of one offset and one local date around an instant ends. */
static int64_t date_end(const struct zone *zone, int64_t utc_s)
{
	const struct zone_segment *segment = &zone->segments[zone_segment_at(zone, utc_s)];
	int64_t day = floor_div(utc_s + segment->offset, DAY_S);

	return smaller((day + 1) * DAY_S - segment->offset, segment[1].start);
}

static int64_t date_start(const struct zone *zone, int64_t utc_s)
{
	const struct zone_segment *segment = &zone->segments[zone_segment_at(zone, utc_s)];
	int64_t day = floor_div(utc_s + segment->offset, DAY_S);

	return larger(day * DAY_S - segment->offset, segment->start);
}

static int64_t every_after(const struct schedule *s, int64_t utc_s)
{
	for (;;) {
		int64_t n = utc_s < s->origin ? 0 : (utc_s - s->origin) / s->period + 1;
		int64_t fire = s->origin + n * s->period;

		if (fire >= s->not_from || !lands_on_exception(s, fire))
			return fire;
		utc_s = date_end(s->zone, fire) - 1;
	}
}

static int64_t every_before(const struct schedule *s, int64_t utc_s)
{
	while (utc_s > s->origin) {
		int64_t fire = s->origin + (utc_s - 1 - s->origin) / s->period * s->period;

		if (fire < s->not_before || !lands_on_exception(s, fire))
			return fire;
		utc_s = date_start(s->zone, fire);
	}
	return NO_READING_BELOW;
}

static int64_t fire_after(const struct schedule *s, int64_t utc_s)
{
	switch ((enum schedule_kind)s->kind) {
	case KIND_FIELDS: return fields_after(s, utc_s);
	case KIND_EVERY: return every_after(s, utc_s);
	case KIND_AT: return s->origin > utc_s ? s->origin : NO_READING;
	case KIND_REBOOT: break;
	}
	return NO_READING;
}

static int64_t fire_before(const struct schedule *s, int64_t utc_s)
{
	switch ((enum schedule_kind)s->kind) {
	case KIND_FIELDS: return fields_before(s, utc_s);
	case KIND_EVERY: return every_before(s, utc_s);
	case KIND_AT: return s->origin < utc_s ? s->origin : NO_READING_BELOW;
	case KIND_REBOOT: break;
	}
	return NO_READING_BELOW;
}

bool schedule_next_after(const struct schedule *s, struct utc after, struct utc *next)
{
	int64_t utc_s = larger(floor_div(after.ms, 1000), s->not_before - 1);

	while (utc_s < s->not_from) {
		int64_t fire = fire_after(s, utc_s);

		if (fire >= s->not_from)
			return false;
		assert(fire > utc_s);
		if (!lands_on_exception(s, fire)) {
			next->ms = fire * 1000;
			return true;
		}
		utc_s = fire;
	}
	return false;
}

bool schedule_prev_before(const struct schedule *s, struct utc before, struct utc *prev)
{
	int64_t utc_s = smaller(floor_div(before.ms, 1000) + (before.ms % 1000 != 0), s->not_from);

	while (utc_s > s->not_before) {
		int64_t fire = fire_before(s, utc_s);

		if (fire < s->not_before)
			return false;
		assert(fire < utc_s);
		if (!lands_on_exception(s, fire)) {
			prev->ms = fire * 1000;
			return true;
		}
		utc_s = fire;
	}
	return false;
}

bool schedule_is_reboot(const struct schedule *s)
{
	return s->kind == KIND_REBOOT;
}

bool schedule_follows_clock(const struct schedule *s)
{
	return s->kind == KIND_EVERY || (s->kind == KIND_FIELDS && s->follows_clock);
}

bool schedule_is_absolute(const struct schedule *s)
{
	return s->kind == KIND_EVERY || (s->kind == KIND_AT && s->has_offset);
}

const struct zone *schedule_zone(const struct schedule *s)
{
	return s->zone;
}
