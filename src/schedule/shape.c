/* shape.c - what a schedule is made of; see shape.h. */
#include "shape.h"

#include <string.h>

#include "month.h"
#include "rule.h"
#include "str.h"

static enum shape_kind kind_of(const struct schedule *s)
{
	switch ((enum schedule_kind)s->kind) {
	case KIND_FIELDS: return SHAPE_DAYS;
	case KIND_EVERY: return SHAPE_PERIOD;
	case KIND_AT:
	case KIND_REBOOT: break;
	}
	return SHAPE_OTHER;
}

struct shape shape_of(const struct schedule *s)
{
	return (struct shape){.kind = kind_of(s),
			      .seconds = s->seconds,
			      .minutes = s->minutes,
			      .hours = s->hours,
			      .follows_clock = s->follows_clock,
			      .times = s->times,
			      .time_count = s->times ? s->time_count : 0,
			      .origin = s->origin,
			      .period = s->period,
			      .not_before = s->not_before,
			      .not_from = s->not_from,
			      .has_exceptions = s->except != NULL};
}

uint32_t shape_days(const struct schedule *s, int32_t year, int32_t month)
{
	if (year < FIRST_YEAR || year > LAST_YEAR || !(s->months >> month & 1))
		return 0;
	uint32_t bit = (uint32_t)(year - FIRST_YEAR);
	if (!(s->years[bit / 64] >> bit % 64 & 1))
		return 0;
	return month_days_firing(s, year, month, month_start(year, month));
}

const struct schedule *shape_changed(struct arena *arena, const struct schedule *like,
				     const char *job_name, const char *cron, int64_t jitter_ms)
{
	struct schedule_context context = {.job_name = job_name, .zone = like->zone};
	const struct schedule *parsed = like;
	struct schedule_error error;

	if (cron && schedule_parse_cron(arena, cron, strlen(cron), &context, &parsed, &error, 1))
		return NULL;
	struct schedule *changed = arena_new(arena, struct schedule);
	*changed = *parsed;
	/* Jobs without jitter may share a schedule; with it each goes by its own name. */
	changed->name_hash = str_hash(STR_HASH_INIT, job_name, strlen(job_name));
	changed->not_before = like->not_before;
	changed->not_from = like->not_from;
	changed->except = like->except;
	changed->jitter_ms = jitter_ms;
	return changed;
}
