/*
 * ledger_policies.c - what is promised of pauses, groups, priorities, deadlines and
 * renamed jobs; see ledger.h.
 */
#include <string.h>

#include "internal.h"
#include "ledger.h"
#include "world.h"

/* How long all that was decided may take to be done, when all is well. */
enum { SLACK_MS = 60000, TOLD_MS = 1000 };

/* ---- pauses ---- */

const char *ledger_name(int32_t job)
{
	const struct sim_job *def = ledger.jobs[job].def;

	return plan_name(def ? def : &(struct sim_job){.name = job});
}

void ledger_resume_asked(int32_t job)
{
	ledger.jobs[job].resume_asked = true;
}

void policies_pause(const struct record *record)
{
	struct ledger_job *job = ledger_job(record->pause.job);

	if (record->kind == RECORD_PAUSE && utc_is_set(record->pause.until) &&
	    record->pause.until.ms <= record->pause.since.ms)
		world_broken("%s: a pause that ends before it begins", record->pause.job);
	job->pause_to_come.is_there = true;
	job->pause_to_come.is_pause = record->kind == RECORD_PAUSE;
	job->was_paused |= job->pause_to_come.is_pause;
	job->pause_to_come.since = record->pause.since;
	job->pause_to_come.until = record->pause.until;
}

/* What the step decided before was by the pauses before. */
static void settle(struct ledger_job *job)
{
	if (!job->pause_to_come.is_there)
		return;
	job->pause_to_come.is_there = job->resume_asked = false;
	job->paused_since = job->pause_to_come.is_pause ? job->pause_to_come.since : UTC_NONE;
	job->paused_until = job->pause_to_come.until;
}

void policies_settle(void)
{
	for (size_t i = 0; i < ledger.job_count; i++)
		settle(&ledger.jobs[i]);
}

bool policies_is_paused(const struct ledger_job *job, int64_t fire_ms)
{
	return utc_is_set(job->paused_since) &&
	       (!utc_is_set(job->paused_until) || fire_ms < job->paused_until.ms);
}

static void check_pause(const struct job *job, const struct ledger_run *run)
{
	if (run->trigger != TRIGGER_MANUAL && !run->job->resume_asked &&
	    policies_is_paused(run->job, world_utc().ms))
		world_broken("%s: it is paused, and a run of it is started", job->name);
}

/* ---- deadlines ---- */

bool policies_is_expired(const struct ledger_job *job, int64_t fire_ms, struct utc now)
{
	int64_t deadline_ms = (int64_t)job->def->deadline_s * 1000;

	return deadline_ms > 0 && now.ms - fire_ms >= deadline_ms;
}

/* Of the job as it is durable; where it is changing just now nobody can tell by which. */
static int64_t deadline_of(const struct ledger_job *job, const struct run *run)
{
	struct utc due = run->claimed_at;

	if (!job->def || !job->def->deadline_s || ledger.pending != SIZE_MAX)
		return -1;
	if (utc_is_set(run->scheduled_at))
		due = utc_add(run->scheduled_at,
			      schedule_jitter_ms(job->schedule, run->scheduled_at));
	int64_t late_ms = run->claimed_at.ms - due.ms;
	int64_t left_ms = (int64_t)job->def->deadline_s * 1000 - (late_ms > 0 ? late_ms : 0);
	/* From its claim, which was a moment before it became durable, or long before. */
	return world.mono.ms + left_ms;
}

void policies_claim(struct ledger_run *run, const struct run *from)
{
	run->trigger = from->trigger;
	run->instant = utc_is_set(from->scheduled_at) ? from->scheduled_at : from->claimed_at;
	run->deadline_ms = deadline_of(run->job, from);
}

static void check_in_time(const struct job *job, const struct ledger_run *run)
{
	if (run->deadline_ms >= 0 && run->claimed_life == world.life &&
	    world.mono.ms > run->deadline_ms)
		world_broken("%s: a run is started after its deadline", job->name);
}

static void check_deadline(const struct ledger_run *run)
{
	bool is_over = run->deadline_ms >= 0 && world.mono.ms > run->deadline_ms + SLACK_MS;

	if (!is_over || run->claimed_life != world.life || run->state == RUN_STOPPING ||
	    world.mono.ms < world.phase_began.ms + SLACK_MS)
		return;
	world_broken("%s: a run is %s %lld s after its deadline", plan_name(run->job->def),
		     run_state_word(run->state),
		     (long long)(world.mono.ms - run->deadline_ms) / 1000);
}

void ledger_check_deadlines(void)
{
	size_t count;
	struct ledger_run *const *open = ledger_runs_open(&count);

	for (size_t i = 0; machine_view && world.turns % 16 == 0 && i < count; i++)
		if (open[i]->job->def)
			check_deadline(open[i]);
}

/* ---- groups ---- */

static int32_t group_of(const char *name)
{
	return name ? name[1] - '0' : 0;
}

/* Whoever is taken over holds a place in the group its job is in by then; what goes on
 * while its job joins one, too. */
void policies_regroup(bool is_new_life)
{
	size_t count;
	struct ledger_run *const *open = ledger_runs_open(&count);

	for (size_t i = 0; i < count; i++)
		if (!open[i]->is_dry && (is_new_life || open[i]->group == 0))
			open[i]->group = open[i]->job->def ? open[i]->job->def->group : 0;
}

/* Those that were started in it, by jobs that are in it. */
static void check_group(const struct job *job, const struct ledger_run *run)
{
	size_t count, alive = 0;
	struct ledger_run *const *open = ledger_runs_open(&count);

	for (size_t i = 0; i < count; i++)
		alive += open[i] != run && open[i]->group == run->group && !open[i]->is_dry &&
			 open[i]->job->def && open[i]->job->def->group == run->group &&
			 runner_is_alive(open[i]->id);
	if (alive >= (size_t)job->group_limit)
		world_broken("%s: group %s has a limit of %d, and another process starts",
			     job->name, job->group, job->group_limit);
}

/* ---- priorities ---- */

/* To the engine too: what it has ended, or starts as well, need not be durable yet. */
static bool is_claimed_still(uint64_t id)
{
	const struct run *run = machine_doors.find_run(machine_doors.context, id);

	return run && run->state == RUN_CLAIMED;
}

/* The file in force may be one that is not durable yet, and what is durable may not have
 * been told. */
static bool is_all_told(void)
{
	const struct daemon *daemon = machine_doors.context;

	return machine_view && machine_view->revision == ledger.revision &&
	       !daemon->recorder.is_failing;
}

/* It waits for nothing but a place. */
static bool could_start(const struct ledger_run *run)
{
	const struct sim_job *def = run->job->def;
	size_t count;
	struct ledger_run *const *open = ledger_runs_open(&count);

	if (!def || run->state != RUN_CLAIMED || run->was_started || run->is_canceled ||
	    run->is_dry || run->claimed_life != world.life || run->job->open > 1 ||
	    run->claimed_ms > world.mono.ms - TOLD_MS || ledger.pending != SIZE_MAX)
		return false;
	for (size_t i = 0; def->group && i < count; i++)
		if (open[i] != run &&
		    (open[i]->group == def->group ||
		     (open[i]->job->def && open[i]->job->def->group == def->group)))
			return false;
	return is_claimed_still(run->id);
}

static bool goes_before(const struct ledger_run *a, const struct ledger_run *b)
{
	int32_t x = a->job->def->priority, y = b->job->def->priority;

	if (x != y)
		return x > y;
	return a->instant.ms != b->instant.ms ? a->instant.ms < b->instant.ms : a->id < b->id;
}

static void check_turn(const struct job *job, const struct ledger_run *run)
{
	size_t count;
	struct ledger_run *const *open = ledger_runs_open(&count);

	if (!is_all_told())
		return;
	for (size_t i = 0; run->job->def && i < count; i++)
		if (open[i] != run && could_start(open[i]) && goes_before(open[i], run))
			world_broken(
				"%s: it is started while a run of %s waits that goes before it",
				job->name, plan_name(open[i]->job->def));
}

/* Between turns, when nothing is on its way. */
void policies_check_waiting(void)
{
	const struct daemon *daemon = machine_doors.context;
	size_t count;
	struct ledger_run *const *open = ledger_runs_open(&count);

	if (!is_all_told() || world.mono.ms > ledger.term_ms[world.node] ||
	    engine_running(daemon->engine) >= (size_t)world.plan->max_running)
		return;
	for (size_t i = 0; i < count; i++)
		if (could_start(open[i]))
			world_broken("%s: a run waits, and there is a place for it",
				     plan_name(open[i]->job->def));
}

void policies_start(const struct job *job, struct ledger_run *run)
{
	check_pause(job, run);
	check_in_time(job, run);
	check_turn(job, run);
	run->group = run->is_dry ? 0 : group_of(job->group);
	if (run->group)
		check_group(job, run);
	run->was_started = true;
}

/* ---- renamed jobs ---- */

static bool has_run(void *context, const struct run *run)
{
	(void)run;
	*(bool *)context = true;
	return false;
}

static bool has_occurrence(void *context, const struct occurrence *occurrence)
{
	(void)occurrence;
	*(bool *)context = true;
	return false;
}

/* Nothing of it is left behind, and what is open is there under the new name. */
void policies_rename(const struct record *record)
{
	const char *from = record->rename.from, *to = record->rename.to;
	bool has_left = false;
	struct err err;

	if (ledger_job(from) != ledger_job(to))
		world_broken("%s is renamed to %s, which nobody asked for", from, to);
	store_runs(disk_truth(), &(struct run_filter){.job = from}, has_run, &has_left, &err);
	store_occurrences(disk_truth(), &(struct occurrence_filter){.job = from}, has_occurrence,
			  &has_left, &err);
	if (has_left)
		world_broken("%s was renamed to %s, and has a history still", from, to);
}
