/* schedule_walk.h - what must hold for every schedule that a parser lets through. */
#ifndef BELFRY_SCHEDULE_WALK_H
#define BELFRY_SCHEDULE_WALK_H

#include "fuzz.h"
#include "schedule.h"

static inline void ignore_lint(void *context, const struct schedule_error *warning)
{
	(void)context;
	MUST(warning->message[0]);
}

/* Fires only go forward, the way back finds them, and words can be found for it. */
static inline void walk(const struct schedule *schedule)
{
	struct utc at = FUZZ_NOW, next, back;
	struct buf text = {0};
	int64_t local_s;

	for (int i = 0; i < 4 && schedule_next_after(schedule, at, &next); i++) {
		MUST(next.ms > at.ms && next.ms % 1000 == 0);
		MUST(schedule_prev_before(schedule, utc_add(next, 1), &back) && back.ms == next.ms);
		MUST(schedule_jitter_ms(schedule, next) <= schedule_jitter_max_ms(schedule));
		schedule_shift_of(schedule, next, &local_s);
		at = next;
	}
	MUST(schedule_equal(schedule, schedule));
	schedule_explain(schedule, &text);
	MUST(text.length > 0);
	buf_clear(&text);
	schedule_equivalent(schedule, &text);
	schedule_lint(schedule, FUZZ_NOW, ignore_lint, NULL);
	buf_finish(&text);
}

#endif
