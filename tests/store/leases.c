/*
 * leases.c - nodes that share a store, over each backend: what lease.h promises.
 *
 * Two nodes, a and b, speak with one store in turn. A lease of an hour does not run out
 * here, one of a millisecond does before anybody looks again.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "lease.h"
#include "memory.h"

enum { HOUR_MS = 3600 * 1000 };

struct pair {
	struct store *store;
	struct lease a, b;
	struct arena arena;
	struct run *runs;
	size_t count;
};
typedef void case_fn(struct pair *pair);

static int64_t ticks;

static struct utc ticking(void)
{
	return T(++ticks);
}

static void join(struct pair *pair, struct lease *lease, int64_t length_ms)
{
	struct err err;

	assert_true(store_join(pair->store, lease == &pair->a ? "a" : "b", length_ms, lease, &err));
}

static void join_both(struct pair *pair)
{
	join(pair, &pair->a, HOUR_MS);
	join(pair, &pair->b, HOUR_MS);
}

static bool try_as(struct pair *pair, struct lease *lease, struct record *record)
{
	struct err err;

	store_use(pair->store, lease);
	return store_apply(pair->store, record, 1, &err);
}

static bool loses_as(struct pair *pair, struct lease *lease, struct record record)
{
	assert_true(try_as(pair, lease, &record));
	return record.lost;
}

static bool renew_as(struct pair *pair, struct lease *lease)
{
	struct err err;

	store_use(pair->store, lease);
	return store_renew(pair->store, &err);
}

static size_t take_over_as(struct pair *pair, struct lease *lease)
{
	struct err err;

	store_use(pair->store, lease);
	assert_true(store_take_over(pair->store, &pair->arena, &pair->runs, &pair->count, &err));
	return pair->count;
}

static size_t take_handed_as(struct pair *pair, struct lease *lease)
{
	struct err err;

	store_use(pair->store, lease);
	assert_true(store_take_handed(pair->store, &pair->arena, &pair->runs, &pair->count, &err));
	return pair->count;
}

static struct store_state load_as(struct pair *pair, struct lease *lease)
{
	store_use(pair->store, lease);
	return load(pair->store, &pair->arena);
}

/* a's lease has run out, and b has been told so. */
static void let_run_out(struct pair *pair)
{
	join(pair, &pair->a, 1);
	do
		assert_true(renew_as(pair, &pair->b));
	while (!pair->b.has_expired);
}

static struct record claim_of(uint64_t id, const char *job, int64_t at, enum overlap overlap)
{
	struct record record = claim_record(id, job, at);

	record.overlap = overlap;
	return record;
}

static struct record end_of(uint64_t id, const char *job, int64_t at)
{
	return end_record(id, job, OUTCOME_SUCCEEDED, at);
}

/* ---- who may write ---- */

static void each_node_has_a_number_for_good(struct pair *pair)
{
	join_both(pair);
	uint8_t a = pair->a.node, b = pair->b.node;
	int64_t fence = pair->a.fence;

	assert_int_not_equal(a, 0);
	assert_int_not_equal(a, b);
	join(pair, &pair->a, HOUR_MS);
	assert_int_equal(pair->a.node, a);
	assert_true(pair->a.fence > fence);
	assert_int_equal(load_as(pair, &pair->b).node, b);
}

static void an_older_life_is_fenced(struct pair *pair)
{
	struct record record = claim_record(1, "j", 0);

	join_both(pair);
	struct lease old = pair->a;
	join(pair, &pair->a, HOUR_MS);
	assert_false(try_as(pair, &old, &record));
	assert_int_equal(old.refusal, REFUSAL_FENCED);
	assert_false(renew_as(pair, &old));
	assert_int_equal(count_runs(pair->store), 0);
	assert_true(try_as(pair, &pair->a, &record));
}

static void a_lease_that_ran_out_is_over_taken_or_not(struct pair *pair)
{
	struct record record = claim_record(1, "j", 0);

	join_both(pair);
	let_run_out(pair);
	assert_false(try_as(pair, &pair->a, &record));
	assert_int_equal(pair->a.refusal, REFUSAL_FENCED);
	assert_false(renew_as(pair, &pair->a));
	assert_int_equal(take_over_as(pair, &pair->b), 0);
	assert_false(renew_as(pair, &pair->a));
	join(pair, &pair->a, HOUR_MS);
	assert_true(try_as(pair, &pair->a, &record));
}

static void batches_renew(struct pair *pair)
{
	join_both(pair);
	int64_t before = pair->a.now.ms;
	assert_false(loses_as(pair, &pair->a, claim_record(1, "j", 0)));
	assert_true(pair->a.now.ms >= before);
	assert_true(renew_as(pair, &pair->b));
	assert_false(pair->b.has_expired);
}

static void a_refused_batch_leaves_nothing(struct pair *pair)
{
	struct record records[] = {claim_record(1, "j", 0), evaluated_record(5, 0)};
	struct buf before = {0}, after = {0};
	struct err err;

	join_both(pair);
	let_run_out(pair);
	dump(pair->store, &before);
	store_use(pair->store, &pair->a);
	assert_false(store_apply(pair->store, records, COUNT(records), &err));
	store_use(pair->store, NULL);
	dump(pair->store, &after);
	assert_string_equal(buf_string(&after), buf_string(&before));
	buf_finish(&before);
	buf_finish(&after);
}

/* ---- what all share ---- */

static void another_revision_makes_others_stale(struct pair *pair)
{
	struct record late = claim_record(2, "j", 0);

	join_both(pair);
	assert_false(loses_as(pair, &pair->a, revision_record(1, "{}")));
	assert_false(try_as(pair, &pair->b, &late));
	assert_int_equal(pair->b.refusal, REFUSAL_STALE);
	assert_false(renew_as(pair, &pair->b));
	assert_false(loses_as(pair, &pair->a, claim_record(1, "j", 0)));
	load_as(pair, &pair->b);
	assert_true(try_as(pair, &pair->b, &late));
	assert_true(late.lost);
}

static void another_epoch_makes_others_stale(struct pair *pair)
{
	struct record epoch = {.kind = RECORD_EPOCH};
	struct record late = evaluated_record(9, 0);

	epoch.evaluated.until = T(-5);
	epoch.evaluated.epoch = 1;
	epoch.evaluated.fixed_until = T(0);
	join_both(pair);
	assert_true(try_as(pair, &pair->a, &epoch));
	assert_false(try_as(pair, &pair->b, &late));
	assert_int_equal(pair->b.refusal, REFUSAL_STALE);
	assert_int_equal(load_as(pair, &pair->b).epoch, 1);
}

static void the_watermark_is_the_furthest(struct pair *pair)
{
	struct record far = evaluated_record(9, 0), near = evaluated_record(4, 0);

	join_both(pair);
	assert_true(try_as(pair, &pair->a, &far));
	assert_true(try_as(pair, &pair->b, &near));
	assert_int_equal(load_as(pair, &pair->b).evaluated_until.ms, T(9).ms);
}

static void a_stretch_that_was_begun_is_stale(struct pair *pair)
{
	struct record shorter = missed_record("j", 0, 10, 2), longer = missed_record("j", 0, 20, 3);

	join_both(pair);
	assert_true(try_as(pair, &pair->a, &shorter));
	assert_false(try_as(pair, &pair->b, &longer));
	assert_int_equal(pair->b.refusal, REFUSAL_STALE);
}

static void an_instant_of_a_stretch_is_taken(struct pair *pair)
{
	struct record stretch = missed_record("j", 0, 20, 3);

	join_both(pair);
	assert_true(try_as(pair, &pair->a, &stretch));
	assert_true(loses_as(pair, &pair->b, claim_of(1, "j", 10, OVERLAP_ALLOW)));
	assert_true(loses_as(pair, &pair->b, claim_of(2, "j", 20, OVERLAP_FORBID)));
	assert_false(loses_as(pair, &pair->b, claim_of(3, "j", 30, OVERLAP_ALLOW)));
}

static void a_file_is_remembered_by_node(struct pair *pair)
{
	struct record revision = revision_record(1, "{}");

	join_both(pair);
	assert_string_equal(pair->a.file_hash, "");
	assert_true(try_as(pair, &pair->a, &revision));
	load_as(pair, &pair->b);
	snprintf(pair->b.file_hash, LEASE_HASH_MAX, "of b");
	assert_true(renew_as(pair, &pair->b));
	join_both(pair);
	assert_string_equal(pair->a.file_hash, revision.revision.hash);
	assert_string_equal(pair->b.file_hash, "of b");
}

/* ---- claims ---- */

static void one_instant_has_one_owner(struct pair *pair)
{
	join_both(pair);
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_ALLOW)));
	assert_true(loses_as(pair, &pair->b, claim_of(2, "j", 0, OVERLAP_ALLOW)));
	assert_int_equal(load_as(pair, &pair->a).open_count, 1);
	assert_int_equal(load_as(pair, &pair->b).open_count, 0);
}

static void a_claim_that_came_through_unheard_is_not_lost(struct pair *pair)
{
	join_both(pair);
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_FORBID)));
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_FORBID)));
	assert_true(loses_as(pair, &pair->b, claim_of(1, "j", 0, OVERLAP_FORBID)));
	assert_int_equal(count_runs(pair->store), 1);
}

static void forbid_skips_for_a_run_elsewhere(struct pair *pair)
{
	struct buf text = {0};

	join_both(pair);
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_FORBID)));
	assert_true(loses_as(pair, &pair->b, claim_of(2, "j", 10, OVERLAP_FORBID)));
	assert_false(loses_as(pair, &pair->b, claim_of(3, "other", 10, OVERLAP_FORBID)));
	store_use(pair->store, NULL);
	dump(pair->store, &text);
	assert_non_null(strstr(buf_string(&text), "overlap"));
	buf_finish(&text);
	assert_true(loses_as(pair, &pair->a, skipped_record("j", 10)));
	assert_false(loses_as(pair, &pair->a, end_of(1, "j", 20)));
	assert_false(loses_as(pair, &pair->b, claim_of(4, "j", 30, OVERLAP_FORBID)));
}

static void dry_runs_are_in_nobodys_way(struct pair *pair)
{
	struct record dry = manual_record(2, "j", 10);

	join_both(pair);
	dry.overlap = OVERLAP_FORBID;
	dry.run.dry_run = true;
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_FORBID)));
	assert_false(loses_as(pair, &pair->b, dry));
	assert_false(loses_as(pair, &pair->a, end_of(1, "j", 20)));
	assert_false(loses_as(pair, &pair->a, claim_of(3, "j", 30, OVERLAP_FORBID)));
}

static void queued_is_handed_over(struct pair *pair)
{
	join_both(pair);
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_QUEUE)));
	assert_true(loses_as(pair, &pair->b, claim_of(2, "j", 10, OVERLAP_QUEUE)));
	assert_true(loses_as(pair, &pair->b, claim_of(2, "j", 10, OVERLAP_QUEUE)));
	assert_false(pair->b.has_handed);
	assert_int_equal(load_as(pair, &pair->a).open_count, 1);
	assert_true(renew_as(pair, &pair->a));
	assert_true(pair->a.has_handed);
	assert_int_equal(take_handed_as(pair, &pair->a), 1);
	assert_int_equal(pair->runs[0].id, 2);
	assert_string_equal(pair->runs[0].job, "j");
	assert_false(pair->a.has_handed);
	assert_int_equal(take_handed_as(pair, &pair->a), 0);
	assert_int_equal(load_as(pair, &pair->a).open_count, 2);
}

/* ---- taking over ---- */

static void open_runs_of_a_dead_node_are_taken_over(struct pair *pair)
{
	join_both(pair);
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_FORBID)));
	assert_false(loses_as(pair, &pair->a, claim_of(2, "k", 0, OVERLAP_FORBID)));
	assert_false(loses_as(pair, &pair->a, end_of(2, "k", 1)));
	let_run_out(pair);
	assert_int_equal(take_over_as(pair, &pair->b), 1);
	assert_int_equal(pair->runs[0].id, 1);
	assert_false(pair->b.has_expired);
	assert_int_equal(take_over_as(pair, &pair->b), 0);
	struct store_state state = load_as(pair, &pair->b);
	assert_int_equal(state.open_count, 1);
	assert_true(state.is_torn[0]);
	join(pair, &pair->a, HOUR_MS);
	assert_int_equal(load_as(pair, &pair->a).open_count, 0);
}

static void the_next_attempt_is_the_survivors_own(struct pair *pair)
{
	struct record next = claim_of(1, "j", 0, OVERLAP_FORBID);

	join_both(pair);
	assert_false(loses_as(pair, &pair->a, next));
	let_run_out(pair);
	assert_int_equal(take_over_as(pair, &pair->b), 1);
	next.kind = RECORD_RUN;
	next.run.state = RUN_BACKOFF;
	next.run.attempt = 2;
	assert_true(try_as(pair, &pair->b, &next));
	struct store_state state = load_as(pair, &pair->b);
	assert_int_equal(state.open_count, 1);
	assert_false(state.is_torn[0]);
}

static void own_runs_stay_own_in_the_next_life(struct pair *pair)
{
	join_both(pair);
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_FORBID)));
	let_run_out(pair);
	join(pair, &pair->a, HOUR_MS);
	struct store_state state = load_as(pair, &pair->a);
	assert_int_equal(state.open_count, 1);
	assert_false(state.is_torn[0]);
	assert_int_equal(take_over_as(pair, &pair->b), 0);
}

static void what_was_handed_to_a_dead_node_never_started(struct pair *pair)
{
	join_both(pair);
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_QUEUE)));
	assert_true(loses_as(pair, &pair->b, claim_of(2, "j", 10, OVERLAP_QUEUE)));
	let_run_out(pair);
	assert_int_equal(take_over_as(pair, &pair->b), 1);
	assert_true(pair->b.has_handed);
	assert_int_equal(take_handed_as(pair, &pair->b), 1);
	assert_int_equal(pair->runs[0].id, 2);
	struct store_state state = load_as(pair, &pair->b);
	assert_true(state.is_torn[0]);
	assert_false(state.is_torn[1]);
}

static void pruned_runs_are_held_by_nobody(struct pair *pair)
{
	size_t removed;
	struct err err;

	join_both(pair);
	assert_false(loses_as(pair, &pair->a, claim_of(1, "j", 0, OVERLAP_FORBID)));
	assert_false(loses_as(pair, &pair->a, end_of(1, "j", 5)));
	assert_true(store_prune(pair->store, "j", T(100), 10, 10, &removed, &err));
	assert_int_equal(removed, 1);
	assert_false(loses_as(pair, &pair->b, claim_of(2, "j", 10, OVERLAP_FORBID)));
}

/* ---- the table, over each backend ---- */

#define CASES(X)                                                                                   \
	X(each_node_has_a_number_for_good)                                                         \
	X(an_older_life_is_fenced)                                                                 \
	X(a_lease_that_ran_out_is_over_taken_or_not)                                               \
	X(batches_renew)                                                                           \
	X(a_refused_batch_leaves_nothing)                                                          \
	X(another_revision_makes_others_stale)                                                     \
	X(another_epoch_makes_others_stale)                                                        \
	X(the_watermark_is_the_furthest)                                                           \
	X(a_stretch_that_was_begun_is_stale)                                                       \
	X(an_instant_of_a_stretch_is_taken)                                                        \
	X(a_file_is_remembered_by_node)                                                            \
	X(one_instant_has_one_owner)                                                               \
	X(a_claim_that_came_through_unheard_is_not_lost)                                           \
	X(forbid_skips_for_a_run_elsewhere)                                                        \
	X(dry_runs_are_in_nobodys_way)                                                             \
	X(queued_is_handed_over)                                                                   \
	X(open_runs_of_a_dead_node_are_taken_over)                                                 \
	X(the_next_attempt_is_the_survivors_own)                                                   \
	X(own_runs_stay_own_in_the_next_life)                                                      \
	X(what_was_handed_to_a_dead_node_never_started)                                            \
	X(pruned_runs_are_held_by_nobody)

struct trial {
	const char *backend; /* "sqlite" or "memory" */
	case_fn *run;
};

static void run_trial(void **state)
{
	const struct trial *trial = *state;
	bool is_sqlite = strcmp(trial->backend, "sqlite") == 0;
	char *directory = is_sqlite ? make_directory() : NULL;
	struct pair pair = {.store = is_sqlite ? open_in(directory) : memory_create()};

	assert_false(store_is_shared(pair.store));
	if (!is_sqlite) {
		memory_share(pair.store, ticking);
		assert_true(store_is_shared(pair.store));
	}
	trial->run(&pair);
	store_close(pair.store);
	arena_finish(&pair.arena);
	if (directory)
		remove_directory(directory);
}

#define TRIAL(backend, name)                                                                       \
	{backend ": " #name, run_trial, NULL, NULL, &(struct trial){backend, name}},
#define SQLITE_TRIAL(name) TRIAL("sqlite", name)
#define MEMORY_TRIAL(name) TRIAL("memory", name)

int main(void)
{
	const struct CMUnitTest tests[] = {CASES(SQLITE_TRIAL) CASES(MEMORY_TRIAL)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
