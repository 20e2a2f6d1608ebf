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

	effect->record = (struct record){.kind = RECORD_CLAIM, .run = run};
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
			if (run->slot == newcomer->slot && run != newcomer && !run->run.dry_run)
				life_stop(step, run, STOP_REPLACED);
		}
	}
}

/* An instant that is due now, or is being caught up. */
static void decide(struct step *step, struct slot *slot, enum trigger trigger, struct utc scheduled)
{
	if (slot->active > 0 && slot->job->overlap == OVERLAP_FORBID) {
		record_unrun(step, slot, scheduled, OCCURRENCE_SKIPPED, REASON_OVERLAP);
		return;
	}
	/* What runs goes on until the newcomer is sure of its place: a store that takes
	 * nothing must not cost a run. */
	bool replaces = slot->active > 0 && slot->job->overlap == OVERLAP_REPLACE;
	evaluate_claim(step, slot, trigger, scheduled, false)->replaces = replaces;
}

/* A stretch of missed instants becomes one row. */
struct stretch {
	struct utc first, last;
	int64_t count;
};

static void stretch_add(struct stretch *stretch, struct utc instant)
{
	if (stretch->count == 0)
		stretch->first = instant;
	stretch->last = instant;
	stretch->count++;
}

static void record_missed(struct step *step, const struct slot *slot, const struct stretch *stretch,
			  enum reason reason)
{
	if (stretch->count == 0)
		return;
	record_occurrence(step, &(struct occurrence){.job = slot->job->name,
						     .scheduled_at = stretch->first,
						     .epoch = step->engine->epoch,
						     .state = OCCURRENCE_MISSED,
						     .reason = reason,
						     .last_at = stretch->last,
						     .count = stretch->count});
}

/* All instants of a job that nobody saw: the newest within the window may run,
 * the others are missed, with how many and from when to when. */
static void catch_up(struct step *step, struct slot *slot)
{
	const struct job *job = slot->job;
	struct stretch missed = {0};
	int64_t window_start = step->now.utc.ms - job->catchup_window_ms;

	while (slot->due.place && slot->due.key <= step->now.utc.ms) {
		struct utc instant = slot->scheduled;

		slot->decided = instant;
		slots_plan(step->engine, slot, instant);
		bool is_newest = !slot->due.place || slot->due.key > step->now.utc.ms;
		bool runs = job->catchup != CATCHUP_NONE && instant.ms >= window_start &&
			    (job->catchup == CATCHUP_ALL || is_newest);

		if (!runs) {
			stretch_add(&missed, instant);
			continue;
		}
		record_missed(step, slot, &missed, REASON_DOWN);
		missed = (struct stretch){0};
		decide(step, slot, TRIGGER_CATCHUP, instant);
	}
	record_missed(step, slot, &missed, REASON_DOWN);
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
		struct utc scheduled = slot->scheduled;

		slot->decided = scheduled;
		slots_plan(engine, slot, scheduled);
		decide(step, slot, TRIGGER_SCHEDULE, scheduled);
	}
	/* Drift back takes back nothing, and adds up to a step back. */
	engine->evaluated = utc_max(engine->evaluated, now);
	engine->has_run = true;
}
