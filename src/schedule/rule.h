/*
 * rule.h - the inside of struct schedule, for files of this folder only.
 *
 * A schedule is a set of wall clock readings as bits: one per second, minute,
 * hour, day, month and year that it names. Bit n stands for the value n, except
 * where said otherwise.
 */
#ifndef BELFRY_RULE_H
#define BELFRY_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule.h"

enum { FIRST_YEAR = 1970, LAST_YEAR = 2199, YEAR_WORDS = 4 };
#define DAY_S            INT64_C(86400)
#define FIRST_READING    INT64_C(0)          /* 1970-01-01 00:00:00 on the wall clock */
#define READINGS_END     INT64_C(7258118400) /* 2200-01-01 00:00:00 */
#define NO_READING       INT64_MAX
#define NO_READING_BELOW INT64_MIN

enum schedule_kind { KIND_FIELDS, KIND_EVERY, KIND_AT, KIND_REBOOT };

/* Which days of a month: two sets and how they combine. */
struct day_rule {
	uint32_t month_days; /* bits 1-31 */
	uint32_t from_last;  /* bit n: n days before the last day (L-n) */
	uint32_t nearest;    /* bit d: the weekday nearest to day d (dW) */
	uint8_t weekdays;    /* bits 0-6, 0 is Sunday */
	uint8_t nth[7];      /* of each weekday; bit k-1: the k-th (d#k), bit 5: the last */
	bool last_weekday;   /* the last Monday to Friday (LW) */
	bool has_nth;
	bool either; /* a day in one of the sets is enough */
	bool plain;  /* only month_days and weekdays are in use */
};
enum { NTH_LAST = 5 };

/* Dates on which nothing fires. */
struct day_range {
	int64_t first, last; /* days since 1970-01-01, both included */
};
struct exceptions {
	uint32_t yearly[13];      /* by month, bits 1-31 */
	struct day_range *ranges; /* ascending, disjoint */
	size_t count;
};

struct schedule {
	/* KIND_FIELDS: the readings */
	uint64_t seconds, minutes;
	uint64_t years[YEAR_WORDS]; /* bit n: the year 1970 + n */
	uint32_t hours;
	uint16_t months; /* bits 1-12 */
	bool follows_clock;
	bool from_calendar; /* written in the calendar form */
	struct day_rule days;
	const int32_t *times; /* seconds of the day, ascending; NULL: seconds x minutes x hours */
	uint32_t time_count;
	uint8_t kind; /* enum schedule_kind */
	bool every_is_calendar;
	bool has_offset; /* KIND_AT: written with an offset from UTC */
	/* KIND_EVERY: origin + n * period. KIND_AT: origin. UTC seconds. */
	int64_t origin, period;
	/* Around: fires lie in [not_before, not_from); UTC seconds. */
	int64_t not_before, not_from;
	int64_t jitter_ms;
	uint64_t name_hash;
	const struct exceptions *except; /* NULL: none */
	const struct zone *zone;
	const char *text; /* as written, without CRON_TZ=; for explaining and lints */
};

_Static_assert(sizeof(struct schedule) <= 256, "a million schedules are promised 256 bytes each");

#endif
