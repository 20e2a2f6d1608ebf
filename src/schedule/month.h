/*
 * month.h - which days of one month a schedule fires on, and the calendar
 * arithmetic on the years 1970 to 2199 that this needs, in a few nanoseconds.
 */
#ifndef BELFRY_MONTH_H
#define BELFRY_MONTH_H

#include "rule.h"

/* Year, month and day of a day count, for 0 <= days < 84006.
 * C. Neri, L. Schneider, "Euclidean affine functions and their application to
 * calendar algorithms" (2022), section 7; our own code. */
struct month_day {
	int32_t year, month, day;
};
static inline struct month_day month_day_of(uint32_t days)
{
	uint32_t n = 4 * (days + 719468) + 3;
	uint32_t century = n / 146097;
	uint32_t in_century = n % 146097 / 4;
	uint64_t p = UINT64_C(2939745) * (4 * in_century + 3);
	uint32_t year = (uint32_t)(p >> 32);
	uint32_t day_of_year = (uint32_t)p / 2939745 / 4;
	uint32_t q = 2141 * day_of_year + 197913;
	uint32_t month = q >> 16, next_year = day_of_year >= 306;

	return (struct month_day){
		.year = (int32_t)(100 * century + year + next_year),
		.month = (int32_t)(next_year ? month - 12 : month),
		.day = (int32_t)((q & 0xffff) / 2141 + 1),
	};
}

static inline bool month_year_is_leap(int32_t year)
{
	return year % 4 == 0 && year != 2100;
}

static inline int32_t month_length(int32_t year, int32_t month)
{
	/* 30 or 31 by the parity trick, February apart. */
	if (month == 2)
		return month_year_is_leap(year) ? 29 : 28;
	return 30 + ((month + (month >> 3)) & 1);
}

/* Days since 1970-01-01 of a month's first day. */
static inline int32_t month_start(int32_t year, int32_t month)
{
	static const int16_t before[13] = {0,   0,   31,  59,  90,  120, 151,
					   181, 212, 243, 273, 304, 334};
	int32_t y = year - 1970;
	int32_t leap_days = (y + 1) / 4 - (year > 2100);

	return y * 365 + leap_days + before[month] + (month > 2 && month_year_is_leap(year));
}

/* The days that fire, bits 1-31. start is month_start(year, month). */
uint32_t month_days_firing(const struct schedule *s, int32_t year, int32_t month, int32_t start);

/* Whether any date from 1970 to 2199 is in the schedule (exceptions aside), by
 * looking at the 14 kinds of years that there are. */
bool month_can_fire(const struct schedule *s);

/* Whether a day (since 1970-01-01) is in the exceptions. */
bool month_is_excepted(const struct exceptions *except, int64_t day);

#endif
