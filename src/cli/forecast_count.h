/*
 * forecast_count.h - how many jobs start when, counted exactly and without walking
 * from fire to fire where that can be avoided. Pure.
 */
#ifndef BELFRY_FORECAST_COUNT_H
#define BELFRY_FORECAST_COUNT_H

#include "schedule.h"

enum { FORECAST_BUSIEST_MAX = 1000, FORECAST_WEEKDAYS = 7, FORECAST_HOURS = 24 };

struct forecast_job {
	const char *name, *text; /* the schedule as written */
	const struct schedule *schedule;
};

/* Called now and then while it counts. */
typedef void forecast_progress_fn(void *context, double share);

struct forecast_question {
	const struct forecast_job *jobs;
	size_t job_count;
	int64_t from_s, to_s;    /* starts in [from, to), UTC seconds */
	const struct zone *zone; /* whose hours and weekdays */
	size_t busiest_max;
	forecast_progress_fn *progress; /* may be NULL */
	void *context;
};

struct forecast_second {
	int64_t at_s;
	uint32_t count;
};

struct forecast {
	uint64_t total;
	uint64_t by_hour[FORECAST_WEEKDAYS][FORECAST_HOURS]; /* Monday first */
	/* Of starts at minute 0, second 0: how many in all, and for each hour of the day
	 * the fullest of them. */
	uint64_t on_the_hour;
	struct forecast_second fullest[FORECAST_HOURS];
	/* Most starts first, then by time. */
	struct forecast_second busiest[FORECAST_BUSIEST_MAX];
	size_t busiest_count;
};

void forecast_count(const struct forecast_question *question, struct forecast *out);

/* Whether a run of it starts in that second, jitter applied. */
bool forecast_starts_in(const struct schedule *schedule, int64_t second);

/* The first few jobs that start in that second, in the order of the jobs. Returns how
 * many names there are. */
size_t forecast_names(const struct forecast_question *question, int64_t second, const char **names,
		      size_t max);

/* The starts in [from, to) one by one, jitter applied, in the order of their schedule. */
struct forecast_walk {
	const struct schedule *schedule;
	int64_t from_s, to_s;
	bool has_begun;
	struct utc scheduled, start; /* of the latest */
};
bool forecast_walk_next(struct forecast_walk *walk);

#endif
