/*
 * ledger.c - what was promised, and what became of it.
 *
 * Keeps its own books, from the schedules themselves, from what became durable and
 * from what the runner saw; of the engine it knows nothing. Each batch that becomes
 * durable is held to them at once: every instant up to the new watermark is in it,
 * once, with the verdict that its job's policies give.
 */
#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_nodes.h"
#include "nodes.h"
#include "paris.h"
#include "world.h"

/* The daemon's own bounds, from the documents: longer than this means that nobody
 * looked; the clock a minute back opens an epoch; three hours and it was wrong. */
#define SILENCE_MS   INT64_C(60000)
#define STEP_BACK_MS INT64_C(60000)
#define WRONG_MS     INT64_C(10800000)
/* Around a change of a zone's rules. */
#define CHANGE_MS INT64_C(14400000)
enum { ON_TIME_MS = 1000, SETTLE_MS = 600000 };

struct ledger ledger;

struct ledger_job *ledger_job(const char *name)
{
	int32_t number = atoi(name + 1);

	return &ledger.jobs[number];
}

/* ---- the plan of a job ---- */

static void set_plan(struct ledger_job *job, struct utc after)
{
	bool goes_on = job->has_plan && job->scheduled.ms == after.ms;
	struct utc next;

	job->has_plan = job->def && job->def->is_enabled &&
			schedule_next_after(job->schedule, after, &next);
	if (!job->has_plan)
		return;
	int64_t fire_ms = next.ms + schedule_jitter_ms(job->schedule, next);
	/* None passes the one before it. */
	job->fire_ms = goes_on && job->fire_ms > fire_ms ? job->fire_ms : fire_ms;
	job->scheduled = next;
}

/* Fixed times wait until a clock that went back has caught up. */
static struct utc not_before(const struct ledger_job *job, struct utc t)
{
	return schedule_follows_clock(job->schedule) ? t : utc_max(t, ledger.fixed_until);
}

/* Once a day at most, at a fixed time. */
static bool is_daily(int32_t expression)
{
	static const char *const daily[] = {"0 9 * * *",   "30 2 * * *",   "0 1 * * *",
					    "59 23 * * *", "0 12 * * 1-5", "@daily"};

	for (size_t i = 0; i < sizeof(daily) / sizeof(*daily); i++)
		if (strcmp(plan_expression(expression), daily[i]) == 0)
			return true;
	return false;
}

static void parse(struct ledger_job *job)
{
	job->schedule_before = job->schedule;
	job->is_daily = is_daily(job->def->expression);
	const char *text = plan_expression(job->def->expression);
	struct schedule_error error;
	struct schedule_context context = {.job_name = plan_name(job->def),
					   .zone = job->def->is_paris ? sim_paris(ledger.zone)
								      : zone_utc(),
					   .jitter_ms = (int64_t)job->def->jitter_s * 1000};
	if (schedule_parse_cron(&ledger.arena, text, strlen(text), &context, &job->schedule, &error,
				1))
		world_broken("the simulator's own schedule %s is refused: %s", text, error.message);
}

static bool is_same_when(const struct sim_job *a, const struct sim_job *b)
{
	return a && b &&
	       strcmp(plan_expression(a->expression), plan_expression(b->expression)) == 0 &&
	       a->is_paris == b->is_paris && a->jitter_s == b->jitter_s &&
	       a->is_enabled == b->is_enabled && a->renames == b->renames;
}

/* By another name it has another jitter, and what was not decided yet stays due. */
static bool is_but_renamed(const struct sim_job *a, const struct sim_job *b)
{
	return a && b && a->renames != b->renames && a->is_enabled == b->is_enabled &&
	       a->is_paris == b->is_paris &&
	       strcmp(plan_expression(a->expression), plan_expression(b->expression)) == 0;
}

static void take_def(struct ledger_job *job, const struct sim_job *def, struct utc now)
{
	const struct sim_job *old = job->def;

	job->def = def;
	if (old && def && old->overlap != def->overlap)
		job->changed_life = world.life;
	if (is_same_when(old, def))
		return;
	bool had_plan = job->has_plan;
	struct utc owed = job->scheduled;

	ledger_loose_changed(job, now);
	job->changed_life = world.life;
	job->has_plan = false;
	job->since = now;
	if (!def)
		return;
	parse(job);
	struct utc after = not_before(job, now);
	if (is_but_renamed(old, def) && had_plan && owed.ms <= after.ms)
		after = utc_add(owed, -1);
	set_plan(job, after);
}

static void put_in_force(size_t generation, struct utc now)
{
	const struct generation *g = &world.plan->generations[generation];
	size_t count = ledger.job_count;
	const struct sim_job **defs = mem_alloc((count + 1) * sizeof(const struct sim_job *));

	for (size_t i = 0; i < g->count; i++)
		if (g->jobs[i].name < world.plan->job_count)
			defs[g->jobs[i].name] = &g->jobs[i];
	for (size_t i = 0; i < count; i++)
		take_def(&ledger.jobs[i], defs[i], now);
	free(defs);
	policies_regroup(false);
	ledger.generation = generation;
	ledger.waits_for_text = false;
}

/* ---- a group: what one step of the engine decided ---- */

static void add_entry(const struct entry *entry, const char *name)
{
	struct ledger_job *job = ledger_job(name);

	if (ledger.entry_count == ledger.entry_capacity) {
		ledger.entry_capacity = ledger.entry_capacity * 2 + 64;
		ledger.entries =
			mem_resize(ledger.entries, ledger.entry_capacity * sizeof(struct entry));
	}
	size_t at = ledger.entry_count++;
	ledger.entries[at] = *entry;
	ledger.entries[at].next = 0;
	if (job->first_entry)
		ledger.entries[job->last_entry - 1].next = at + 1;
	else
		job->first_entry = at + 1;
	job->last_entry = at + 1;
	ledger.decided_at = entry->decided_at;
}

static const struct entry *next_entry(struct ledger_job *job)
{
	if (!job->first_entry)
		return NULL;
	const struct entry *entry = &ledger.entries[job->first_entry - 1];
	job->first_entry = entry->next;
	return entry;
}

static const char *job_name(const struct ledger_job *job)
{
	static char name[24];

	snprintf(name, sizeof(name), "j%td", job - ledger.jobs);
	return name;
}

/* Before a life's first step nobody was there; later somebody was who did not look. */
static enum reason reason_missed(void)
{
	return ledger.evaluated_life == world.life ? REASON_LATE : REASON_DOWN;
}

/* Instants that have the same fate. */
struct stretch {
	enum occurrence_state state;
	enum reason reason;
	struct utc first, last;
	int64_t count;
};

static bool is_part_of(const struct entry *entry, const struct stretch *stretch)
{
	return entry && !entry->is_claim && entry->state == stretch->state &&
	       entry->reason == stretch->reason && entry->scheduled.ms == stretch->first.ms &&
	       entry->count <= stretch->count &&
	       (entry->count < stretch->count || entry->last.ms == stretch->last.ms);
}

/* As one row, or as several that follow each other. */
static void expect_stretch(struct ledger_job *job, struct stretch *stretch)
{
	char at[UTC_TEXT_MAX];

	while (stretch->count > 0) {
		const struct entry *entry = next_entry(job);

		if (!is_part_of(entry, stretch)) {
			world_broken("%s: %lld instants from %s are not accounted for as %s (%s)",
				     job_name(job), (long long)stretch->count,
				     utc_format(stretch->first, at),
				     occurrence_state_word(stretch->state),
				     reason_word(stretch->reason));
			stretch->count = 0;
			return;
		}
		stretch->count -= entry->count;
		if (stretch->count > 0 &&
		    !schedule_next_after(job->schedule, entry->last, &stretch->first))
			stretch->first = UTC_NONE;
	}
}

static void add_to_stretch(struct ledger_job *job, struct stretch *stretch, struct utc instant,
			   bool is_paused)
{
	enum reason reason = is_paused ? REASON_PAUSED : reason_missed();

	if (stretch->reason != reason)
		expect_stretch(job, stretch);
	if (stretch->count++ == 0)
		stretch->first = instant;
	stretch->last = instant;
	stretch->reason = reason;
	stretch->state = is_paused ? OCCURRENCE_SKIPPED : OCCURRENCE_MISSED;
}

static void expect_run(struct ledger_job *job, struct utc instant, bool catches_up)
{
	bool may_skip = !catches_up || job->def->catchup != CATCHUP_ALL;
	const struct entry *entry = next_entry(job);
	char at[UTC_TEXT_MAX];
	enum trigger trigger = catches_up ? TRIGGER_CATCHUP : TRIGGER_SCHEDULE;

	utc_format(instant, at);
	if (!entry || entry->scheduled.ms != instant.ms)
		world_broken("%s: the instant %s is neither run nor skipped nor missed",
			     job_name(job), at);
	else if (entry->is_claim ? entry->trigger != trigger
				 : entry->state != OCCURRENCE_SKIPPED ||
					   entry->reason != REASON_OVERLAP || !may_skip)
		world_broken("%s: the instant %s was to be run, and is %s", job_name(job), at,
			     entry->is_claim ? trigger_word(entry->trigger)
					     : occurrence_state_word(entry->state));
}

static void check_job(struct ledger_job *job, struct utc now, bool catches_up)
{
	int64_t window_ms = (int64_t)job->def->window_s * 1000;
	struct stretch stretch = {0};

	while (job->has_plan && job->fire_ms <= now.ms) {
		struct utc instant = job->scheduled;
		bool is_paused = policies_is_paused(job, job->fire_ms);
		bool is_expired = policies_is_expired(job, job->fire_ms, now);

		set_plan(job, instant);
		bool is_newest = !job->has_plan || job->fire_ms > now.ms;
		bool is_within = instant.ms >= now.ms - window_ms;
		bool runs = !catches_up || (job->def->catchup != CATCHUP_NONE && is_within &&
					    (job->def->catchup == CATCHUP_ALL || is_newest));
		if (!runs || is_paused || is_expired) {
			add_to_stretch(job, &stretch, instant, is_paused);
			if (!catches_up) /* one by one */
				expect_stretch(job, &stretch);
			continue;
		}
		expect_stretch(job, &stretch);
		expect_run(job, instant, catches_up);
	}
	expect_stretch(job, &stretch);
}

/* Its schedule was changed, or the clock went back, and another daemon took the instant,
 * whose jittered fire was still ahead, to be to come: the store knew better. */
static bool is_loose(const struct ledger_job *job, struct utc scheduled)
{
	return utc_is_set(scheduled) && scheduled.ms <= job->loose_until.ms;
}

/* In the step that takes over a file somebody is awake: what the file makes due at once
 * is due, and not to be caught up. */
static void check_due(struct utc now, bool has_new_file)
{
	bool is_first = ledger.evaluated_life != world.life;

	for (size_t i = 0; i < ledger.job_count && !world.is_broken; i++) {
		struct ledger_job *job = &ledger.jobs[i];

		if (job->has_plan && job->fire_ms <= now.ms)
			check_job(job, now,
				  !has_new_file &&
					  (is_first || now.ms - job->fire_ms > SILENCE_MS));
	}
	ledger.evaluated_life = world.life;
}

static void end_group(void)
{
	for (size_t i = 0; i < ledger.job_count && ledger.entry_count && !world.is_broken; i++) {
		struct ledger_job *job = &ledger.jobs[i];
		char at[UTC_TEXT_MAX];

		if (job->first_entry)
			world_broken(
				"%s: the instant %s is recorded and was not due, or twice",
				job_name(job),
				utc_format(ledger.entries[job->first_entry - 1].scheduled, at));
	}
	ledger.entry_count = 0;
}

void ledger_plan_next(struct ledger_job *job)
{
	set_plan(job, job->scheduled);
}

/* ---- the records, one by one ---- */

static bool forbids(const struct ledger_job *job, const struct sim_job *def)
{
	(void)job;
	return def && def->overlap == OVERLAP_FORBID;
}

/* `all` promises each instant: under `forbid` they wait for one another. */
static bool is_one_of_all(const struct ledger_job *job, enum trigger trigger)
{
	return trigger == TRIGGER_CATCHUP && job->def && job->def->catchup == CATCHUP_ALL;
}

static const struct sim_job *def_to_come(const struct ledger_job *job)
{
	if (ledger.pending == SIZE_MAX)
		return job->def;
	const struct generation *g = &world.plan->generations[ledger.pending];
	for (size_t i = 0; i < g->count; i++)
		if (g->jobs[i].name == (int32_t)(job - ledger.jobs))
			return &g->jobs[i];
	return NULL;
}

static void check_boot(struct ledger_job *job)
{
	const struct sim_job *def = def_to_come(job);

	if (!def || !def->is_enabled || strcmp(plan_expression(def->expression), "@reboot") != 0)
		world_broken("%s is started at boot and is no @reboot job", job_name(job));
	else if (job->booted_life == world.life)
		world_broken("%s is started at boot twice", job_name(job));
	job->booted_life = world.life;
}

static void check_trigger(struct ledger_job *job, const struct run *run)
{
	bool is_due = run->trigger == TRIGGER_SCHEDULE || run->trigger == TRIGGER_CATCHUP;

	if (is_due != utc_is_set(run->scheduled_at))
		world_broken("%s: a claim by %s with a wrong instant", job_name(job),
			     trigger_word(run->trigger));
	if (run->trigger == TRIGGER_BOOT)
		check_boot(job);
	if (run->trigger == TRIGGER_MANUAL && job->triggers-- == 0)
		world_broken("%s: a manual run that nobody asked for", job_name(job));
}

static void check_on_time(const struct ledger_job *job, const struct run *run)
{
	int64_t late_ms = run->claimed_at.ms - job->fire_ms;

	if (world.phase == PHASE_FAULTS || run->trigger != TRIGGER_SCHEDULE ||
	    world.mono.ms < world.phase_began.ms + SETTLE_MS || !job->has_plan ||
	    job->scheduled.ms != run->scheduled_at.ms)
		return;
	/* An instant passes none before it, and which are before it is not the same for
	 * one that has just begun to plan. */
	if (ledger.is_loose)
		late_ms -= schedule_jitter_max_ms(job->schedule);
	if (late_ms > ON_TIME_MS)
		world_broken("%s: all is well, and its run is %lld ms late", job_name(job),
			     (long long)late_ms);
}

void ledger_check_claim(struct ledger_job *job, const struct run *run)
{
	check_trigger(job, run);
	check_on_time(job, run);
	if (run->epoch != ledger.epoch)
		world_broken("%s: a claim in epoch %d, which is not the present one", run->job,
			     run->epoch);
}

static void add_claim(const struct run *run)
{
	add_entry(&(struct entry){.is_claim = true,
				  .scheduled = run->scheduled_at,
				  .trigger = run->trigger,
				  .decided_at = run->claimed_at},
		  run->job);
}

static void on_claim(const struct record *record)
{
	const struct run *run = &record->run;
	struct ledger_job *job = ledger_job(run->job);

	if (ledger.is_loose) {
		ledger_loose_claim(record);
		return;
	}
	if (record->lost && is_loose(job, run->scheduled_at)) {
		add_claim(run);
		ledger_runs_add_void(run, job);
		return;
	}
	if (record->lost) {
		world_broken("%s: a claim comes too late, its instant or run is there already",
			     run->job);
		return;
	}
	ledger_check_claim(job, run);
	if (!run->dry_run && job->open > 0 && forbids(job, job->def) &&
	    forbids(job, def_to_come(job)) && !is_one_of_all(job, run->trigger))
		world_broken("%s: its overlap is forbid, and it is claimed while another run is "
			     "open",
			     run->job);
	if (utc_is_set(run->scheduled_at))
		add_claim(run);
	ledger_runs_add(run, job);
}

static void on_occurrence(const struct record *record)
{
	const struct occurrence *o = &record->occurrence;
	struct ledger_job *job = ledger_job(o->job);

	if (ledger.is_loose) {
		ledger_loose_occurrence(record);
		return;
	}
	if (record->lost && !is_loose(job, o->scheduled_at))
		world_broken("%s: an instant is recorded a second time", o->job);
	if (o->epoch != ledger.epoch)
		world_broken("%s: an instant of epoch %d, which is not the present one", o->job,
			     o->epoch);
	if (o->state == OCCURRENCE_SKIPPED && o->reason != REASON_PAUSED &&
	    (o->reason != REASON_OVERLAP || job->open == 0 ||
	     (!forbids(job, job->def) && !forbids(job, def_to_come(job)))))
		world_broken("%s: an instant is skipped without a reason", o->job);
	add_entry(&(struct entry){.scheduled = o->scheduled_at,
				  .state = o->state,
				  .reason = o->reason,
				  .last = o->last_at,
				  .count = o->count,
				  .decided_at = o->recorded_at},
		  o->job);
}

/* What falls due around the change may go by either rules. */
static void take_new_zones(struct utc now)
{
	ledger.has_new_zones = false;
	for (size_t i = 0; i < ledger.job_count && utc_is_set(now); i++) {
		struct ledger_job *job = &ledger.jobs[i];

		if (!job->def || !job->def->is_paris)
			continue;
		parse(job);
		set_plan(job, not_before(job, utc_add(now, CHANGE_MS)));
	}
}

/* A life knows of no rules but its own: a time of the day that was claimed by older ones
 * may come once more. */
static void forget_days(void)
{
	for (size_t i = 0; i < ledger.job_count; i++)
		if (ledger.jobs[i].def && ledger.jobs[i].def->is_paris)
			ledger.jobs[i].last_claim = UTC_NONE;
}

void ledger_zone_changed(int32_t version, bool is_start)
{
	bool is_pending = is_start && ledger.has_new_zones; /* an earlier life knew of it alone */

	if (is_start) {
		forget_days();
		ledger.waits_for_text = false;
	}
	if (ledger.zone == version && !is_pending)
		return;
	count(COUNT_ZONES);
	ledger.zone = version;
	ledger.has_new_zones = true;
	if (is_start)
		take_new_zones(ledger.watermark);
}

void ledger_text_read(bool ok)
{
	ledger.waits_for_text = !ok;
}

struct utc ledger_watermark(void)
{
	return ledger.watermark;
}

static void on_evaluated(struct utc until, int32_t epoch)
{
	struct utc now = ledger.entry_count ? ledger.decided_at : until;

	if (epoch != ledger.epoch)
		world_broken("a watermark of epoch %d, which is not the present one", epoch);
	if (ledger.is_loose)
		ledger_loose_evaluated(until);
	if (nodes_are_several())
		until = utc_max(until, ledger.watermark); /* others may be ahead */
	if (utc_is_set(ledger.watermark) && until.ms < ledger.watermark.ms)
		world_broken("the watermark goes back by %lld ms within an epoch",
			     (long long)(ledger.watermark.ms - until.ms));
	now = utc_max(now, until);
	if (!ledger.is_loose)
		check_due(now, false);
	policies_settle();
	if (ledger.pending != SIZE_MAX) {
		put_in_force(ledger.pending, now);
		if (!ledger.is_loose)
			check_due(now, true);
	}
	ledger.pending = SIZE_MAX;
	end_group();
	ledger.watermark = until;
}

static void on_epoch(struct utc until, int32_t epoch)
{
	int64_t high_ms = ledger.step_count ? ledger.steps[0].high_ms : INT64_MIN;

	if (epoch != ledger.epoch + 1 || !ledger.step_count) {
		world_broken("epoch %d begins, and the clock did not go back", epoch);
		return;
	}
	bool was_wrong = high_ms - until.ms >= WRONG_MS;
	memmove(ledger.steps, ledger.steps + 1, --ledger.step_count * sizeof(*ledger.steps));
	ledger.epoch = epoch;
	ledger.fixed_until = was_wrong ? until : utc_max(ledger.fixed_until, (struct utc){high_ms});
	ledger.watermark = until;
	for (size_t i = 0; i < ledger.job_count; i++) {
		struct ledger_job *job = &ledger.jobs[i];

		if (job->def && (was_wrong || schedule_follows_clock(job->schedule))) {
			set_plan(job, until);
			job->since = until;
		}
	}
}

/* Each change of a node's file is brought in once. */
static void check_news(const struct revision *revision)
{
	if (++ledger.brought[world.node] > world.file_changes)
		world_broken("revision %lld is a file that node %d has brought in before",
			     (long long)revision->number, world.node);
}

static void on_revision(const struct revision *revision)
{
	unsigned long generation;

	if (sscanf(revision->content, "{\"$schema\":\"%lu\"", &generation) != 1)
		world_broken("a revision of a file that never was");
	else if (revision->number != ledger.revision + 1)
		world_broken("revision %lld follows %lld", (long long)revision->number,
			     (long long)ledger.revision);
	else
		ledger.pending = generation;
	if (nodes_are_several())
		check_news(revision);
	ledger.revision = revision->number;
}

static void on_record(const struct record *record)
{
	switch (record->kind) {
	case RECORD_CLAIM: on_claim(record); break;
	case RECORD_RUN: ledger_runs_change(&record->run); break;
	case RECORD_ATTEMPT: ledger_runs_attempt(&record->attempt); break;
	case RECORD_OCCURRENCE: on_occurrence(record); break;
	case RECORD_REVISION: on_revision(&record->revision); break;
	case RECORD_EVALUATED:
		on_evaluated(record->evaluated.until, record->evaluated.epoch);
		break;
	case RECORD_EPOCH: on_epoch(record->evaluated.until, record->evaluated.epoch); break;
	case RECORD_TOKEN:
	case RECORD_AUDIT:
	case RECORD_PAUSE:
	case RECORD_RESUME: policies_pause(record); break;
	case RECORD_RENAME: policies_rename(record); break;
	case RECORD_LOG:
	case RECORD_DOWNTIME:
	case RECORD_LEFT: break;
	}
}

/* Nobody heard that the claim was lost to a run on another node, which has ended since.
 * Where no instant tells that it was decided already, the claim holds now. */
static void claim_again(const struct record *records, size_t count, size_t at)
{
	const struct run *run = &records[at].run;

	if (records[at].lost || utc_is_set(run->scheduled_at) || !ledger_runs_drop_void(run->id))
		return;
	ledger_loose_claim(&records[at]);
	for (size_t i = at + 1; i < count; i++) /* it may have ended since */
		if (records[i].kind == RECORD_RUN && records[i].run.id == run->id)
			ledger_runs_change(&records[i].run);
}

void ledger_commit(const struct record *records, size_t count, size_t skip)
{
	for (size_t i = 0; i < skip && nodes_are_several() && !world.is_broken; i++)
		if (records[i].kind == RECORD_CLAIM)
			claim_again(records, skip, i);
	for (size_t i = skip; i < count && !world.is_broken; i++)
		on_record(&records[i]);
	if (!world.is_broken)
		ledger_downtime_commit(records + skip, count - skip);
	if (ledger.entry_count && !world.is_broken)
		world_broken("instants are decided, and the watermark does not move with them");
	if (ledger.has_new_zones && !ledger.waits_for_text)
		take_new_zones(ledger.watermark);
}

/* ---- what it is told of the world ---- */

/* Every reading of the clock: where it stands a minute lower than it ever did, the
 * daemon has to open an epoch. */
void ledger_clock_read(struct utc utc)
{
	if (nodes_are_several()) /* they go by the store's */
		return;
	if (ledger.high_ms != INT64_MIN && ledger.high_ms - utc.ms >= STEP_BACK_MS) {
		if (ledger.step_count < sizeof(ledger.steps) / sizeof(*ledger.steps))
			ledger.steps[ledger.step_count++].high_ms = ledger.high_ms;
		ledger.high_ms = utc.ms;
	} else if (utc.ms > ledger.high_ms) {
		ledger.high_ms = utc.ms;
	}
}

/* What had not fired by the watermark is planned again by whoever comes next. Fires of
 * instants before the job was there, and those that a clock set back would show again,
 * are such as a daemon that had lived on would not have. */
static void plan_again(struct ledger_job *job)
{
	struct utc was = job->scheduled;
	bool had = job->has_plan;

	if (!job->def || !job->def->is_enabled || !utc_is_set(ledger.watermark))
		return;
	struct utc from = not_before(job, ledger.watermark);
	set_plan(job, utc_add(from, -schedule_jitter_max_ms(job->schedule)));
	while (job->has_plan && job->fire_ms <= from.ms)
		set_plan(job, job->scheduled);
	if (job->has_plan && (!had || job->scheduled.ms < was.ms))
		job->loose_until = utc_add(job->since, schedule_jitter_max_ms(job->schedule));
}

void ledger_life_begins(void)
{
	ledger_downtime_life_begins(utc_is_set(ledger.watermark));
	ledger.step_count = 0;
	ledger.high_ms = utc_is_set(ledger.watermark) ? ledger.watermark.ms : INT64_MIN;
	ledger.term_ms[world.node] = INT64_MAX;
	policies_regroup(true);
	for (size_t i = 0; i < ledger.job_count && !ledger.is_loose; i++)
		plan_again(&ledger.jobs[i]);
}

void ledger_trigger(int32_t job)
{
	ledger.jobs[job].triggers++;
}

void ledger_term(void)
{
	ledger.term_ms[world.node] = ledger.last_term_ms = world.mono.ms;
}

void ledger_create(void)
{
	memset(&ledger, 0, sizeof(ledger));
	ledger_downtime_create();
	ledger.watermark = ledger.fixed_until = UTC_NONE;
	ledger.last_term_ms = -1;
	ledger.pending = SIZE_MAX;
	ledger.job_count = (size_t)world.plan->job_count;
	ledger.jobs = mem_alloc((ledger.job_count + 1) * sizeof(*ledger.jobs));
	for (size_t i = 0; i < ledger.job_count; i++)
		ledger.jobs[i].loose_until = ledger.jobs[i].paused_since =
			ledger.jobs[i].last_claim = ledger.jobs[i].stretches_end = UTC_NONE;
	for (size_t g = 0; g < world.plan->generation_count; g++)
		for (size_t i = 0; i < world.plan->generations[g].count; i++) {
			const struct sim_job *def = &world.plan->generations[g].jobs[i];

			if (def->name >= world.plan->job_count)
				continue;
			struct ledger_job *job = &ledger.jobs[def->name];
			if (def->attempts > job->max_attempts)
				job->max_attempts = def->attempts;
			job->may_replace |= def->overlap == OVERLAP_REPLACE;
			job->may_expire |= def->deadline_s > 0;
			job->may_allow |= def->overlap == OVERLAP_ALLOW;
		}
	ledger.is_loose = nodes_are_several() || world.plan->has_zones;
	ledger_nodes_create();
	ledger_runs_create();
}

void ledger_destroy(void)
{
	ledger_runs_destroy();
	ledger_nodes_destroy();
	free(ledger.jobs);
	free(ledger.entries);
	arena_finish(&ledger.arena);
	memset(&ledger, 0, sizeof(ledger));
}
