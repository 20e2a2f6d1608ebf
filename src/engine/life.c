/*
 * life.c - the life of a run: a grid of state by what happened.
 *
 * Every cell is one short action. What has no cell cannot happen to a run in
 * that state, or happens late and no longer matters; both are passed over.
 */
#include <assert.h>
#include <string.h>

#include "internal.h"

/* How long an executor that promised to enforce a timeout may be overdue before
 * the engine asks for the stop itself. */
#define OVERDUE_MS  INT64_C(30000)
#define NO_TIMER_MS INT64_MAX

enum happening {
	H_RECORDED,
	H_CLAIM_LOST,
	H_STARTED,
	H_START_FAILED,
	H_EXITED,
	H_LOST,
	H_STOP,
	H_TIMER,
	H_DEADLINE,
	H_PAUSE,
	H_COUNT
};

/* What an action may need to know. */
struct cause {
	const struct event *event; /* NULL for STOP and what comes after it */
	enum stop_cause stop;
};

typedef void action_fn(struct step *step, struct active_run *run, const struct cause *cause);

/* ---- small steps the actions are made of ---- */

static void record_run(struct step *step, const struct active_run *run)
{
	struct effect *effect = effects_add(step->effects, EFFECT_RECORD);
	struct arena *arena = step->effects->arena;

	effect->record = (struct record){.kind = RECORD_RUN, .run = run->run};
	effect->record.run.job = arena_text(arena, run->run.job);
	if (run->run.message)
		effect->record.run.message = arena_text(arena, run->run.message);
	if (run->run.image)
		effect->record.run.image = arena_text(arena, run->run.image);
}

static void record_attempt(struct step *step, const struct active_run *run, enum outcome outcome,
			   const struct attempt_end *end, const char *message)
{
	struct effect *effect = effects_add(step->effects, EFFECT_RECORD);

	effect->record = (struct record){.kind = RECORD_ATTEMPT};
	effect->record.attempt = (struct attempt){
		.run = run->run.id,
		.number = run->run.attempt,
		.outcome = outcome,
		.started_at = end->started_at,
		.finished_at = end->finished_at,
		.exit_code = end->exit_code,
		.signal = end->signal,
		.message = message ? arena_text(step->effects->arena, message) : NULL,
	};
}

/* Changes what the executors are taken to be busy with, if anything changed. */
static void recount(struct step *step, struct active_run *run, bool was)
{
	bool is = runs_is_occupied(run);

	if (was == is)
		return;
	if (is)
		places_take(step->engine, run);
	else
		places_give_back(step->engine, run);
}

static void enter(struct step *step, struct active_run *run, enum run_state state)
{
	bool was = runs_is_occupied(run);

	run->run.state = state;
	recount(step, run, was);
}

/* The executor has answered what became of it. */
static void settle(struct step *step, struct active_run *run)
{
	bool was = runs_is_occupied(run);

	run->is_adopted = false;
	recount(step, run, was);
}

static void finish_at(struct step *step, struct active_run *run, enum outcome outcome,
		      const char *message, struct utc at)
{
	places_leave(step->engine, run);
	enter(step, run, RUN_FINISHED);
	run->run.outcome = outcome;
	run->run.finished_at = at;
	runs_set_message(run, message);
	record_run(step, run);
	struct effect *effect = effects_add(step->effects, EFFECT_FORGET);
	effect->run = run->run;
	effect->run.job = arena_text(step->effects->arena, run->run.job);
	effect->run.message = effect->run.image = NULL;
	runs_remove(step->engine, run);
}

static void finish(struct step *step, struct active_run *run, enum outcome outcome,
		   const char *message)
{
	finish_at(step, run, outcome, message, step->now.utc);
}

static void ask_stop(struct step *step, struct active_run *run)
{
	struct effect *effect = effects_add(step->effects, EFFECT_STOP);

	effect->run = run->run;
	effect->run.job = arena_text(step->effects->arena, run->run.job);
	effect->run.message = effect->run.image = NULL;
	effect->grace_ms = run->grace_ms;
	/* Asked again should nothing come of it. */
	heap_set(&step->engine->timers, &run->timer,
		 step->now.mono.ms + run->grace_ms + OVERDUE_MS);
}

static int64_t overdue_at(const struct step *step, const struct job *job)
{
	return job->timeout_ms > 0
		       ? step->now.mono.ms + job->timeout_ms + job->grace_ms + OVERDUE_MS
		       : NO_TIMER_MS;
}

/* Fly takes so many new Machines a second: until then the run waits for its turn, and its
 * time does not count. */
static bool starts_by_queue(const struct run *run)
{
	return run->executor == EXECUTOR_FLY;
}

static void start(struct step *step, struct active_run *run)
{
	const struct job *job = run->slot->job;
	struct effect *effect = effects_add(step->effects, EFFECT_START);
	int64_t overdue = overdue_at(step, job);

	enter(step, run, RUN_STARTING);
	run->grace_ms = job->grace_ms;
	runs_set_message(run, NULL);
	effect->run = run->run;
	effect->run.job = job->name;
	effect->run.message = effect->run.image = NULL;
	effect->job = job;
	effect->timeout_ms = deadline_attempt_ms(step, run);
	if (overdue != NO_TIMER_MS && !starts_by_queue(&run->run))
		heap_set(&step->engine->timers, &run->timer, overdue);
}

/* ---- actions ---- */

/* Nothing of a paused job starts but what somebody asks for. */
static bool is_paused(const struct active_run *run)
{
	return run->slot && run->slot->paused && !verdict_ignores_pause(&run->run);
}

static void end_for_pause(struct step *step, struct active_run *run)
{
	const char *before = run->run.message;

	if (run->run.state == RUN_CLAIMED)
		finish(step, run, OUTCOME_CANCELED, "the job was paused before the run started");
	else
		finish(step, run, run->before ? run->before : OUTCOME_FAILED,
		       arena_format(step->effects->arena, "%s%snot tried again: the job was paused",
				    before ? before : "", before ? "; " : ""));
}

static void line_up(struct step *step, struct active_run *run)
{
	if (is_paused(run))
		end_for_pause(step, run);
	else
		places_line_up(step->engine, run);
}

static void ready(struct step *step, struct active_run *run, const struct cause *cause)
{
	(void)cause;
	line_up(step, run);
	if (run->replaces && run->slot)
		evaluate_replace(step, run);
	run->replaces = false;
}

static void claim_lost(struct step *step, struct active_run *run, const struct cause *cause)
{
	(void)cause;
	tell_line(step, &run->run, false, "this instant was recorded before; not run again");
	runs_remove(step->engine, run);
}

/* It goes on under another engine, which sees to its timeout, and to a stop that may
 * not have arrived. */
static void take_charge(struct step *step, struct active_run *run)
{
	const struct job *job = run->slot ? run->slot->job : NULL;

	settle(step, run);
	if (job)
		run->grace_ms = job->grace_ms;
	if (run->stop != STOP_NONE)
		ask_stop(step, run);
	else if (job && overdue_at(step, job) != NO_TIMER_MS)
		heap_set(&step->engine->timers, &run->timer, overdue_at(step, job));
}

static void started(struct step *step, struct active_run *run, const struct cause *cause)
{
	bool was_adopted = run->is_adopted;

	run->held_up = 0;
	if (!utc_is_set(run->run.started_at))
		run->run.started_at = cause->event->at;
	if (cause->event->image)
		runs_set_image(run, cause->event->image);
	if (run->run.state != RUN_STOPPING)
		enter(step, run, run->stop == STOP_NONE ? RUN_RUNNING : RUN_STOPPING);
	record_run(step, run);
	if (was_adopted)
		take_charge(step, run);
	else if (starts_by_queue(&run->run) && run->slot && run->stop == STOP_NONE &&
		 overdue_at(step, run->slot->job) != NO_TIMER_MS)
		heap_set(&step->engine->timers, &run->timer, overdue_at(step, run->slot->job));
}

/* That it runs was recorded by an earlier life. */
static void goes_on(struct step *step, struct active_run *run, const struct cause *cause)
{
	(void)cause;
	if (run->is_adopted)
		take_charge(step, run);
}

/* The attempt is over; another one follows, or the run ends. */
static void conclude(struct step *step, struct active_run *run, const struct attempt_end *end,
		     enum outcome outcome, const char *message)
{
	const struct job *job = run->slot ? run->slot->job : NULL;
	bool is_final = (run->stop != STOP_NONE && run->stop != STOP_TIMEOUT) || is_paused(run);
	int64_t wait_ms = is_final ? -1 : verdict_retry(job, &run->run, outcome);

	heap_remove(&step->engine->timers, &run->timer);
	run->run.exit_code = end->exit_code;
	run->run.signal = end->signal;
	record_attempt(step, run, outcome, end, message);
	if (wait_ms < 0) {
		/* When it ended, which may be long before belfry was there to hear of it. */
		finish_at(step, run, outcome, message, end->finished_at);
		return;
	}
	run->stop = STOP_NONE;
	run->stop_asked_at = UTC_NONE;
	run->before = outcome;
	run->run.attempt++;
	run->is_unrecorded = true;
	enter(step, run, RUN_BACKOFF);
	runs_set_message(run, message);
	record_run(step, run);
	heap_set(&step->engine->timers, &run->timer, step->now.mono.ms + wait_ms);
}

static enum outcome outcome_of_no_start(enum stop_cause stop)
{
	switch (stop) {
	case STOP_NONE: return OUTCOME_FAILED;
	case STOP_TIMEOUT:
	case STOP_DEADLINE: return OUTCOME_TIMED_OUT;
	case STOP_CANCEL:
	case STOP_REPLACED: break;
	}
	return OUTCOME_CANCELED;
}

/* Its claim stands; it is tried again until it is too late to start it. */
static bool hold_up(struct step *step, struct active_run *run, const char *why)
{
	int64_t wait_ms = verdict_start_again(run, step->now.utc);

	if (wait_ms < 0 || run->stop != STOP_NONE)
		return false;
	if (run->held_up == 0)
		tell_line(step, &run->run, true, "cannot start for now, and is tried again: %s",
			  why ? why : "no reason told");
	if (run->held_up < INT16_MAX)
		run->held_up++;
	enter(step, run, RUN_CLAIMED);
	heap_set(&step->engine->timers, &run->timer, step->now.mono.ms + wait_ms);
	return true;
}

static void start_failed(struct step *step, struct active_run *run, const struct cause *cause)
{
	struct attempt_end end = {.started_at = UTC_NONE,
				  .finished_at = step->now.utc,
				  .exit_code = -1,
				  .processed = -1,
				  .failed = -1};

	const char *why = cause->event->message;

	settle(step, run);
	if (run->held_up > 0)
		why = arena_format(step->effects->arena, "cannot start, tried %d times: %s",
				   run->held_up + 1, why ? why : "no reason told");
	else if (cause->event->is_passing)
		why = arena_format(step->effects->arena, "cannot start: %s", why);
	run->held_up = 0;
	conclude(step, run, &end, outcome_of_no_start(run->stop), why);
}

static const char *stop_words(enum stop_cause stop)
{
	switch (stop) {
	case STOP_REPLACED: return "replaced by a newer run before it started";
	case STOP_DEADLINE: return "never started by its deadline: belfry was down";
	case STOP_NONE:
	case STOP_CANCEL:
	case STOP_TIMEOUT: break;
	}
	return "canceled before it started";
}

/* The earlier life had recorded the run, but it certainly never started. */
static void never_started(struct step *step, struct active_run *run, const struct cause *cause)
{
	bool is_late =
		utc_is_set(run->run.scheduled_at) && run->slot &&
		step->now.utc.ms - run->run.scheduled_at.ms > run->slot->job->catchup_window_ms;

	if (!run->is_adopted) {
		if (!cause->event->is_passing || !hold_up(step, run, cause->event->message))
			start_failed(step, run, cause);
		return;
	}
	enter(step, run, RUN_CLAIMED);
	settle(step, run);
	if (run->stop != STOP_NONE)
		finish(step, run, outcome_of_no_start(run->stop), stop_words(run->stop));
	else if (!run->slot)
		finish(step, run, OUTCOME_CANCELED, "the job was removed before the run started");
	else if (is_late)
		finish(step, run, OUTCOME_CANCELED,
		       "belfry was down when it was due; too late to start it now");
	else
		line_up(step, run);
}

static void add_up(struct run *run, const struct attempt_end *end)
{
	run->output_bytes += end->output_bytes;
	if (end->cpu_ms >= 0)
		run->cpu_ms = (run->cpu_ms < 0 ? 0 : run->cpu_ms) + end->cpu_ms;
	if (end->max_rss_kib > run->max_rss_kib)
		run->max_rss_kib = end->max_rss_kib;
	run->processed = end->has_result ? end->processed : -1;
	run->failed = end->has_result ? end->failed : -1;
	if (!utc_is_set(run->started_at))
		run->started_at = end->started_at;
}

/* What had ended before it was to be replaced, and is heard of later only, ended by
 * itself. To somebody who cancels it a promise was made. */
static enum stop_cause cause_of_end(const struct active_run *run, const struct attempt_end *end)
{
	bool came_late = run->stop == STOP_REPLACED && utc_is_set(run->stop_asked_at) &&
			 utc_is_set(end->finished_at) &&
			 end->finished_at.ms < run->stop_asked_at.ms;

	return came_late ? STOP_NONE : run->stop;
}

static void ended(struct step *step, struct active_run *run, const struct cause *cause)
{
	const struct attempt_end *end = &cause->event->end;
	const struct job *job = run->slot ? run->slot->job : NULL;
	enum stop_cause stop = cause_of_end(run, end);

	if (end->timed_out && run->stop == STOP_NONE && deadline_has_passed(step, run))
		stop = run->stop = STOP_DEADLINE;
	enum outcome outcome = verdict_outcome(job, stop, end);

	settle(step, run);
	add_up(&run->run, end);
	conclude(step, run, end, outcome,
		 verdict_message(step->effects->arena, outcome, stop, end));
}

static void lost(struct step *step, struct active_run *run, const struct cause *cause)
{
	struct attempt_end end = {.started_at = run->run.started_at,
				  .finished_at = step->now.utc,
				  .exit_code = -1,
				  .processed = -1,
				  .failed = -1};

	settle(step, run);
	conclude(step, run, &end, OUTCOME_UNKNOWN, cause->event->message);
}

/* Who has canceled it is not told later that it was replaced. */
static void note_stop(const struct step *step, struct active_run *run, enum stop_cause cause)
{
	if (run->stop == STOP_NONE)
		run->stop_asked_at = step->now.utc;
	if (run->stop != STOP_CANCEL)
		run->stop = cause;
}

static void stop_before_start(struct step *step, struct active_run *run, const struct cause *cause)
{
	finish(step, run, OUTCOME_CANCELED, stop_words(cause->stop));
}

/* Recorded by an earlier life: what became of it has to be known first. */
static void stop_waiting(struct step *step, struct active_run *run, const struct cause *cause)
{
	note_stop(step, run, cause->stop);
	if (run->is_adopted)
		ask_stop(step, run);
	else
		stop_before_start(step, run, cause);
}

static void stop(struct step *step, struct active_run *run, const struct cause *cause)
{
	if (run->stop == STOP_NONE)
		note_stop(step, run, cause->stop);
	enter(step, run, RUN_STOPPING);
	record_run(step, run);
	ask_stop(step, run);
}

/* By a timer, or by somebody who does not want it tried again either. */
static void stop_again(struct step *step, struct active_run *run, const struct cause *cause)
{
	if (cause->stop == STOP_CANCEL || cause->stop == STOP_REPLACED)
		note_stop(step, run, cause->stop);
	ask_stop(step, run);
}

/* One that was held up is tried again; of an adopted one the stop did not arrive. */
static void start_again(struct step *step, struct active_run *run, const struct cause *cause)
{
	if (run->is_adopted)
		stop_again(step, run, cause);
	else
		line_up(step, run);
}

static void overdue(struct step *step, struct active_run *run, const struct cause *cause)
{
	(void)cause;
	tell_line(step, &run->run, true, "still running after its timeout and grace; stopping it");
	stop(step, run, &(struct cause){.stop = STOP_TIMEOUT});
}

static void retry(struct step *step, struct active_run *run, const struct cause *cause)
{
	if (run->is_adopted) /* it is not its turn that has come: the stop did not arrive */
		stop_again(step, run, cause);
	else if (run->is_unrecorded)
		return; /* with the record: else a crash now could start the last one again */
	else if (run->slot)
		line_up(step, run);
	else
		finish(step, run, run->before ? run->before : OUTCOME_FAILED,
		       "the job was removed before it was tried again");
}

static void attempt_recorded(struct step *step, struct active_run *run, const struct cause *cause)
{
	bool was_unrecorded = run->is_unrecorded;

	run->is_unrecorded = false;
	if (was_unrecorded && !run->timer.place)
		retry(step, run, cause);
}

/* It has not been done in time, and does not run. */
static void expire(struct step *step, struct active_run *run, const struct cause *cause)
{
	(void)cause;
	if (run->is_adopted && run->stop == STOP_NONE)
		stop_waiting(step, run, &(struct cause){.stop = STOP_DEADLINE});
	else if (!run->is_adopted)
		finish(step, run, OUTCOME_TIMED_OUT, deadline_words(step, run));
}

static void expire_running(struct step *step, struct active_run *run, const struct cause *cause)
{
	(void)cause;
	tell_line(step, &run->run, true, "not done by its deadline; stopping it");
	stop(step, run, &(struct cause){.stop = STOP_DEADLINE});
}

/* Nor is it tried again, when it has ended. */
static void expire_stopping(struct step *step, struct active_run *run, const struct cause *cause)
{
	(void)step, (void)cause;
	if (run->stop == STOP_TIMEOUT)
		run->stop = STOP_DEADLINE;
}

/* What an executor was asked about has to be known first; then it does not line up. */
static void pause_waiting(struct step *step, struct active_run *run, const struct cause *cause)
{
	(void)cause;
	if (!run->is_adopted && is_paused(run))
		end_for_pause(step, run);
}

static action_fn *const grid[RUN_STATE_COUNT][H_COUNT] = {
	[RUN_CLAIMED] = {[H_RECORDED] = ready,
			 [H_CLAIM_LOST] = claim_lost,
			 [H_STARTED] = started,
			 [H_START_FAILED] = never_started,
			 [H_EXITED] = ended,
			 [H_LOST] = lost,
			 [H_STOP] = stop_waiting,
			 [H_TIMER] = start_again,
			 [H_DEADLINE] = expire,
			 [H_PAUSE] = pause_waiting},
	[RUN_STARTING] = {[H_STARTED] = started,
			  [H_START_FAILED] = never_started,
			  [H_EXITED] = ended,
			  [H_LOST] = lost,
			  [H_STOP] = stop,
			  [H_TIMER] = overdue,
			  [H_DEADLINE] = expire_running},
	[RUN_RUNNING] = {[H_STARTED] = goes_on,
			 [H_START_FAILED] = start_failed,
			 [H_EXITED] = ended,
			 [H_LOST] = lost,
			 [H_STOP] = stop,
			 [H_TIMER] = overdue,
			 [H_DEADLINE] = expire_running},
	[RUN_STOPPING] = {[H_STARTED] = started,
			  [H_START_FAILED] = start_failed,
			  [H_EXITED] = ended,
			  [H_LOST] = lost,
			  [H_STOP] = stop_again,
			  [H_TIMER] = stop_again,
			  [H_DEADLINE] = expire_stopping},
	[RUN_BACKOFF] = {[H_RECORDED] = attempt_recorded,
			 [H_STARTED] = started,
			 [H_START_FAILED] = never_started,
			 [H_EXITED] = ended,
			 [H_LOST] = lost,
			 [H_STOP] = stop_waiting,
			 [H_TIMER] = retry,
			 [H_DEADLINE] = expire,
			 [H_PAUSE] = pause_waiting},
};

static void happen(struct step *step, struct active_run *run, enum happening what,
		   const struct cause *cause)
{
	action_fn *action = grid[run->run.state][what];

	if (action)
		action(step, run, cause);
}

/* ---- the doors ---- */

static const enum happening happening_of[] = {
	[EVENT_RECORDED] = H_RECORDED, [EVENT_CLAIM_LOST] = H_CLAIM_LOST,
	[EVENT_STARTED] = H_STARTED,   [EVENT_START_FAILED] = H_START_FAILED,
	[EVENT_EXITED] = H_EXITED,     [EVENT_LOST] = H_LOST,
	[EVENT_CANCEL] = H_STOP,
};

void life_event(struct step *step, const struct event *event)
{
	struct active_run *run = runs_find(step->engine, event->run);
	bool is_answer = event->kind == EVENT_STARTED || event->kind == EVENT_START_FAILED ||
			 event->kind == EVENT_EXITED || event->kind == EVENT_LOST;

	/* An executor can only know of a claim that it was asked about: an adopted one. */
	bool is_early = is_answer && run && run->run.state == RUN_CLAIMED && !run->is_adopted;

	if (!run || is_early || (is_answer && event->attempt != run->run.attempt))
		return;
	happen(step, run, happening_of[event->kind],
	       &(struct cause){.event = event, .stop = STOP_CANCEL});
}

void life_stop(struct step *step, struct active_run *run, enum stop_cause cause)
{
	happen(step, run, H_STOP, &(struct cause){.stop = cause});
}

void life_pause(struct step *step, struct active_run *run)
{
	happen(step, run, H_PAUSE, &(struct cause){0});
}

static void ring(struct step *step, struct heap *heap, size_t offset, enum happening what)
{
	struct heap_item *top;

	while ((top = heap_top(heap)) && top->key <= step->now.mono.ms) {
		struct active_run *run = (struct active_run *)(void *)((char *)top - offset);

		heap_remove(heap, top);
		happen(step, run, what, &(struct cause){0});
	}
}

void life_timers(struct step *step)
{
	struct engine *engine = step->engine;

	ring(step, &engine->deadlines, offsetof(struct active_run, deadline), H_DEADLINE);
	ring(step, &engine->timers, offsetof(struct active_run, timer), H_TIMER);
}

void life_start_waiting(struct step *step)
{
	struct engine *engine = step->engine;
	struct active_run *run;

	while (!engine->draining && (run = places_next(engine))) {
		if (run->slot)
			start(step, run);
		else
			finish(step, run, OUTCOME_CANCELED,
			       "the job was removed before the run started");
	}
}

static struct active_run *adopt(struct engine *engine, const struct run *run)
{
	struct active_run *adopted = runs_add(engine, run, NULL);

	assert(run->state != RUN_FINISHED);
	adopted->is_adopted = true;
	engine->running += runs_is_occupied(adopted);
	/* Where the job's own grace is not known, a middling one serves. */
	adopted->grace_ms = 10000;
	if (run->state == RUN_STOPPING)
		adopted->stop = STOP_CANCEL;
	return adopted;
}

void life_adopt(struct engine *engine, const struct run *run)
{
	adopt(engine, run);
}

void life_take_over(struct step *step, const struct run *run)
{
	struct engine *engine = step->engine;
	struct active_run *adopted;

	if (runs_find(engine, run->id))
		return;
	adopted = adopt(engine, run);
	adopted->slot = slots_find(engine, run->job);
	if (!adopted->slot)
		return;
	deadline_set(step, adopted);
	if (run->dry_run)
		return;
	adopted->slot->active++;
	adopted->slot->occupied++;
	adopted->group = adopted->slot->group;
	if (adopted->group)
		adopted->group->occupied++;
}

void life_take_handed(struct step *step, const struct run *run)
{
	struct slot *slot = slots_find(step->engine, run->job);
	struct active_run *added;

	if (runs_find(step->engine, run->id))
		return;
	added = runs_add(step->engine, run, slot);
	if (slot)
		deadline_set(step, added);
	if (slot && slot->job->overlap == OVERLAP_REPLACE && !run->dry_run)
		evaluate_replace(step, added);
	line_up(step, added);
}
