/* ledger_nodes.c - the books of nodes that share a store; see ledger_nodes.h. */
#include "ledger_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "nodes.h"
#include "world.h"

/* ---- leases ---- */

/* A node, by its number less one, which is the order in which they joined first. */
struct book {
	int32_t node; /* of the simulator */
	int64_t fence, until_ms;
	bool is_taken; /* its runs were taken over, and it has not joined again */
};

static struct {
	struct book books[NODES_MAX];
	size_t count;
	uint64_t *set; /* of instants that are accounted for; 0: free */
	size_t set_count, set_capacity;
} nodes;

static struct book *book_of(int32_t node)
{
	for (size_t i = 0; i < nodes.count; i++)
		if (nodes.books[i].node == node)
			return &nodes.books[i];
	return NULL;
}

void ledger_nodes_joined(const struct lease *lease)
{
	struct book *book = book_of(world.node);

	if (!book) {
		book = &nodes.books[nodes.count++];
		book->node = world.node;
	}
	if (lease->node != (uint8_t)(book - nodes.books + 1))
		world_broken("node %d has the number %d", world.node, lease->node);
	if (lease->fence <= book->fence)
		world_broken("node %d joins with fence %lld after %lld", world.node,
			     (long long)lease->fence, (long long)book->fence);
	book->fence = lease->fence;
	book->is_taken = false;
	book->until_ms = world_utc().ms + lease->length_ms;
}

void ledger_nodes_admitted(const struct lease *lease)
{
	struct book *book = book_of(world.node);

	if (!book || book->is_taken)
		world_broken("node %d writes after its runs were taken over", world.node);
	else if (book->fence != lease->fence)
		world_broken("node %d writes with fence %lld, and its fence is %lld", world.node,
			     (long long)lease->fence, (long long)book->fence);
	else if (book->until_ms < world_utc().ms)
		world_broken("node %d writes, and its lease ran out %lld ms ago", world.node,
			     (long long)(world_utc().ms - book->until_ms));
	else
		book->until_ms = world_utc().ms + lease->length_ms;
}

bool ledger_nodes_is_taken(void)
{
	const struct book *book = book_of(world.node);

	return !book || book->is_taken;
}

/* ---- who holds what ---- */

struct taking {
	int32_t from;
	const struct run *runs;
	size_t count, expected;
};

static bool is_among(const struct taking *taking, uint64_t id)
{
	for (size_t i = 0; i < taking->count; i++)
		if (taking->runs[i].id == id)
			return true;
	return false;
}

static void take_one(void *context, struct ledger_hold *hold, uint64_t id)
{
	struct taking *taking = context;

	if (hold->node != taking->from)
		return;
	hold->node = world.node;
	if (hold->is_handed)
		return;
	hold->is_torn = true;
	taking->expected++;
	count(COUNT_TORN);
	if (!is_among(taking, id))
		world_broken("node %d takes over from node %d, and leaves a run behind", world.node,
			     taking->from);
}

void ledger_nodes_took_over(const struct run *runs, size_t run_count)
{
	struct book *dead = NULL;

	for (size_t i = 0; i < nodes.count && !dead; i++) {
		struct book *book = &nodes.books[i];

		if (book->node != world.node && !book->is_taken && book->until_ms < world_utc().ms)
			dead = book;
	}
	if (!dead) {
		if (run_count > 0)
			world_broken("runs are taken over, and no node's lease has run out");
		return;
	}
	struct taking taking = {dead->node, runs, run_count, 0};
	dead->is_taken = true;
	count(COUNT_TAKEOVERS);
	ledger_each_hold(take_one, &taking);
	if (taking.expected != run_count)
		world_broken("%zu runs are taken over, and node %d had %zu", run_count, dead->node,
			     taking.expected);
}

static void take_handed(void *context, struct ledger_hold *hold, uint64_t id)
{
	const struct taking *taking = context;

	if (hold->node != world.node || !hold->is_handed)
		return;
	hold->is_handed = false;
	if (!is_among(taking, id))
		world_broken("a run that was handed to node %d is lost", world.node);
}

void ledger_nodes_took_handed(const struct run *runs, size_t run_count)
{
	struct taking taking = {world.node, runs, run_count, 0};

	ledger_each_hold(take_handed, &taking);
}

int32_t ledger_nodes_owner(uint64_t run)
{
	const struct ledger_hold *hold = ledger_hold(run);

	return hold ? hold->node : -1;
}

void ledger_nodes_begin(uint64_t run)
{
	const struct ledger_hold *hold = ledger_hold(run);

	if (!hold)
		world_broken("node %d lets an attempt go whose run has ended", world.node);
	else if (hold->node != world.node || hold->is_handed || hold->is_torn)
		world_broken("node %d lets an attempt go that was taken over from it, or handed "
			     "to another node",
			     world.node);
	else
		ledger_begins_alone(run);
}

/* ---- the set of instants ---- */

static void put(uint64_t key)
{
	size_t mask = nodes.set_capacity - 1, at = (size_t)key & mask;

	while (nodes.set[at])
		at = (at + 1) & mask;
	nodes.set[at] = key;
	nodes.set_count++;
}

static void grow(void)
{
	size_t had = nodes.set_capacity;
	uint64_t *old = nodes.set;

	nodes.set_capacity = had ? had * 2 : 4096;
	nodes.set = mem_alloc(nodes.set_capacity * sizeof(*nodes.set));
	nodes.set_count = 0;
	for (size_t i = 0; i < had; i++)
		if (old[i])
			put(old[i]);
	free(old);
}

static uint64_t key_of(const struct ledger_job *job, struct utc instant, int32_t epoch)
{
	uint64_t key = random_of('i', (uint64_t)(job - ledger.jobs), (uint64_t)instant.ms,
				 (uint64_t)(epoch + 1));

	return key ? key : 1;
}

static bool has(uint64_t key)
{
	size_t mask = nodes.set_capacity - 1;

	if (!nodes.set_capacity)
		return false;
	for (size_t at = (size_t)key & mask; nodes.set[at]; at = (at + 1) & mask)
		if (nodes.set[at] == key)
			return true;
	return false;
}

enum { ANY_EPOCH = -1 };

static bool is_accounted(const struct ledger_job *job, struct utc instant)
{
	return has(key_of(job, instant, ANY_EPOCH));
}

/* False: it was before. */
static bool account(const struct ledger_job *job, struct utc instant, int32_t epoch)
{
	uint64_t key = key_of(job, instant, epoch), any = key_of(job, instant, ANY_EPOCH);

	if (has(key))
		return false;
	if (2 * (nodes.set_count + 2) > nodes.set_capacity)
		grow();
	put(key);
	if (!has(any))
		put(any);
	return true;
}

static int number_of(const struct ledger_job *job)
{
	return (int)(job - ledger.jobs);
}

static bool falls_on(const struct schedule *schedule, struct utc instant)
{
	struct utc next;

	return schedule && schedule_next_after(schedule, utc_add(instant, -1), &next) &&
	       next.ms == instant.ms;
}

/* By its schedule as it is, is going to be, or was until a moment ago. */
static void check_due(const struct ledger_job *job, struct utc instant)
{
	char at[UTC_TEXT_MAX];

	if (ledger.pending != SIZE_MAX || ledger.has_new_zones ||
	    falls_on(job->schedule, instant) || falls_on(job->schedule_before, instant))
		return;
	world_broken("j%d: the instant %s was not due", number_of(job), utc_format(instant, at));
}

/* Once a day by the clock of its zone, whatever the zone's rules come to be. */
enum { LEAST_DAY_MS = 20 * 3600 * 1000 };

static void check_day(struct ledger_job *job, const struct run *run)
{
	int64_t since_ms = run->scheduled_at.ms - job->last_claim.ms;
	char at[UTC_TEXT_MAX];

	if (ledger.pending == SIZE_MAX && job->is_daily && utc_is_set(job->last_claim) &&
	    run->epoch == job->last_claim_epoch && since_ms < LEAST_DAY_MS &&
	    since_ms > -LEAST_DAY_MS)
		world_broken("j%d: claimed for %s, %lld s after the day's claim before",
			     number_of(job), utc_format(run->scheduled_at, at),
			     (long long)since_ms / 1000);
	job->last_claim = run->scheduled_at;
	job->last_claim_epoch = run->epoch;
}

static void claim_instant(struct ledger_job *job, const struct run *run)
{
	char at[UTC_TEXT_MAX];

	if (!utc_is_set(run->scheduled_at))
		return;
	if (!account(job, run->scheduled_at, run->epoch)) {
		world_broken("%s: the instant %s is claimed twice", run->job,
			     utc_format(run->scheduled_at, at));
		return;
	}
	if (nodes_are_several() && run->scheduled_at.ms > world_utc().ms)
		world_broken("%s: the instant %s is claimed before its time", run->job,
			     utc_format(run->scheduled_at, at));
	check_due(job, run->scheduled_at);
	check_day(job, run);
}

/* ---- claims that the store told to be lost ---- */

/* Or it lies in a stretch that was decided by an earlier file, which did not have it: one
 * that begins by the new file may take it to be due, where its delay is still to come. */
static bool is_taken(const struct ledger_job *job, struct utc instant, int32_t epoch)
{
	return has(key_of(job, instant, epoch)) ||
	       (utc_is_set(job->stretches_end) && instant.ms <= job->stretches_end.ms);
}

static bool is_known_instant(const struct ledger_job *job, const struct run *run)
{
	return utc_is_set(run->scheduled_at) && is_taken(job, run->scheduled_at, run->epoch);
}

static void lost_for_overlap(const struct record *record, struct ledger_job *job)
{
	const struct run *run = &record->run;
	int32_t holder = ledger_holder(job);

	if (holder < 0) {
		world_broken("%s: a claim is lost without a reason", run->job);
	} else if (record->overlap == OVERLAP_FORBID) {
		count(COUNT_SKIPPED);
		ledger_runs_add_void(run, job);
		if (utc_is_set(run->scheduled_at))
			account(job, run->scheduled_at, run->epoch);
	} else {
		count(COUNT_HANDED);
		claim_instant(job, run);
		if (run->trigger == TRIGGER_MANUAL)
			job->triggers--;
		ledger_runs_add(run, job);
		*ledger_hold(run->id) = (struct ledger_hold){.node = holder, .is_handed = true};
	}
}

static void on_lost(const struct record *record, struct ledger_job *job)
{
	const struct run *run = &record->run;

	if (ledger_knows(run->id))
		return;
	if (is_known_instant(job, run)) {
		count(COUNT_LOST_CLAIMS);
		ledger_runs_add_void(run, job);
	} else {
		lost_for_overlap(record, job);
	}
}

static void check_free(const struct ledger_job *job, const struct record *record)
{
	if (!record->run.dry_run && record->overlap == OVERLAP_FORBID && ledger_holder(job) >= 0)
		world_broken("%s: its overlap is forbid, and it is claimed while another node has "
			     "an open run of it",
			     record->run.job);
}

void ledger_loose_claim(const struct record *record)
{
	const struct run *run = &record->run;
	struct ledger_job *job = ledger_job(run->job);

	if (record->lost) {
		if (nodes_are_several())
			on_lost(record, job);
		else if (!is_known_instant(job, run))
			world_broken("%s: a claim is lost without a reason", run->job);
		else
			ledger_runs_add_void(run, job);
		return;
	}
	if (ledger_knows(run->id))
		return; /* it came through before, and was said not to have */
	if (nodes_are_several())
		check_free(job, record);
	ledger_check_claim(job, run);
	claim_instant(job, run);
	ledger_runs_add(run, job);
	*ledger_hold(run->id) = (struct ledger_hold){.node = world.node};
}

/* Another jitter brings up again what is part of an earlier stretch. */
static bool has_jitter(const struct ledger_job *job)
{
	return (job->schedule && schedule_jitter_max_ms(job->schedule) > 0) ||
	       (job->schedule_before && schedule_jitter_max_ms(job->schedule_before) > 0);
}

void ledger_loose_occurrence(const struct record *record)
{
	const struct occurrence *o = &record->occurrence;
	struct ledger_job *job = ledger_job(o->job);
	struct utc at = o->scheduled_at;

	if (record->lost && !is_taken(job, at, o->epoch))
		world_broken("%s: an instant is lost that nobody has", o->job);
	if (record->lost && o->count == 1)
		return;
	if (!record->lost && !account(job, at, o->epoch) && !has_jitter(job))
		world_broken("%s: an instant is recorded a second time", o->job);
	check_due(job, at);
	if (o->count == 1 || !job->schedule)
		return;
	job->stretches_end = utc_is_set(job->stretches_end)
				     ? utc_max(job->stretches_end, o->last_at)
				     : o->last_at;
	/* The rest of a stretch, by either schedule. */
	for (int of = 0; of < 2; of++) {
		const struct schedule *schedule = of ? job->schedule_before : job->schedule;

		at = o->scheduled_at;
		while (schedule && schedule_next_after(schedule, at, &at) && at.ms <= o->last_at.ms)
			account(job, at, o->epoch);
	}
}

/* Whoever moves the watermark has decided, or somebody has, all that is due by then. */
void ledger_loose_evaluated(struct utc until)
{
	for (size_t i = 0; i < ledger.job_count && !world.is_broken; i++) {
		struct ledger_job *job = &ledger.jobs[i];

		/* Since when, within the batch, other rules hold is not known here. */
		if (ledger.has_new_zones && job->def && job->def->is_paris)
			continue;
		while (job->has_plan && !world.is_broken &&
		       job->fire_ms + schedule_jitter_max_ms(job->schedule) <= until.ms) {
			char at[UTC_TEXT_MAX];

			if (!is_accounted(job, job->scheduled))
				world_broken("j%zu: the watermark passes %s, which is neither run "
					     "nor skipped nor missed",
					     i, utc_format(job->scheduled, at));
			ledger_plan_next(job);
		}
	}
}

void ledger_loose_changed(struct ledger_job *job, struct utc since)
{
	(void)since;
	job->last_claim = UTC_NONE;
}

void ledger_nodes_create(void)
{
	memset(&nodes, 0, sizeof(nodes));
}

void ledger_nodes_destroy(void)
{
	free(nodes.set);
	memset(&nodes, 0, sizeof(nodes));
}
