/*
 * shape.h - what a schedule is made of, for those who count its fires instead of
 * walking from one to the next; and the same schedule with another rhythm.
 */
#ifndef BELFRY_SHAPE_H
#define BELFRY_SHAPE_H

#include "schedule.h"

#define SHAPE_ALL_SIXTY ((UINT64_C(1) << 60) - 1)
#define SHAPE_ALL_HOURS ((UINT32_C(1) << 24) - 1)

enum shape_kind {
	SHAPE_DAYS,   /* the same readings of the clock on each day that fires */
	SHAPE_PERIOD, /* every `period` seconds from `origin` */
	SHAPE_OTHER,  /* a single instant, or none */
};

struct shape {
	enum shape_kind kind;
	/* The readings: seconds x minutes x hours, or the list `times` of seconds of the
	 * day where it is not NULL. Borrowed from the schedule. */
	uint64_t seconds, minutes;
	uint32_t hours;
	bool follows_clock;
	const int32_t *times;
	size_t time_count;
	int64_t origin, period; /* UTC seconds */
	/* Fires lie in [not_before, not_from), UTC seconds. */
	int64_t not_before, not_from;
	bool has_exceptions;
};

struct shape shape_of(const struct schedule *schedule);

/* The days of a month on which it fires, bits 1-31, exceptions left out; none outside
 * the years of a schedule. For SHAPE_DAYS. */
uint32_t shape_days(const struct schedule *schedule, int32_t year, int32_t month);

/* A schedule with the zone, start, end and exceptions of `like`, but with another
 * expression (NULL: the same) and jitter. NULL where the expression does not parse. */
const struct schedule *shape_changed(struct arena *arena, const struct schedule *like,
				     const char *job_name, const char *cron, int64_t jitter_ms);

#endif
