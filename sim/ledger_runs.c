/* ledger_runs.c - the checker's books of runs; see ledger.h. */
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "internal.h"
#include "ledger.h"
#include "ledger_nodes.h"
#include "nodes.h"
#include "world.h"

enum { TABLE = 1024 };

static struct {
	struct ledger_run *table[TABLE];
	struct ledger_run **open; /* in the order of their claims */
	size_t open_count, open_capacity;
} runs;

static struct ledger_run **chain_of(uint64_t id)
{
	return &runs.table[random_of(1, id, 0, 0) % TABLE];
}

static struct ledger_run *find(uint64_t id)
{
	struct ledger_run *run = *chain_of(id);

	while (run && run->id != id)
		run = run->bucket;
	return run;
}

static int number_of(const struct ledger_run *run)
{
	return (int)(run->job - ledger.jobs);
}

/* ---- claims ---- */

void ledger_runs_add(const struct run *from, struct ledger_job *job)
{
	struct ledger_run *run = mem_alloc(sizeof(*run));

	if (find(from->id))
		world_broken("%s: two runs have one id", from->job);
	run->id = from->id;
	run->job = job;
	run->is_dry = from->dry_run;
	run->state = from->state;
	run->attempt = from->attempt;
	run->claimed_life = world.life;
	run->claimed_ms = world.mono.ms;
	policies_claim(run, from);
	run->bucket = *chain_of(run->id);
	*chain_of(run->id) = run;
	run->next_open = job->open_runs;
	job->open_runs = run;
	job->open += !run->is_dry;
	if (runs.open_count == runs.open_capacity) {
		runs.open_capacity = runs.open_capacity * 2 + 64;
		runs.open = mem_resize(runs.open, runs.open_capacity * sizeof(struct ledger_run *));
	}
	runs.open[runs.open_count++] = run;
}

void ledger_runs_add_void(const struct run *from, struct ledger_job *job)
{
	struct ledger_run *run = mem_alloc(sizeof(*run));

	*run = (struct ledger_run){.id = from->id,
				   .job = job,
				   .is_void = true,
				   .state = RUN_FINISHED,
				   .bucket = *chain_of(from->id)};
	*chain_of(run->id) = run;
}

bool ledger_runs_drop_void(uint64_t id)
{
	struct ledger_run **link = chain_of(id), *run;

	while ((run = *link) && run->id != id)
		link = &run->bucket;
	if (!run || !run->is_void)
		return false;
	*link = run->bucket;
	free(run);
	return true;
}

static void close_run(struct ledger_run *run)
{
	struct ledger_run **link = &run->job->open_runs;
	size_t i = 0;

	while (*link != run)
		link = &(*link)->next_open;
	*link = run->next_open;
	run->job->open -= !run->is_dry;
	while (runs.open[i] != run)
		i++;
	memmove(&runs.open[i], &runs.open[i + 1],
		(--runs.open_count - i) * sizeof(struct ledger_run *));
}

/* ---- ends ---- */

/* Stopping may end what runs. */
static bool was_ended_by_term(const struct ledger_run *run)
{
	return world.plan->stop_mode == STOP_MODE_KILL && run->claimed_ms <= ledger.last_term_ms;
}

/* Why a run may end that was never tried, by what it says. */
static bool has_reason(const struct ledger_run *run, const char *why)
{
	if (!why)
		return false;
	if (strstr(why, "canceled"))
		return run->is_canceled || run->stopping_life || was_ended_by_term(run);
	if (strstr(why, "replaced"))
		return run->job->may_replace;
	if (strstr(why, "deadline"))
		return run->job->may_expire;
	if (strstr(why, "the job was paused"))
		return run->job->was_paused && run->trigger != TRIGGER_MANUAL;
	if (strstr(why, "belfry was down"))
		return run->claimed_life != world.life;
	return strstr(why, "the job was removed") != NULL;
}

static void check_end(const struct ledger_run *run, const struct run *to)
{
	bool was_tried = run->attempts_recorded == to->attempt;

	if (!run->was_torn && !run->hold.is_torn && runner_is_alive(run->id))
		world_broken("j%d: a run ends as %s while its process is alive", number_of(run),
			     outcome_word(to->outcome));
	if (was_tried && run->last_attempt != to->outcome)
		world_broken("j%d: a run ends as %s, and its last attempt as %s", number_of(run),
			     outcome_word(to->outcome), outcome_word(run->last_attempt));
	if (!was_tried && !has_reason(run, to->message))
		world_broken("j%d: a run ends as %s without being tried: %s", number_of(run),
			     outcome_word(to->outcome), to->message ? to->message : "");
	if (run->is_canceled && run->canceled_life == world.life &&
	    to->outcome != OUTCOME_CANCELED && to->outcome != OUTCOME_UNKNOWN &&
	    !(run->is_canceled_late && to->outcome == OUTCOME_TIMED_OUT))
		world_broken("j%d: a run was canceled, and ends as %s", number_of(run),
			     outcome_word(to->outcome));
}

void ledger_runs_change(const struct run *to)
{
	struct ledger_run *run = find(to->id);

	if (!run) {
		world_broken("%s: news of a run that was never claimed", to->job);
		return;
	}
	if (run->is_void)
		return;
	if (run->state == RUN_FINISHED) {
		world_broken("j%d: a run that has ended changes", number_of(run));
		return;
	}
	if (to->attempt < run->attempt)
		world_broken("j%d: its attempts count down", number_of(run));
	if (to->attempt > (run->is_dry ? 1 : run->job->max_attempts))
		world_broken("j%d: attempt %d, of %d that are allowed", number_of(run), to->attempt,
			     run->is_dry ? 1 : run->job->max_attempts);
	if (to->state == RUN_FINISHED)
		check_end(run, to);
	if (to->state == RUN_STOPPING && !run->stopping_life)
		run->stopping_life = world.life;
	run->state = to->state;
	run->outcome = to->outcome;
	run->attempt = to->attempt;
	if (to->state == RUN_FINISHED)
		close_run(run);
}

/* What the runner knows has to bear it out. */
static bool is_true(const struct ledger_run *run, const struct attempt *attempt)
{
	struct truth truth = runner_truth(run->id, attempt->number);

	switch (attempt->outcome) {
	case OUTCOME_SUCCEEDED: return truth.has_ended && truth.exit_code == 0 && !truth.timed_out;
	case OUTCOME_FAILED:
		return (truth.has_ended && truth.exit_code != 0 && !truth.timed_out) ||
		       truth.was_refused;
	case OUTCOME_TIMED_OUT: return truth.has_ended || truth.was_refused;
	case OUTCOME_UNKNOWN: return truth.was_lost || run->hold.is_torn;
	case OUTCOME_CANCELED:
		return run->is_canceled || run->job->may_replace || was_ended_by_term(run) ||
		       (run->stopping_life && run->stopping_life != world.life);
	case OUTCOME_NONE:
	case OUTCOME_PARTIAL:
	case OUTCOME_COUNT: break;
	}
	return false;
}

void ledger_runs_attempt(const struct attempt *attempt)
{
	struct ledger_run *run = find(attempt->run);

	if (!run || run->state == RUN_FINISHED) {
		world_broken("an attempt of a run that is not open");
		return;
	}
	if (attempt->number != run->attempts_recorded + 1)
		world_broken("j%d: attempt %d follows attempt %d", number_of(run), attempt->number,
			     run->attempts_recorded);
	if (!is_true(run, attempt))
		world_broken("j%d: attempt %d is recorded as %s, which it was not", number_of(run),
			     attempt->number, outcome_word(attempt->outcome));
	run->attempts_recorded = attempt->number;
	run->was_torn |= run->hold.is_torn;
	run->hold.is_torn = false; /* the next one is its holder's own */
	run->last_attempt = attempt->outcome;
}

/* ---- starts ---- */

static void check_alone(const struct job *job, const struct ledger_run *run)
{
	const struct ledger_job *of = run->job;

	if (run->is_dry || job->overlap == OVERLAP_ALLOW)
		return;
	for (const struct ledger_run *other = of->open_runs; other; other = other->next_open) {
		if (other == run || other->is_dry || !runner_is_alive(other->id))
			continue;
		world_broken("%s: its overlap is %s, and two processes run at a time", job->name,
			     overlap_word(job->overlap));
	}
}

void ledger_start(const struct job *job, const struct run *from)
{
	struct ledger_run *run = find(from->id);

	if (!run) {
		world_broken("%s: a start without a durable claim", job->name);
		return;
	}
	if (run->state == RUN_FINISHED)
		world_broken("%s: a run is started that has ended", job->name);
	if (from->attempt != run->attempts_recorded + 1)
		world_broken("%s: attempt %d is started, and the last one that is known to be over "
			     "is attempt %d",
			     job->name, from->attempt, run->attempts_recorded);
	if (from->attempt > (run->is_dry ? 1 : run->job->max_attempts))
		world_broken("%s: attempt %d is started, of %d that are allowed", job->name,
			     from->attempt, run->is_dry ? 1 : run->job->max_attempts);
	if (run->is_canceled && run->canceled_life == world.life)
		world_broken("%s: a run is started that was canceled", job->name);
	if (world.mono.ms > ledger.term_ms[world.node])
		world_broken("%s: a run is started by a belfry that is stopping", job->name);
	if (nodes_are_several() && run->hold.node != world.node)
		world_broken("%s: a run of another node is started", job->name);
	check_alone(job, run);
	policies_start(job, run);
}

struct ledger_run *const *ledger_runs_open(size_t *count)
{
	*count = runs.open_count;
	return runs.open;
}

void ledger_forget(uint64_t id)
{
	const struct ledger_run *run = find(id);

	if (!run || run->state != RUN_FINISHED)
		world_broken("a run is forgotten before its end is durable");
}

/* ---- questions ---- */

void ledger_cancel(uint64_t id)
{
	struct ledger_run *run = find(id);

	if (!run->is_canceled)
		run->is_canceled_late = run->deadline_ms >= 0 && world.mono.ms >= run->deadline_ms;
	run->is_canceled = true;
	run->canceled_life = world.life;
}

bool ledger_is_open(uint64_t id)
{
	const struct ledger_run *run = find(id);

	return run && run->state != RUN_FINISHED;
}

bool ledger_is_stopping(uint64_t id)
{
	const struct ledger_run *run = find(id);

	return run && run->state == RUN_STOPPING;
}

int64_t ledger_timeout_ms(uint64_t id)
{
	const struct ledger_run *run = find(id);

	if (!run || !run->job->def)
		return 0;
	/* Adopted while there may have been no such job: nobody knows its timeout. */
	if (run->claimed_life != world.life && run->job->changed_life == world.life)
		return 0;
	return (int64_t)run->job->def->timeout_s * 1000;
}

void ledger_tell_open(void)
{
	for (size_t i = 0; i < runs.open_count; i++) {
		const struct ledger_run *run = runs.open[i];

		world_tell("open: j%d %llx, attempt %d, %s, held by node %d%s%s", number_of(run),
			   (unsigned long long)run->id, run->attempt, run_state_word(run->state),
			   run->hold.node, run->hold.is_handed ? ", handed" : "",
			   run->hold.is_torn ? ", torn" : "");
	}
}

size_t ledger_open(void)
{
	return runs.open_count;
}

uint64_t ledger_pick_open(int64_t number)
{
	return runs.open_count ? runs.open[(size_t)number % runs.open_count]->id : 0;
}

bool ledger_knows(uint64_t id)
{
	return find(id) != NULL;
}

struct ledger_hold *ledger_hold(uint64_t id)
{
	struct ledger_run *run = id ? find(id) : NULL;

	return run && run->state != RUN_FINISHED ? &run->hold : NULL;
}

void ledger_each_hold(void (*fn)(void *context, struct ledger_hold *hold, uint64_t run),
		      void *context)
{
	for (size_t i = 0; i < runs.open_count; i++)
		fn(context, &runs.open[i]->hold, runs.open[i]->id);
}

int32_t ledger_holder(const struct ledger_job *job)
{
	int32_t holder = -1; /* of the oldest, which comes last */

	for (const struct ledger_run *run = job->open_runs; run; run = run->next_open)
		if (!run->is_dry && run->hold.node != world.node)
			holder = run->hold.node;
	return holder;
}

/* Where runs of the job were let beside each other once, two nodes may have one each. */
void ledger_begins_alone(uint64_t id)
{
	const struct ledger_run *run = find(id);

	if (run->is_dry || run->job->may_allow)
		return;
	for (const struct ledger_run *other = run->job->open_runs; other; other = other->next_open)
		if (other != run && !other->is_dry && !other->was_torn && !other->hold.is_torn &&
		    nodes_is_alive(other->id))
			world_broken("j%d: two nodes run it at a time", number_of(run));
}

static size_t open_here(void)
{
	size_t count = 0;

	if (!nodes_are_several())
		return runs.open_count;
	for (size_t i = 0; i < runs.open_count; i++) {
		const struct ledger_hold *hold = &runs.open[i]->hold;

		count += hold->node == world.node && !hold->is_handed;
	}
	return count;
}

/* ---- engine and store ---- */

struct comparing {
	size_t count;
};

static bool is_as_good(enum run_state engine, enum run_state store)
{
	bool is_waiting = store == RUN_CLAIMED || store == RUN_BACKOFF;

	return engine == store || (is_waiting && (engine == RUN_STARTING || engine == RUN_CLAIMED));
}

static void compare_run(void *context, const struct run *run)
{
	struct comparing *comparing = context;
	const struct ledger_run *known = find(run->id);

	comparing->count++;
	if (!known || known->state == RUN_FINISHED)
		world_broken("%s: the engine has a run that the store has not", run->job);
	else if (!is_as_good(run->state, known->state) || run->attempt != known->attempt)
		world_broken("%s: attempt %d is %s to the engine, and %d, %s, to the store",
			     run->job, run->attempt, run_state_word(run->state), known->attempt,
			     run_state_word(known->state));
}

/* Only while nothing is on its way between the two. */
static bool is_settled(const struct daemon *daemon)
{
	return daemon->recorder.count == 0 && inbox_is_empty(&daemon->inbox) &&
	       daemon->effects.count == 0 && !daemon->node.is_out &&
	       !(nodes_are_several() && ledger_nodes_is_taken());
}

void ledger_compare_runs(void)
{
	const struct daemon *daemon = machine_doors.context;
	struct comparing comparing = {0};

	if (!machine_view || !is_settled(daemon))
		return;
	policies_check_waiting();
	machine_doors.each_run(machine_doors.context, compare_run, &comparing);
	if (comparing.count != open_here() && !world.is_broken)
		world_broken("%zu runs are open to the engine, %zu to the store", comparing.count,
			     open_here());
}

/* Of instants before it was planned anew, whose jittered fire still lies ahead, only one
 * of the two knows. */
static bool may_differ(const struct ledger_job *job)
{
	return utc_is_set(job->loose_until) ||
	       (job->def && job->def->jitter_s &&
		job->since.ms + (int64_t)job->def->jitter_s * 1000 > ledger.watermark.ms);
}

static void compare_plans(const struct engine *engine)
{
	for (size_t i = 0; i < machine_view->job_count; i++) {
		const char *name = machine_view->jobs[i].name;
		struct utc a = UTC_NEVER, b = UTC_NEVER;
		char one[UTC_TEXT_MAX], other[UTC_TEXT_MAX];

		if (!machine_doors.find_pause(machine_doors.context, name) !=
		    !engine_find_pause(engine, name))
			world_broken("%s: it is paused to one of engine and store alone", name);
		if (may_differ(ledger_job(name)))
			continue;
		machine_doors.next_fire(machine_doors.context, name, &a);
		engine_next_fire(engine, name, &b);
		if (a.ms != b.ms)
			world_broken("%s: its next fire is %s, and %s to an engine made from the "
				     "store",
				     name, utc_format(a, one), utc_format(b, other));
	}
}

static void compare_boot(const struct ledger_job *job)
{
	if (job->def && job->def->is_enabled && job->def->overlap != OVERLAP_FORBID &&
	    job->changed_life != world.life && job->booted_life != world.life && !job->was_paused &&
	    strcmp(plan_expression(job->def->expression), "@reboot") == 0)
		world_broken("j%d: a @reboot job was not started at boot",
			     (int)(job - ledger.jobs));
}

void ledger_compare(void)
{
	const struct daemon *daemon = machine_doors.context;
	struct arena arena = {0}, turn = {0};
	struct store_state state;
	struct err err;

	ledger_compare_runs();
	if (!machine_view || !is_settled(daemon) || world.is_broken || ledger.is_loose)
		return;
	store_load(disk_truth(), &arena, &state, &err);
	struct engine_past past = {.evaluated_until = state.evaluated_until,
				   .fixed_until = state.fixed_until,
				   .epoch = state.epoch,
				   .last_run = state.last_run,
				   .open_runs = state.open_runs,
				   .open_count = state.open_count,
				   .pauses = state.pauses,
				   .pause_count = state.pause_count};
	struct engine *engine = engine_create(&(struct engine_options){.max_running = 1}, &past);
	struct effects effects = {.arena = &turn};
	engine_step(engine, (struct now){world_utc(), world.mono},
		    &(struct event){.kind = EVENT_CONFIG,
				    .jobs = machine_view->jobs,
				    .job_count = machine_view->job_count,
				    .revision = 1},
		    &effects);
	compare_plans(engine);
	for (size_t i = 0; i < ledger.job_count && world.life > 1; i++)
		compare_boot(&ledger.jobs[i]);
	engine_destroy(engine);
	arena_finish(&arena);
	arena_finish(&turn);
}

void ledger_runs_create(void)
{
	memset(&runs, 0, sizeof(runs));
}

void ledger_runs_destroy(void)
{
	for (size_t i = 0; i < TABLE; i++)
		for (struct ledger_run *run = runs.table[i], *next; run; run = next) {
			next = run->bucket;
			free(run);
		}
	free(runs.open);
	memset(&runs, 0, sizeof(runs));
}
