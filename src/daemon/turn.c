/*
 * turn.c - one turn of the loop: decide, act, forget.
 *
 * Everything that happened since the last turn waits in the inbox. The engine
 * decides; records go to the store first, then executors are called; what they
 * answer at once is taken up in the same turn.
 */
#include <string.h>

#include "clock.h"
#include "internal.h"
#include "log.h"
#include "seen.h"

static void say(const struct effect *effect)
{
	char id[RUN_ID_TEXT_MAX];
	struct log_about about = {.job = effect->run.job};

	if (effect->run.id)
		about.run = run_id_format(effect->run.id, id);
	log_event(effect->is_warning ? LOG_WARN : LOG_INFO, about, "%s", effect->text);
}

/* "timed_out: timed out" would say it twice. */
static const char *why(const struct run *run)
{
	bool is_said = run->outcome == OUTCOME_TIMED_OUT && run->message &&
		       strcmp(run->message, "timed out") == 0;

	return is_said ? NULL : run->message;
}

static void say_run(const struct run *run)
{
	char id[RUN_ID_TEXT_MAX];
	struct log_about about = {.job = run->job, .run = run_id_format(run->id, id)};
	bool is_bad = run->outcome == OUTCOME_FAILED || run->outcome == OUTCOME_TIMED_OUT ||
		      run->outcome == OUTCOME_UNKNOWN;

	if (run->state == RUN_FINISHED)
		log_event(is_bad ? LOG_ERROR : LOG_INFO, about, "%s%s%s%s",
			  outcome_word(run->outcome), why(run) ? ": " : "",
			  why(run) ? why(run) : "", run->dry_run ? " (dry run)" : "");
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

	if (daemon->node.is_out) /* what it decided is void */
		return;
	switch (effect->kind) {
	case EFFECT_RECORD:
		say_record(&effect->record);
		recorder_add(&daemon->recorder, &effect->record, now);
		break;
	case EFFECT_START:
		if (node_may_start(daemon)) {
			executor->let_go_until = daemon->node.sure_until;
			start(executor, effect);
		}
		break;
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
	for (size_t i = 0; i < daemon->effects.count; i++) {
		seen_effect(daemon, &daemon->effects.items[i]);
		perform(daemon, &daemon->effects.items[i], now);
	}
	arena_reset(&daemon->turn);
	daemon->effects = (struct effects){.arena = &daemon->turn};
}

bool turn_flush(struct daemon *daemon, struct mono now, bool whole)
{
	uint64_t commits = daemon->recorder.commits;
	int64_t began_us = clock_us();

	node_ask(daemon);
	bool ok = recorder_flush(&daemon->recorder, now, whole);
	if (daemon->recorder.commits != commits)
		metrics_commit(&daemon->metrics, clock_us() - began_us);
	if (!ok || daemon->recorder.commits != commits)
		node_hear(daemon, ok);
	return ok;
}

void turn_step(struct daemon *daemon, struct event *event)
{
	struct now now = node_now(daemon);

	engine_step(daemon->engine, now, event, &daemon->effects);
}

/* The machine's clock may be off, so its alarm is of no use: all goes by the timer. */
static int64_t node_next(const struct daemon *daemon, struct engine_wake *wake, int64_t next)
{
	int64_t due = node_due(daemon).ms;

	if (daemon->node.is_out)
		next = INT64_MAX;
	else if (utc_is_set(wake->utc) && wake->utc.ms - daemon->node.utc_offset_ms < next)
		next = wake->utc.ms - daemon->node.utc_offset_ms;
	wake->utc = UTC_NEVER;
	return due < next ? due : next;
}

/* Returns when the next turn is to come, with what the recorder waits for. */
static struct engine_wake arm(struct daemon *daemon)
{
	struct engine_wake wake = engine_next_wake(daemon->engine);
	struct mono due = recorder_due(&daemon->recorder);
	int64_t next = wake.mono.ms < due.ms ? wake.mono.ms : due.ms;
	struct err err;

	if (daemon->node.is_member)
		next = node_next(daemon, &wake, next);
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
	return (struct engine_wake){.utc = wake.utc, .mono = {next}};
}

/* Forgets what was decided. */
static void wait_out(struct daemon *daemon)
{
	perform_all(daemon, clock_now().mono);
	arm(daemon);
	if (daemon->is_stopping)
		loop_stop(daemon->loop);
}

void turn_now(struct daemon *daemon)
{
	struct event event;

	if (daemon->node.is_out) {
		wait_out(daemon);
		return;
	}
	seen_begin(daemon, node_now(daemon));
	do {
		/* Anew each time: a commit may have taken long, and what it lets start may be
		 * late by now. */
		struct now now = node_now(daemon);

		while (inbox_pop(&daemon->inbox, &event))
			engine_step(daemon->engine, now, &event, &daemon->effects);
		node_take(daemon); /* when it is known which claims were lost */
		/* When all that happened is told, what may start does. */
		engine_step(daemon->engine, now, &(struct event){.kind = EVENT_TICK},
			    &daemon->effects);
		perform_all(daemon, now.mono);
		seen_decided(daemon, now.mono);
		turn_flush(daemon, now.mono, false);
	} while (!daemon->node.is_out &&
		 (!inbox_is_empty(&daemon->inbox) || node_has_to_take(daemon)));
	struct engine_wake armed = arm(daemon);
	seen_end(daemon, &armed);
	if (daemon->is_stopping)
		shutdown_check(daemon);
}

void turn_run(void *context)
{
	struct daemon *daemon = context;

	node_turn(daemon);
	turn_now(daemon);
}
