/*
 * turn.c - one turn of the loop: decide, act, forget.
 *
 * Everything that happened since the last turn waits in the inbox. The engine
 * decides; records go to the store first, then executors are called; what they
 * answer at once is taken up in the same turn.
 */
#include "clock.h"
#include "internal.h"
#include "log.h"

static void say(const struct effect *effect)
{
	char id[RUN_ID_TEXT_MAX];
	struct log_about about = {.job = effect->run.job};

	if (effect->run.id)
		about.run = run_id_format(effect->run.id, id);
	log_event(effect->is_warning ? LOG_WARN : LOG_INFO, about, "%s", effect->text);
}

static void say_run(const struct run *run)
{
	char id[RUN_ID_TEXT_MAX];
	struct log_about about = {.job = run->job, .run = run_id_format(run->id, id)};
	bool is_bad = run->outcome == OUTCOME_FAILED || run->outcome == OUTCOME_TIMED_OUT ||
		      run->outcome == OUTCOME_UNKNOWN;

	if (run->state == RUN_FINISHED)
		log_event(is_bad ? LOG_ERROR : LOG_INFO, about, "%s%s%s%s",
			  outcome_word(run->outcome), run->message ? ": " : "",
			  run->message ? run->message : "", run->dry_run ? " (dry run)" : "");
	else if (run->state == RUN_BACKOFF)
		log_event(LOG_WARN, about, "attempt %d failed: %s; trying again", run->attempt - 1,
			  run->message ? run->message : "no reason told");
	else
		log_event(LOG_DEBUG, about, "%s", run_state_word(run->state));
}

static void say_record(const struct record *record)
{
	char at[UTC_TEXT_MAX];

	if (record->kind == RECORD_RUN) {
		say_run(&record->run);
	} else if (record->kind == RECORD_OCCURRENCE) {
		const struct occurrence *o = &record->occurrence;

		log_event(LOG_WARN, (struct log_about){.job = o->job}, "%s (%s): %lld due from %s",
			  occurrence_state_word(o->state), reason_word(o->reason),
			  (long long)o->count, utc_format(o->scheduled_at, at));
	}
}

/* The attempt has its own time: its timeout, or what is left until the deadline. */
static void start(struct executor *executor, const struct effect *effect)
{
	struct job job = *effect->job;

	job.timeout_ms = effect->timeout_ms;
	executor->ops->start(executor, &job, &effect->run);
}

static void perform(struct daemon *daemon, struct effect *effect, struct mono now)
{
	struct executor *executor = daemon->executors[effect->run.executor];

	switch (effect->kind) {
	case EFFECT_RECORD:
		say_record(&effect->record);
		recorder_add(&daemon->recorder, &effect->record, now);
		break;
	case EFFECT_START: start(executor, effect); break;
	case EFFECT_STOP: executor->ops->stop(executor, effect->run.id, effect->grace_ms); break;
	case EFFECT_FORGET:
		recorder_forget(&daemon->recorder, effect->run.executor, effect->run.id);
		break;
	case EFFECT_TELL: say(effect); break;
	}
}

static void perform_all(struct daemon *daemon, struct mono now)
{
	/* Performing may push events, never effects: the list does not move. */
	for (size_t i = 0; i < daemon->effects.count; i++)
		perform(daemon, &daemon->effects.items[i], now);
	arena_reset(&daemon->turn);
	daemon->effects = (struct effects){.arena = &daemon->turn};
}

void turn_step(struct daemon *daemon, struct event *event)
{
	struct now now = clock_now();

	engine_step(daemon->engine, now, event, &daemon->effects);
}

static void arm(struct daemon *daemon)
{
	struct engine_wake wake = engine_next_wake(daemon->engine);
	struct mono due = recorder_due(&daemon->recorder);
	int64_t next = wake.mono.ms < due.ms ? wake.mono.ms : due.ms;
	struct err err;

	if (wake.utc.ms != daemon->alarm_at.ms) {
		daemon->alarm_at = wake.utc;
		if (!loop_alarm_set(daemon->alarm, wake.utc, &err)) {
			log_error("cannot set the clock's alarm: %s", err.text);
			daemon->alarm_at = UTC_NONE; /* tried again next turn */
		}
	}
	if (next == INT64_MAX)
		loop_timer_stop(daemon->timer);
	else
		loop_timer_start(daemon->timer, next - clock_now().mono.ms); /* turns take time */
}

void turn_run(void *context)
{
	struct daemon *daemon = context;
	struct now now = clock_now();
	struct event event;

	do {
		while (inbox_pop(&daemon->inbox, &event))
			engine_step(daemon->engine, now, &event, &daemon->effects);
		/* When all that happened is told, what may start does. */
		engine_step(daemon->engine, now, &(struct event){.kind = EVENT_TICK},
			    &daemon->effects);
		perform_all(daemon, now.mono);
		recorder_flush(&daemon->recorder, now.mono, false);
	} while (!inbox_is_empty(&daemon->inbox));
	arm(daemon);
	if (daemon->is_stopping)
		shutdown_check(daemon);
}
