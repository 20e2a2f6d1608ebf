/*
 * disk.c - the store: memory that outlives daemons, and the ways it fails.
 *
 * A commit that fails stored nothing, one that lies stored all and says it failed;
 * the ledger sees what is durable, whatever the daemon was told.
 */
#include <stdlib.h>

#include "backend.h"
#include "memory.h"
#include "world.h"

static struct {
	struct store store;  /* what the daemon holds */
	struct store *truth; /* the memory behind it */
	int64_t fails_until_ms;
	int64_t lies;
	uint64_t commits;
	size_t replayed; /* records at the head of the queue that are durable already */
} disk;

static bool fails(struct err *err)
{
	disk.commits++;
	if (world.mono.ms < disk.fails_until_ms ||
	    world_odds(world.plan->odds.commit_fails, 'd', disk.commits, 1))
		return err_set(err, "disk is full");
	return true;
}

static bool lies(void)
{
	if (disk.lies > 0) {
		disk.lies--;
		return true;
	}
	return world_odds(world.plan->odds.commit_lies, 'd', disk.commits, 2);
}

static bool apply(struct store *store, struct record *records, size_t count, struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead before the commit");
	if (!fails(err)) {
		world_tell("commit of %zu fails", count);
		return false;
	}
	if (!store_apply(disk.truth, records, count, err))
		return false;
	world_tell("commit of %zu", count);
	size_t skip = disk.replayed < count ? disk.replayed : count;
	disk.replayed = 0;
	ledger_commit(records, count, skip);
	if (!world_step())
		return err_set(err, "dead after the commit");
	if (!lies())
		return true;
	world_tell("and is said to have failed");
	disk.replayed = count;
	return err_set(err, "no answer to the commit");
}

static bool load(struct store *store, struct arena *arena, struct store_state *state,
		 struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead while loading");
	if (world.mono.ms < disk.fails_until_ms ||
	    world_odds(world.plan->odds.load_fails, 'l', (uint64_t)world.life, 0))
		return err_set(err, "cannot read");
	return store_load(disk.truth, arena, state, err);
}

static bool runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		 void *context, struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead");
	return store_runs(disk.truth, filter, row, context, err);
}

static bool prune(struct store *store, const char *job, struct utc before, int64_t keep,
		  size_t batch, size_t *removed, struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead");
	return store_prune(disk.truth, job, before, keep, batch, removed, err);
}

static bool job_names(struct store *store, struct arena *arena, const char *const **names,
		      size_t *count, struct err *err)
{
	(void)store;
	if (!world_step())
		return err_set(err, "dead");
	return store_job_names(disk.truth, arena, names, count, err);
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
	.prune = prune,
	.job_names = job_names,
	.is_writable = is_writable,
};

/* In place of store/store_open.c. */
struct store *store_open(const char *location, struct err *err)
{
	(void)location, (void)err;
	disk.store = (struct store){.ops = &ops};
	return &disk.store;
}

void disk_create(void)
{
	disk.truth = memory_create();
	disk.fails_until_ms = disk.lies = 0;
	disk.commits = 0;
	disk.replayed = 0;
}

void disk_destroy(void)
{
	store_close(disk.truth);
	disk.truth = NULL;
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
	return disk.truth;
}
