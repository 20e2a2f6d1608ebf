/* field_kind.c - the seven fields: their words, ranges and names. */
#include "field.h"

static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
				     "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const weekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static const struct field_kind kinds[FIELD_COUNT] = {
	[FIELD_SECOND] = {"second", 0, 59, 59, .like = "a second is 0-59, as in 0, */10 or 0,30"},
	[FIELD_MINUTE] = {"minute", 0, 59, 59, .like = "a minute is 0-59, as in 5, */15 or 0,30"},
	[FIELD_HOUR] = {"hour", 0, 23, 23, .like = "an hour is 0-23, as in 9, 9-17 or */6"},
	[FIELD_MONTH_DAY] = {"day-of-month", 1, 31, 31,
			     .like = "a day-of-month is 1-31, L, L-3, LW or 15W"},
	[FIELD_MONTH] = {"month", 1, 12, 12, months, 12, 1, "a month is 1-12 or JAN-DEC"},
	[FIELD_WEEKDAY] = {"day-of-week", 0, 7, 6, weekdays, 7, 0,
			   "a day-of-week is 0-7, SUN-SAT, MON#2 or FRI#L"},
	[FIELD_YEAR] = {"year", FIRST_YEAR, LAST_YEAR, LAST_YEAR,
			.like = "a year is 1970-2199, as in 2027 or 2026-2030"},
};

const struct field_kind *field_kind(enum field field)
{
	return &kinds[field];
}
