/* equal.c - whether two schedules mean the same; see schedule.h. */
#include <string.h>

#include "rule.h"
#include "str.h"

static bool same_days(const struct day_rule *a, const struct day_rule *b)
{
	return a->month_days == b->month_days && a->from_last == b->from_last &&
	       a->nearest == b->nearest && a->weekdays == b->weekdays &&
	       memcmp(a->nth, b->nth, sizeof(a->nth)) == 0 && a->last_weekday == b->last_weekday &&
	       a->either == b->either;
}

static bool same_times(const struct schedule *a, const struct schedule *b)
{
	if (!a->times || !b->times)
		return a->times == b->times && a->seconds == b->seconds &&
		       a->minutes == b->minutes && a->hours == b->hours;
	return a->time_count == b->time_count &&
	       memcmp(a->times, b->times, a->time_count * sizeof(*a->times)) == 0;
}

static bool same_fields(const struct schedule *a, const struct schedule *b)
{
	return same_times(a, b) && same_days(&a->days, &b->days) && a->months == b->months &&
	       memcmp(a->years, b->years, sizeof(a->years)) == 0 &&
	       a->follows_clock == b->follows_clock;
}

static bool same_exceptions(const struct exceptions *a, const struct exceptions *b)
{
	if (!a || !b)
		return a == b;
	if (a->count != b->count || memcmp(a->yearly, b->yearly, sizeof(a->yearly)) != 0)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->ranges[i].first != b->ranges[i].first ||
		    a->ranges[i].last != b->ranges[i].last)
			return false;
	return true;
}

static bool same_around(const struct schedule *a, const struct schedule *b)
{
	bool same_draw = a->jitter_ms == 0 || a->name_hash == b->name_hash;

	return a->not_before == b->not_before && a->not_from == b->not_from && same_draw &&
	       a->jitter_ms == b->jitter_ms && same_exceptions(a->except, b->except) &&
	       str_equal(zone_name(a->zone), zone_name(b->zone));
}

bool schedule_equal(const struct schedule *a, const struct schedule *b)
{
	if (a->kind != b->kind || !same_around(a, b))
		return false;
	switch ((enum schedule_kind)a->kind) {
	case KIND_FIELDS: return same_fields(a, b);
	case KIND_EVERY: return a->origin == b->origin && a->period == b->period;
	case KIND_AT: return a->origin == b->origin;
	case KIND_REBOOT: break;
	}
	return true;
}
