/* month.c - the days of a month that fire; see month.h. */
#include "month.h"

#include "civil.h"

enum { SUNDAY, SATURDAY = 6, WEEK = 7 };

/* Bits first..last. */
static uint32_t days_between(int32_t first, int32_t last)
{
	return (uint32_t)((UINT64_C(2) << last) - (UINT64_C(1) << first));
}

/* Which weekday a day is when the month's first is first_weekday. */
static int32_t weekday_of(int32_t day, int32_t first_weekday)
{
	return (first_weekday + day - 1) % WEEK;
}

/* The Monday to Friday nearest to a day, never leaving the month. */
static int32_t nearest_weekday(int32_t day, int32_t length, int32_t first_weekday)
{
	switch (weekday_of(day, first_weekday)) {
	case SATURDAY: return day == 1 ? day + 2 : day - 1;
	case SUNDAY: return day == length ? day - 2 : day + 1;
	}
	return day;
}

static int32_t last_working_day(int32_t length, int32_t first_weekday)
{
	int32_t weekday = weekday_of(length, first_weekday);

	return weekday == SATURDAY ? length - 1 : weekday == SUNDAY ? length - 2 : length;
}

/* All days of the given weekdays: the week's seven bits, turned so that the
 * first of the month comes first, repeated five times. */
static uint32_t weekday_pattern(uint8_t weekdays, int32_t first_weekday)
{
	uint32_t week = ((uint32_t)weekdays | (uint32_t)weekdays << WEEK) >> first_weekday & 0x7f;

	return (uint32_t)(week * UINT64_C(0x10204081)) << 1;
}

static uint32_t special_month_days(const struct day_rule *r, int32_t length, int32_t first_weekday)
{
	uint32_t days = 0;

	for (uint32_t left = r->from_last; left; left &= left - 1) {
		int32_t day = length - __builtin_ctz(left);

		if (day >= 1)
			days |= UINT32_C(1) << day;
	}
	for (uint32_t left = r->nearest; left; left &= left - 1) {
		int32_t day = __builtin_ctz(left);

		if (day <= length)
			days |= UINT32_C(1) << nearest_weekday(day, length, first_weekday);
	}
	if (r->last_weekday)
		days |= UINT32_C(1) << last_working_day(length, first_weekday);
	return days;
}

static uint32_t nth_weekdays(const struct day_rule *r, int32_t length, int32_t first_weekday)
{
	uint32_t days = 0;

	for (int32_t weekday = 0; weekday < WEEK; weekday++) {
		int32_t first = 1 + (weekday - first_weekday + WEEK) % WEEK;

		for (uint32_t left = r->nth[weekday]; left; left &= left - 1) {
			int32_t k = __builtin_ctz(left);
			int32_t last = first + (length - first) / WEEK * WEEK;
			int32_t day = k == NTH_LAST ? last : first + k * WEEK;

			if (day <= length)
				days |= UINT32_C(1) << day;
		}
	}
	return days;
}

/* Exceptions left aside. */
static uint32_t days_by_rule(const struct day_rule *r, int32_t length, int32_t first_weekday)
{
	uint32_t by_date = r->month_days;
	uint32_t by_weekday = weekday_pattern(r->weekdays, first_weekday);

	if (!r->plain) {
		by_date |= special_month_days(r, length, first_weekday);
		if (r->has_nth)
			by_weekday |= nth_weekdays(r, length, first_weekday);
	}
	return (r->either ? by_date | by_weekday : by_date & by_weekday) & days_between(1, length);
}

/* The first range that ends on the day or later. */
static size_t first_range(const struct exceptions *except, int64_t day)
{
	size_t low = 0, high = except->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (except->ranges[middle].last < day)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t excepted_days(const struct exceptions *except, int32_t month, int32_t start,
			      int32_t length)
{
	uint32_t days = except->yearly[month];
	int64_t end = start + length;

	for (size_t i = first_range(except, start); i < except->count; i++) {
		const struct day_range *r = &except->ranges[i];

		if (r->first >= end)
			break;
		int64_t first = r->first < start ? start : r->first;
		int64_t last = r->last >= end ? end - 1 : r->last;
		days |= days_between((int32_t)(first - start) + 1, (int32_t)(last - start) + 1);
	}
	return days;
}

uint32_t month_days_firing(const struct schedule *s, int32_t year, int32_t month, int32_t start)
{
	int32_t length = month_length(year, month);
	int32_t first_weekday = (int32_t)((uint32_t)(start + 4) % WEEK);
	uint32_t days = days_by_rule(&s->days, length, first_weekday);

	if (__builtin_expect(s->except != NULL, 0))
		days &= ~excepted_days(s->except, month, start, length);
	return days;
}

bool month_is_excepted(const struct exceptions *except, int64_t day)
{
	struct civil_date date = civil_from_days(day);
	size_t i = first_range(except, day);

	return (except->yearly[date.month] >> date.day & 1) ||
	       (i < except->count && except->ranges[i].first <= day);
}

static bool year_can_fire(const struct schedule *s, int32_t year)
{
	for (uint32_t left = s->months; left; left &= left - 1) {
		int32_t month = __builtin_ctz(left);
		int32_t weekday = (month_start(year, month) + 4) % WEEK;

		if (days_by_rule(&s->days, month_length(year, month), weekday))
			return true;
	}
	return false;
}

/* A year's calendar is settled by its first weekday and whether it is leap. */
bool month_can_fire(const struct schedule *s)
{
	uint32_t seen = 0;

	for (int32_t year = FIRST_YEAR; year <= LAST_YEAR; year++) {
		uint32_t bit = (uint32_t)(year - FIRST_YEAR);
		int32_t weekday = (month_start(year, 1) + 4) % WEEK;
		uint32_t kind = UINT32_C(1) << (weekday * 2 + month_year_is_leap(year));

		if (!(s->years[bit / 64] >> bit % 64 & 1) || (seen & kind))
			continue;
		seen |= kind;
		if (year_can_fire(s, year))
			return true;
	}
	return false;
}
