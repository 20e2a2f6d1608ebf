/*
 * disk.c - the store: memory that outlives daemons, and the ways it fails.
 *
 * A commit that fails stored nothing, one that lies stored all and says it failed;
 * the ledger sees what is durable, whatever the daemon was told.
 */
#include <string.h>

#include "backend.h"
#include "ledger_nodes.h"
#include "memory.h"
#include "memory_internal.h"
#include "nodes.h"
#include "world.h"

static struct store *truth; /* the memory behind it, which all nodes share */

static struct disk {
	struct store store; /* what the daemon holds */
	int64_t fails_until_ms;
	int64_t lies;
	uint64_t commits;
	size_t replayed;  /* records at the head of the queue that are durable already */
	struct lease was; /* before the call: an answer that is lost changes nothing */
} disk, disks[NODES_MAX];

/* Each node has faults of its own. */
static uint64_t letter(void)
{
	return 'd' + (uint64_t)world.node * 1000;
}

static bool fails(struct err *err)
{
	disk.commits++;
	if (world.mono.ms < disk.fails_until_ms ||
	    world_odds(world.plan->odds.commit_fails, letter(), disk.commits, 1))
		return err_set(err, "disk is full");
	return true;
}

static bool lies(void)
{
	if (disk.lies > 0) {
		disk.lies--;
		return true;
	}
	return world_odds(world.plan->odds.commit_lies, letter(), disk.commits, 2);
}

/* ---- a call: it may be slow, fail, come through unheard, or end with the daemon ---- */

enum { SLOW_MS = 120000 };

/* The daemon waits for its answer. */
static void be_slow(uint64_t which)
{
	int64_t ms;

	if (!world_odds(world.plan->odds.store_slow, letter(), disk.commits, which))
		return;
	ms = (int64_t)(world_draw(letter(), disk.commits, which + 10) % SLOW_MS);
	world_tell("the store is slow: %lld ms", (long long)ms);
	count(COUNT_SLOW);
	if (nodes_are_several())
		nodes_sleep(ms);
	else
		world_stall(ms);
}

static bool begin(struct store *store, struct err *err)
{
	if (!world_step())
		return err_set(err, "dead before the commit");
	be_slow(3);
	if (world.is_dead)
		return err_set(err, "dead before the commit");
	store_use(truth, store->lease);
	if (store->lease)
		disk.was = *store->lease;
	return true;
}

static bool unheard(struct store *store, struct err *err, const char *why)
{
	if (store->lease) {
		*store->lease = disk.was;
		store->lease->refusal = REFUSAL_NONE;
	}
	return err_set(err, "%s", why);
}

/* What the truth did is done; whether the daemon hears of it is another matter. */
static bool end(struct store *store, struct err *err)
{
	be_slow(4);
	if (!world_step())
		return unheard(store, err, "dead after the commit");
	if (!lies())
		return true;
	world_tell("and is said to have failed");
	count(COUNT_LIES);
	return unheard(store, err, "no answer to the commit");
}

static bool refused(const struct store *store)
{
	const struct lease *lease = store->lease;

	if (!lease || lease->refusal == REFUSAL_NONE)
		return false;
	world_tell("which is refused as %s", lease->refusal == REFUSAL_FENCED ? "fenced" : "stale");
	count(lease->refusal == REFUSAL_FENCED ? COUNT_FENCED : COUNT_STALE);
	disk.replayed = 0;
	return true;
}

static bool apply(struct store *store, struct record *records, size_t record_count, struct err *err)
{
	if (!begin(store, err))
		return false;
	if (!fails(err)) {
		world_tell("commit of %zu fails", record_count);
		count(COUNT_FAILED);
		return false;
	}
	world_tell("commit of %zu", record_count);
	count(COUNT_COMMITS);
	if (!store_apply(truth, records, record_count, err)) {
		refused(store);
		return false;
	}
	if (store->lease)
		ledger_nodes_admitted(store->lease);
	size_t skip = disk.replayed < record_count ? disk.replayed : record_count;
	disk.replayed = record_count;
	ledger_commit(records, record_count, skip);
	if (nodes_are_several() && memory_of(truth)->evaluated_until.ms < ledger_watermark().ms)
		world_broken("the watermark goes back behind what another node has decided");
	if (!end(store, err))
		return false;
	disk.replayed = 0;
	return true;
}

static bool load(struct store *store, struct arena *arena, struct store_state *state,
		 struct err *err)
{
	if (!world_step())
		return err_set(err, "dead while loading");
	if (world.mono.ms < disk.fails_until_ms ||
	    world_odds(world.plan->odds.load_fails, 'l', (uint64_t)world.life, 0))
		return err_set(err, "cannot read");
	store_use(truth, store->lease);
	return store_load(truth, arena, state, err);
}

/* ---- leases ---- */

static bool join(struct store *store, const char *name, struct err *err)
{
	struct lease *lease = store->lease;

	if (!begin(store, err) || !fails(err))
		return false;
	disk.replayed = 0;
	if (!store_join(truth, name, lease->length_ms, lease, err))
		return false;
	world_tell("joins as %d with fence %lld", lease->node, (long long)lease->fence);
	ledger_nodes_joined(lease);
	return end(store, err);
}

static bool renew(struct store *store, struct err *err)
{
	if (!begin(store, err) || !fails(err))
		return false;
	if (!store_renew(truth, err)) {
		world_tell("renews");
		refused(store);
		return false;
	}
	ledger_nodes_admitted(store->lease);
	return end(store, err);
}

static bool take_over(struct store *store, struct arena *arena, struct run **runs,
		      size_t *run_count, struct err *err)
{
	if (!begin(store, err) || !fails(err))
		return false;
	world_tell("takes over");
	if (!store_take_over(truth, arena, runs, run_count, err)) {
		refused(store);
		return false;
	}
	ledger_nodes_admitted(store->lease);
	ledger_nodes_took_over(*runs, *run_count);
	return end(store, err);
}

static bool take_handed(struct store *store, struct arena *arena, struct run **runs,
			size_t *run_count, struct err *err)
{
	if (!begin(store, err) || !fails(err))
		return false;
	world_tell("takes what was handed over");
	if (!store_take_handed(truth, arena, runs, run_count, err)) {
		refused(store);
		return false;
	}
	ledger_nodes_admitted(store->lease);
	ledger_nodes_took_handed(*runs, *run_count);
	return end(store, err);
}

static bool runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		 void *context, struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead");
	return store_runs(truth, filter, row, context, err);
}

static bool revisions(struct store *store, const struct revision_filter *filter,
		      store_revision_fn *row, void *context, struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead");
	bool ok = fails(err);
	ledger_text_read(ok);
	return ok && store_revisions(truth, filter, row, context, err);
}

/* Nobody in this world has a token, or asks through an API that keeps an audit log. */
static bool tokens(struct store *store, store_token_fn *row, void *context, struct err *err)
{
	(void)store, (void)row, (void)context, (void)err;
	return true;
}

static bool audits(struct store *store, const struct audit_filter *filter, store_audit_fn *row,
		   void *context, struct err *err)
{
	(void)store, (void)filter, (void)row, (void)context, (void)err;
	return true;
}

static bool prune(struct store *store, const char *job, struct utc before, int64_t keep,
		  size_t batch, size_t *removed, struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead");
	return store_prune(truth, job, before, keep, batch, removed, err);
}

static bool job_names(struct store *store, struct arena *arena, const char *const **names,
		      size_t *count, struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead");
	return store_job_names(truth, arena, names, count, err);
}

static bool is_writable(struct store *store, struct err *err)
{
	(void)store, (void)err;
	return true;
}

static void close_store(struct store *store)
{
	(void)store;
}

/* Of the queries only those that the daemon itself asks: the API is not part of this. */
static const struct store_ops ops = {
	.close = close_store,
	.apply = apply,
	.load = load,
	.runs = runs,
	.revisions = revisions,
	.tokens = tokens,
	.audits = audits,
	.prune = prune,
	.job_names = job_names,
	.is_writable = is_writable,
	.join = join,
	.renew = renew,
	.take_over = take_over,
	.take_handed = take_handed,
};

/* In place of store/store_open.c. */
struct store *store_open(const char *location, struct err *err)
{
	(void)location, (void)err;
	disk.store = (struct store){.ops = &ops, .is_shared = nodes_are_several()};
	return &disk.store;
}

void disk_create(void)
{
	truth = memory_create();
	if (nodes_are_several())
		memory_share(truth, world_utc);
	memset(&disk, 0, sizeof(disk));
	memset(disks, 0, sizeof(disks));
}

void disk_stage(int32_t from, int32_t to)
{
	if (from >= 0)
		disks[from] = disk;
	disk = disks[to];
}

void disk_destroy(void)
{
	store_close(truth);
	truth = NULL;
}

void disk_life_begins(void)
{
	disk.replayed = 0;
}

void disk_fails_for(int64_t ms)
{
	disk.fails_until_ms = world.mono.ms + ms;
}

void disk_lies(int64_t commits)
{
	disk.lies = commits;
}

void disk_heal(void)
{
	disk.fails_until_ms = disk.lies = 0;
}

struct store *disk_truth(void)
{
	return truth;
}
