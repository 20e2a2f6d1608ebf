/*
 * forecast_remedy.h - jobs that pile up on the hour, and what would spread them: H in
 * the expression, or jitter. What each comes to is counted, not guessed. Pure.
 */
#ifndef BELFRY_FORECAST_REMEDY_H
#define BELFRY_FORECAST_REMEDY_H

#include "forecast_count.h"

enum {
	PILE_UP_LEAST = 5, /* jobs in one second */
	PILE_UPS_MAX = 5,
	PILE_UP_NAMES_MAX = 3,
};

/* What to write instead, in so many jobs. */
struct respelling {
	const char *from, *to;
	size_t job_count;
};

struct pile_up {
	struct forecast_second at;
	const char *names[PILE_UP_NAMES_MAX];
	struct respelling *respellings; /* most jobs first */
	size_t respelling_count;
	size_t respelt;       /* jobs in all that could be written with H */
	uint32_t peak_with_h; /* then, within that hour */
	int64_t jitter_ms;    /* 0: all have jitter already */
	uint32_t peak_with_jitter;
};

/* The pile-ups of a forecast, the largest first. Returns how many; texts are in the
 * arena. */
size_t pile_ups_find(const struct forecast_question *question, const struct forecast *forecast,
		     struct arena *arena, struct pile_up out[PILE_UPS_MAX]);

/* The same expression with H where it names minute 0 (or every minute), so that jobs
 * spread out; NULL where there is no such form. */
const char *h_form(struct arena *arena, const struct forecast_job *job);

#endif
