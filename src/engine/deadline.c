/*
 * deadline.c - from due to done: how long a run has, whatever it waits for.
 *
 * What is left is counted once, when the run is claimed or taken over, and from then
 * on by the clock that nobody sets.
 */
#include "internal.h"
#include "str.h"

static struct utc due_at(const struct active_run *run)
{
	struct utc scheduled = run->run.scheduled_at;

	if (!utc_is_set(scheduled))
		return run->run.claimed_at;
	return utc_add(scheduled, schedule_jitter_ms(run->slot->job->schedule, scheduled));
}

void deadline_set(struct step *step, struct active_run *run)
{
	const struct job *job = run->slot->job;

	if (job->deadline_ms == 0)
		return;
	int64_t late_ms = step->now.utc.ms - due_at(run).ms;
	int64_t left_ms = job->deadline_ms - (late_ms > 0 ? late_ms : 0);

	run->deadline_ms = job->deadline_ms;
	heap_set(&step->engine->deadlines, &run->deadline,
		 step->now.mono.ms + (left_ms > 0 ? left_ms : 0));
	/* It was being stopped when belfry went down, and nobody knows by whom. */
	if (left_ms <= 0 && run->is_adopted && run->run.state == RUN_STOPPING)
		run->stop = STOP_DEADLINE;
}

int64_t deadline_attempt_ms(const struct step *step, struct active_run *run)
{
	int64_t timeout_ms = run->slot->job->timeout_ms;
	int64_t left_ms = run->deadline.key - step->now.mono.ms;

	run->is_cut_short = run->deadline.place && (timeout_ms == 0 || left_ms < timeout_ms);
	if (!run->is_cut_short)
		return timeout_ms;
	return left_ms > 0 ? left_ms : 1;
}

bool deadline_has_passed(const struct step *step, const struct active_run *run)
{
	return run->is_cut_short ||
	       (run->deadline_ms > 0 && run->deadline.key <= step->now.mono.ms);
}

const char *deadline_words(const struct step *step, const struct active_run *run)
{
	struct arena *arena = step->effects->arena;
	char deadline[DURATION_TEXT_MAX];
	const char *message = run->run.message;

	str_duration_format(run->deadline_ms, deadline);
	if (run->run.state == RUN_BACKOFF && !run->line)
		return arena_format(
			arena, "not done by its deadline (%s): waited for attempt %d%s%s", deadline,
			run->run.attempt, message ? "; before: " : "", message ? message : "");
	const char *why = run->line ? places_words(step->engine, run, arena)
				    : "the store did not take its claim";
	if (run->run.attempt > 1)
		return arena_format(arena, "attempt %d never started by the deadline (%s): %s",
				    run->run.attempt, deadline, why);
	return arena_format(arena, "never started by its deadline (%s): %s", deadline, why);
}
