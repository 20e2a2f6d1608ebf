/*
 * evaluate.c - what becomes of each due instant: run, skipped or missed.
 *
 * Instants that fall due while belfry is awake are decided one by one. Those that
 * fell due while nobody looked (down, suspended, the clock set forward) are the
 * catch-up policy's. A clock that goes back opens a new epoch.
 */
#include "internal.h"

/* A longer silence between two steps than this means that nobody looked. The
 * loop is never busy for so long, and a due job ends any sleep. */
#define SILENCE_MS INT64_C(60000)
/* Vixie's bound: a step back below a minute is drift (cron.8, cronie/src/cron.c). */
#define STEP_BACK_MS INT64_C(60000)

static void record_occurrence(struct step *step, const struct occurrence *occurrence)
{
	struct effect *effect = effects_add(step->effects, EFFECT_RECORD);

	effect->record = (struct record){.kind = RECORD_OCCURRENCE, .occurrence = *occurrence};
	effect->record.occurrence.job = arena_text(step->effects->arena, occurrence->job);
	effect->record.occurrence.recorded_at = step->now.utc;
	step->decided = true;
}

static void record_unrun(struct step *step, const struct slot *slot, struct utc scheduled,
			 enum occurrence_state state, enum reason reason)
{
	record_occurrence(step, &(struct occurrence){.job = slot->job->name,
						     .scheduled_at = scheduled,
						     .epoch = step->engine->epoch,
						     .state = state,
						     .reason = reason,
						     .last_at = scheduled,
						     .count = 1});
}

struct active_run *evaluate_claim(struct step *step, struct slot *slot, enum trigger trigger,
				  struct utc scheduled, bool dry_run)
{
	struct engine *engine = step->engine;

	engine->last_run = run_id_next(engine->last_run, step->now.utc, engine->node);
	struct run run = {
		.id = engine->last_run,
		.job = slot->job->name,
		.executor = slot->job->executor,
		.trigger = trigger,
		.scheduled_at = scheduled,
		.jitter_ms = utc_is_set(scheduled) ? slot->planned.ms - scheduled.ms : 0,
		.epoch = engine->epoch,
		.revision = engine->revision,
		.dry_run = dry_run,
		.state = RUN_CLAIMED,
		.attempt = 1,
		.claimed_at = step->now.utc,
		.started_at = UTC_NONE,
		.finished_at = UTC_NONE,
		.exit_code = -1,
		.processed = -1,
		.failed = -1,
		.cpu_ms = -1,
		.max_rss_kib = -1,
	};
	struct active_run *added = runs_add(engine, &run, slot);
	struct effect *effect = effects_add(step->effects, EFFECT_RECORD);

	deadline_set(step, added);
	effect->record =
		(struct record){.kind = RECORD_CLAIM, .overlap = slot->job->overlap, .run = run};
	effect->record.run.job = arena_text(step->effects->arena, run.job);
	step->decided = true;
	return added;
}

void evaluate_replace(struct step *step, const struct active_run *newcomer)
{
	struct engine *engine = step->engine;

	for (size_t i = 0; i <= engine->run_mask; i++) {
		for (struct active_run *run = engine->run_table[i], *next; run; run = next) {
			next = run->bucket; /* stopping may finish and free it */
			if (run->slot == newcomer->slot && run->run.id < newcomer->run.id &&
			    !run->run.dry_run)
				life_stop(step, run, STOP_REPLACED);
		}
	}
}

/* Why an instant is missed: before its first step belfry was not there. */
static enum reason reason_missed(const struct step *step)
{
	return step->engine->has_run ? REASON_LATE : REASON_DOWN;
}

/* An instant that is due now, or is being caught up; `fire` is when it was due, jitter
 * included. */
static void decide(struct step *step, struct slot *slot, enum trigger trigger, struct utc scheduled,
		   struct utc fire)
{
	struct due due = {.trigger = trigger,
			  .is_paused = pauses_forbid(slot, fire),
			  .is_active = slot->active > 0,
			  .late_ms = step->now.utc.ms - fire.ms};

	switch (verdict_due(slot->job, &due)) {
	case DUE_RUNS: evaluate_claim(step, slot, trigger, scheduled, false); break;
	case DUE_REPLACES:
		/* What runs goes on until the newcomer is sure of its place: a store that
		 * takes nothing must not cost a run. */
		evaluate_claim(step, slot, trigger, scheduled, false)->replaces = true;
		break;
	case DUE_SKIPPED_OVERLAP:
		record_unrun(step, slot, scheduled, OCCURRENCE_SKIPPED, REASON_OVERLAP);
		break;
	case DUE_SKIPPED_PAUSED:
		record_unrun(step, slot, scheduled, OCCURRENCE_SKIPPED, REASON_PAUSED);
		break;
	case DUE_MISSED:
		record_unrun(step, slot, scheduled, OCCURRENCE_MISSED, reason_missed(step));
		break;
	}
}

/* A stretch of instants that had the same fate becomes one row. */
struct stretch {
	enum occurrence_state state;
	enum reason reason;
	struct utc first, last;
	int64_t count;
};

static void stretch_end(struct step *step, const struct slot *slot, struct stretch *stretch)
{
	if (stretch->count == 0)
		return;
	record_occurrence(step, &(struct occurrence){.job = slot->job->name,
						     .scheduled_at = stretch->first,
						     .epoch = step->engine->epoch,
						     .state = stretch->state,
						     .reason = stretch->reason,
						     .last_at = stretch->last,
						     .count = stretch->count});
	stretch->count = 0;
}

static void stretch_add(struct step *step, const struct slot *slot, struct stretch *stretch,
			struct utc instant, bool is_paused)
{
	enum reason reason = is_paused ? REASON_PAUSED : reason_missed(step);

	if (stretch->reason != reason)
		stretch_end(step, slot, stretch);
	if (stretch->count++ == 0)
		stretch->first = instant;
	stretch->last = instant;
	stretch->state = is_paused ? OCCURRENCE_SKIPPED : OCCURRENCE_MISSED;
	stretch->reason = reason;
	/* Behind the watermark with a jitter that leads beyond it: an earlier file may have had
	 * the instant decided. Then its record is lost, and must not take others with it. */
	if (utc_is_set(step->engine->evaluated) && instant.ms <= step->engine->evaluated.ms)
		stretch_end(step, slot, stretch);
}

/* Instants of the job that have fired by now, the one planned included. */
static int64_t count_due(const struct step *step, const struct slot *slot)
{
	const struct schedule *schedule = slot->job->schedule;
	struct utc instant = slot->scheduled, next;
	int64_t fire = slot->due.key, count = 0;

	while (fire <= step->now.utc.ms) {
		count++;
		if (!schedule_next_after(schedule, instant, &next))
			break;
		int64_t own = next.ms + schedule_jitter_ms(schedule, next);
		fire = own > fire ? own : fire;
		instant = next;
	}
	return count;
}

/* All instants of a job that nobody saw: what the policy says may run, the others are
 * missed, with how many and from when to when. */
static void catch_up(struct step *step, struct slot *slot)
{
	struct stretch stretch = {0};

	for (int64_t left = count_due(step, slot); left > 0; left--) {
		struct utc instant = slot->scheduled, fire = {slot->due.key};
		struct unseen unseen = {.age_ms = step->now.utc.ms - instant.ms,
					.late_ms = step->now.utc.ms - fire.ms,
					.newer = left - 1};
		bool is_paused = pauses_forbid(slot, fire);

		slot->decided = instant;
		slots_plan(step->engine, slot, instant);
		if (is_paused || !verdict_catches_up(slot->job, &unseen)) {
			stretch_add(step, slot, &stretch, instant, is_paused);
			continue;
		}
		stretch_end(step, slot, &stretch);
		decide(step, slot, TRIGGER_CATCHUP, instant, fire);
	}
	stretch_end(step, slot, &stretch);
}

static void clock_went_back(struct step *step, int64_t by_ms)
{
	struct engine *engine = step->engine;
	char before[UTC_TEXT_MAX], after[UTC_TEXT_MAX];
	bool was_wrong = by_ms >= WRONG_CLOCK_MS;

	engine->epoch++;
	engine->fixed_until =
		was_wrong ? step->now.utc : utc_max(engine->fixed_until, engine->evaluated);
	for (size_t i = 0; i < engine->slot_count; i++) {
		struct slot *slot = &engine->slots[i];

		if (was_wrong || schedule_follows_clock(slot->job->schedule)) {
			slot->decided = UTC_NONE;
			slots_plan(engine, slot, step->now.utc);
		}
	}
	struct effect *effect = effects_add(step->effects, EFFECT_RECORD);
	effect->record.kind = RECORD_EPOCH;
	effect->record.evaluated.until = step->now.utc;
	effect->record.evaluated.epoch = engine->epoch;
	effect->record.evaluated.fixed_until = engine->fixed_until;
	tell_line(step, NULL, true, "the clock went back from %s to %s; %s",
		  utc_format(engine->evaluated, before), utc_format(step->now.utc, after),
		  was_wrong ? "the old time is taken to have been wrong, all jobs are planned anew"
			    : "fixed-time jobs wait until it has caught up");
}

void evaluate(struct step *step)
{
	struct engine *engine = step->engine;
	struct utc now = step->now.utc;

	if (engine->draining || !engine->slot_table)
		return;
	if (utc_is_set(engine->evaluated) && engine->evaluated.ms - now.ms >= STEP_BACK_MS) {
		clock_went_back(step, engine->evaluated.ms - now.ms);
		engine->evaluated = now;
	}
	bool nobody_looked =
		utc_is_set(engine->evaluated) && now.ms - engine->evaluated.ms > SILENCE_MS;
	bool catches_up = !engine->has_run || nobody_looked;
	struct heap_item *top;

	while ((top = heap_top(&engine->due)) && top->key <= now.ms) {
		struct slot *slot = CONTAINER(top, struct slot, due);

		/* A sleep until exactly this instant is no silence. */
		if (catches_up && (!engine->has_run || now.ms - top->key > SILENCE_MS)) {
			catch_up(step, slot);
			continue;
		}
		struct utc scheduled = slot->scheduled, fire = {top->key};

		slot->decided = scheduled;
		slots_plan(engine, slot, scheduled);
		decide(step, slot, TRIGGER_SCHEDULE, scheduled, fire);
	}
	/* Drift back takes back nothing, and adds up to a step back. */
	engine->evaluated = utc_max(engine->evaluated, now);
	engine->has_run = true;
}
