/*
 * civil.h - the proleptic Gregorian calendar on plain integers.
 *
 * Days are counted from 1970-01-01. The algorithms are the well-known ones
 * over 400-year eras (H. Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms"); valid for every year within +-5 million.
 */
#ifndef BELFRY_CIVIL_H
#define BELFRY_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

struct civil_date {
	int32_t year;
	int32_t month; /* 1-12 */
	int32_t day;   /* 1-31 */
};

int64_t civil_days(int32_t year, int32_t month, int32_t day);
struct civil_date civil_from_days(int64_t days);

static inline bool civil_is_leap(int32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days in the month, 28-31. */
int32_t civil_month_length(int32_t year, int32_t month);

/* Day of the week of a day count, 0 = Sunday. */
static inline int32_t civil_weekday(int64_t days)
{
	int64_t w = (days + 4) % 7;

	return (int32_t)(w < 0 ? w + 7 : w);
}

#endif
