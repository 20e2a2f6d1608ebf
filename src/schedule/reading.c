/*
 * reading.c - walking the sets of a schedule; see reading.h.
 *
 * Each step is a shift and a count of zero bits. Only months are stepped
 * through one by one, those the schedule names, until one has a day that fires.
 */
#include "reading.h"

#include "month.h"

enum { NO_TIME = -1, HOUR_S = 3600, MINUTE_S = 60, NO_YEAR = 0 };

static int32_t lowest(uint64_t set)
{
	return __builtin_ctzll(set);
}

static int32_t highest(uint64_t set)
{
	return 63 - __builtin_clzll(set);
}

/* Those of the set above / below n, for n of 0 to 62. */
static uint64_t above(uint64_t set, int32_t n)
{
	return set & (~UINT64_C(1) << n);
}

static uint64_t below(uint64_t set, int32_t n)
{
	return set & ((UINT64_C(1) << n) - 1);
}

static bool has(uint64_t set, int32_t n)
{
	return set >> n & 1;
}

/* Lists of times that are no product of hours and minutes. */

static int32_t listed_time_from(const struct schedule *s, int32_t time)
{
	uint32_t low = 0, high = s->time_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (s->times[middle] < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->time_count ? s->times[low] : NO_TIME;
}

static int32_t listed_time_to(const struct schedule *s, int32_t time)
{
	uint32_t low = 0, high = s->time_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (s->times[middle] <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? s->times[low - 1] : NO_TIME;
}

static int32_t first_time(const struct schedule *s)
{
	if (s->times)
		return s->times[0];
	return lowest(s->hours) * HOUR_S + lowest(s->minutes) * MINUTE_S + lowest(s->seconds);
}

static int32_t last_time(const struct schedule *s)
{
	if (s->times)
		return s->times[s->time_count - 1];
	return highest(s->hours) * HOUR_S + highest(s->minutes) * MINUTE_S + highest(s->seconds);
}

/* The first matching second of the day at or after one; NO_TIME for none. */
static int32_t time_from(const struct schedule *s, int32_t time)
{
	if (s->times)
		return listed_time_from(s, time);
	int32_t hour = time / HOUR_S, minute = time / MINUTE_S % 60, second = time % 60;

	if (has(s->hours, hour)) {
		if (has(s->minutes, minute) && s->seconds >> second)
			return time + lowest(s->seconds >> second);
		uint64_t minutes = above(s->minutes, minute);
		if (minutes)
			return hour * HOUR_S + lowest(minutes) * MINUTE_S + lowest(s->seconds);
	}
	uint64_t hours = above(s->hours, hour);
	if (!hours)
		return NO_TIME;
	return lowest(hours) * HOUR_S + lowest(s->minutes) * MINUTE_S + lowest(s->seconds);
}

/* The last matching second of the day at or before one; NO_TIME for none. */
static int32_t time_to(const struct schedule *s, int32_t time)
{
	if (s->times)
		return listed_time_to(s, time);
	int32_t hour = time / HOUR_S, minute = time / MINUTE_S % 60, second = time % 60;

	if (has(s->hours, hour)) {
		uint64_t seconds = below(s->seconds, second + 1);
		if (has(s->minutes, minute) && seconds)
			return hour * HOUR_S + minute * MINUTE_S + highest(seconds);
		uint64_t minutes = below(s->minutes, minute);
		if (minutes)
			return hour * HOUR_S + highest(minutes) * MINUTE_S + highest(s->seconds);
	}
	uint64_t hours = below(s->hours, hour);
	if (!hours)
		return NO_TIME;
	return highest(hours) * HOUR_S + highest(s->minutes) * MINUTE_S + highest(s->seconds);
}

/* The first year of the schedule at or after one; NO_YEAR for none. */
static int32_t year_from(const struct schedule *s, int32_t year)
{
	int32_t n = year - FIRST_YEAR;

	for (int32_t word = n / 64; word < YEAR_WORDS; word++, n = word * 64) {
		uint64_t left = s->years[word] >> n % 64;

		if (left)
			return FIRST_YEAR + n + lowest(left);
	}
	return NO_YEAR;
}

static int32_t year_to(const struct schedule *s, int32_t year)
{
	int32_t n = year - FIRST_YEAR;

	for (int32_t word = n / 64; n >= 0 && word >= 0; n = word * 64 - 1, word--) {
		uint64_t left = s->years[word] << (63 - n % 64);

		if (left)
			return FIRST_YEAR + n - 63 + highest(left);
	}
	return NO_YEAR;
}

/* The first firing day in a later month than the one given. */
static int64_t day_after_month(const struct schedule *s, int32_t year, int32_t month)
{
	uint64_t months = year_from(s, year) == year ? above(s->months, month) : 0;

	for (;;) {
		for (; months; months &= months - 1) {
			int32_t start = month_start(year, lowest(months));
			uint32_t days = month_days_firing(s, year, lowest(months), start);

			if (days)
				return start + lowest(days) - 1;
		}
		if (year == LAST_YEAR || (year = year_from(s, year + 1)) == NO_YEAR)
			return NO_READING;
		months = s->months;
	}
}

/* The last firing day in an earlier month than the one given. */
static int64_t day_before_month(const struct schedule *s, int32_t year, int32_t month)
{
	uint64_t months = year_to(s, year) == year ? below(s->months, month) : 0;

	for (;;) {
		for (; months; months = below(months, highest(months))) {
			int32_t start = month_start(year, highest(months));
			uint32_t days = month_days_firing(s, year, highest(months), start);

			if (days)
				return start + highest(days) - 1;
		}
		if (year == FIRST_YEAR || (year = year_to(s, year - 1)) == NO_YEAR)
			return NO_READING_BELOW;
		months = s->months;
	}
}

static bool month_is_named(const struct schedule *s, const struct month_day *date)
{
	int32_t n = date->year - FIRST_YEAR;

	return has(s->months, date->month) && has(s->years[n / 64], n % 64);
}

int64_t reading_from(const struct schedule *s, int64_t reading)
{
	if (reading < FIRST_READING)
		reading = FIRST_READING;
	if (reading >= READINGS_END)
		return NO_READING;
	uint32_t today = (uint32_t)((uint64_t)reading / (uint64_t)DAY_S);
	struct month_day date = month_day_of(today);
	int64_t day = NO_READING;

	if (month_is_named(s, &date)) {
		int32_t start = (int32_t)today - date.day + 1;
		uint32_t days = month_days_firing(s, date.year, date.month, start);

		if (has(days, date.day)) {
			int32_t time = time_from(s, (int32_t)(reading - today * DAY_S));
			if (time != NO_TIME)
				return today * DAY_S + time;
		}
		uint64_t later = above(days, date.day);
		if (later)
			day = start + lowest(later) - 1;
	}
	if (day == NO_READING)
		day = day_after_month(s, date.year, date.month);
	return day == NO_READING ? NO_READING : day * DAY_S + first_time(s);
}

int64_t reading_to(const struct schedule *s, int64_t reading)
{
	if (reading >= READINGS_END)
		reading = READINGS_END - 1;
	if (reading < FIRST_READING)
		return NO_READING_BELOW;
	uint32_t today = (uint32_t)((uint64_t)reading / (uint64_t)DAY_S);
	struct month_day date = month_day_of(today);
	int64_t day = NO_READING_BELOW;

	if (month_is_named(s, &date)) {
		int32_t start = (int32_t)today - date.day + 1;
		uint32_t days = month_days_firing(s, date.year, date.month, start);

		if (has(days, date.day)) {
			int32_t time = time_to(s, (int32_t)(reading - today * DAY_S));
			if (time != NO_TIME)
				return today * DAY_S + time;
		}
		uint64_t earlier = below(days, date.day);
		if (earlier)
			day = start + highest(earlier) - 1;
	}
	if (day == NO_READING_BELOW)
		day = day_before_month(s, date.year, date.month);
	return day == NO_READING_BELOW ? NO_READING_BELOW : day * DAY_S + last_time(s);
}
