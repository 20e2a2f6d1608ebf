/* absence.c - notices that nobody looked for a while; see absence.h. */
#include "absence.h"

/* The engine's own bound for a clock that was set forward over what was due. */
#define FORWARD_LEAST_MS INT64_C(60000)

static void open_downtime(struct absence_watch *watch, enum absence kind, struct utc since,
			  struct utc until, bool is_exact)
{
	watch->is_open = true;
	watch->downtime = (struct downtime){
		.kind = kind, .since = utc_min(since, until), .until = until, .is_exact = is_exact};
}

void absence_boot(struct absence_watch *watch, struct now now, struct utc left_at,
		  struct utc seen_at)
{
	bool is_known = utc_is_set(left_at);

	if (is_known || utc_is_set(seen_at))
		open_downtime(watch, ABSENCE_DOWN, is_known ? left_at : seen_at, now.utc, is_known);
}

static int64_t lateness(const struct engine_wake *armed, struct now now)
{
	int64_t by_utc = utc_is_set(armed->utc) ? now.utc.ms - armed->utc.ms : -1;
	int64_t by_mono = armed->mono.ms != INT64_MAX ? now.mono.ms - armed->mono.ms : -1;
	int64_t late = by_utc > by_mono ? by_utc : by_mono;

	return late < 0 ? -1 : late;
}

void absence_begin(struct absence_watch *watch, struct now now, int64_t asleep_ms, int64_t *late_ms)
{
	*late_ms = -1;
	if (!watch->has_turn || watch->is_open)
		return;
	int64_t slept = asleep_ms - watch->asleep_ms;
	int64_t passed = now.mono.ms - watch->last.mono.ms;
	int64_t forward = now.utc.ms - watch->last.utc.ms - passed;

	if (slept >= ABSENCE_LEAST_MS) {
		open_downtime(watch, ABSENCE_ASLEEP, utc_add(now.utc, -slept), now.utc, true);
		return;
	}
	if (forward >= FORWARD_LEAST_MS) {
		open_downtime(watch, ABSENCE_SET_FORWARD, utc_add(now.utc, -forward), now.utc,
			      true);
		return;
	}
	*late_ms = lateness(&watch->armed, now);
	if (*late_ms >= ABSENCE_LEAST_MS)
		open_downtime(watch, ABSENCE_STALLED, utc_add(now.utc, -*late_ms), now.utc, true);
}

/* What falls due while belfry is there again is no part of it. Of a life that has ended
 * nothing was decided, whenever it was due. */
static bool is_within(const struct downtime *downtime, struct utc scheduled)
{
	return utc_is_set(scheduled) && scheduled.ms < downtime->until.ms &&
	       (downtime->kind == ABSENCE_DOWN || scheduled.ms >= downtime->since.ms);
}

void absence_note(struct absence_watch *watch, const struct record *record, const struct job *job)
{
	struct downtime *downtime = &watch->downtime;

	if (!watch->is_open)
		return;
	if (record->kind == RECORD_CLAIM && is_within(downtime, record->run.scheduled_at))
		downtime->counts.caught_up++;
	else if (record->kind == RECORD_OCCURRENCE &&
		 is_within(downtime, record->occurrence.scheduled_at))
		downtime_count(&downtime->counts, job, &record->occurrence);
}

bool absence_close(struct absence_watch *watch, struct downtime *downtime)
{
	if (!watch->is_open)
		return false;
	watch->is_open = false;
	*downtime = watch->downtime;
	return true;
}

void absence_end(struct absence_watch *watch, struct now now, int64_t asleep_ms,
		 const struct engine_wake *armed)
{
	watch->has_turn = true;
	watch->last = now;
	watch->asleep_ms = asleep_ms;
	watch->armed = *armed;
}
