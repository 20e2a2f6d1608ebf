/*
 * differential.c - the same random batches into both stores: every answer is equal.
 *
 *	test-store-differential [SEED]
 *
 * Without a seed a fixed row of them is tried. A failure names its seed.
 */
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 12, BATCHES = 60, BATCH_MAX = 25, QUERIES = 12 };

static uint64_t seed_given;

/* ---- luck that can be repeated: splitmix64 ---- */

struct luck {
	uint64_t state;
};

static uint64_t draw(struct luck *luck, uint64_t below)
{
	uint64_t z = luck->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static bool one_in(struct luck *luck, uint64_t n)
{
	return draw(luck, n) == 0;
}

static const char *draw_job(struct luck *luck)
{
	static const char *const jobs[] = {"a", "b", "a b", "send-reminders", "Z", "\xc3\xa9"};

	return jobs[draw(luck, COUNT(jobs))];
}

static const char *draw_message(struct luck *luck)
{
	static const char *const messages[] = {NULL, NULL, "", "it failed", "\xff\xfe ''"};

	return messages[draw(luck, COUNT(messages))];
}

static int64_t draw_number(struct luck *luck)
{
	return (int64_t)draw(luck, 6) - 1;
}

/* ---- records ---- */

/* A small world, so that keys meet. */
static uint64_t draw_id(struct luck *luck)
{
	return 1 + draw(luck, 80);
}

static int64_t draw_at(struct luck *luck)
{
	return (int64_t)draw(luck, 40) * 10;
}

static void draw_progress(struct luck *luck, struct run *run)
{
	run->state = (enum run_state)draw(luck, RUN_STATE_COUNT);
	run->outcome = OUTCOME_NONE;
	run->finished_at = UTC_NONE;
	if (run->state == RUN_FINISHED) {
		run->outcome = (enum outcome)(1 + draw(luck, OUTCOME_COUNT - 1));
		run->finished_at = T(draw_at(luck));
	}
	run->attempt = (int32_t)draw(luck, 4);
	run->started_at = one_in(luck, 3) ? UTC_NONE : T(draw_at(luck));
	run->exit_code = (int32_t)draw_number(luck);
	run->signal = (int32_t)draw(luck, 16);
	run->processed = draw_number(luck);
	run->failed = draw_number(luck);
	run->output_bytes = (int64_t)draw(luck, 1000);
	run->cpu_ms = draw_number(luck);
	run->max_rss_kib = draw_number(luck);
	run->message = draw_message(luck);
}

static struct record draw_run(struct luck *luck, enum record_kind kind)
{
	struct record record = claim_record(draw_id(luck), draw_job(luck), draw_at(luck));

	record.kind = kind;
	record.run.executor = (enum executor_kind)draw(luck, EXECUTOR_KIND_COUNT);
	record.run.trigger = (enum trigger)draw(luck, TRIGGER_COUNT);
	record.run.epoch = (int32_t)draw(luck, 2);
	record.run.revision = (int64_t)draw(luck, 3);
	record.run.dry_run = one_in(luck, 5);
	record.run.jitter_ms = (int64_t)draw(luck, 3);
	if (one_in(luck, 3))
		record.run.scheduled_at = UTC_NONE;
	if (kind == RECORD_RUN || one_in(luck, 4))
		draw_progress(luck, &record.run);
	return record;
}

static struct record draw_occurrence(struct luck *luck)
{
	struct record record = skipped_record(draw_job(luck), draw_at(luck));
	struct occurrence *o = &record.occurrence;

	o->epoch = (int32_t)draw(luck, 2);
	o->reason = (enum reason)(1 + draw(luck, REASON_COUNT - 1));
	if (one_in(luck, 2)) {
		o->state = OCCURRENCE_MISSED;
		o->count = 1 + (int64_t)draw(luck, 5);
		o->last_at.ms += 10 * (o->count - 1);
	}
	return record;
}

static struct record draw_evaluated(struct luck *luck)
{
	struct record record = evaluated_record(draw_at(luck), (int32_t)draw(luck, 3));

	if (one_in(luck, 3))
		record.kind = RECORD_EPOCH;
	return record;
}

static struct record draw_attempt(struct luck *luck)
{
	struct record record = attempt_record(draw_id(luck), 1 + (int32_t)draw(luck, 3),
					      (enum outcome)(1 + draw(luck, OUTCOME_COUNT - 1)));

	record.attempt.message = draw_message(luck);
	record.attempt.exit_code = (int32_t)draw_number(luck);
	return record;
}

static struct record draw_downtime(struct luck *luck)
{
	int64_t since = (int64_t)draw(luck, 40);
	struct record record = downtime_record(since, since + (int64_t)draw(luck, 5));

	record.downtime.kind = (enum absence)draw(luck, ABSENCE_COUNT);
	record.downtime.is_exact = one_in(luck, 2);
	record.downtime.counts.window_ms = (int64_t)draw(luck, 3) - 1;
	return record;
}

static struct record draw_log(struct luck *luck)
{
	struct record record = log_record(draw_id(luck), (int32_t)draw(luck, 3),
					  (int64_t)draw(luck, 5), "some text");

	record.log.length = draw(luck, 10);
	record.log.stream = (enum stream)draw(luck, STREAM_COUNT);
	return record;
}

static struct record draw_revision(struct luck *luck)
{
	struct record record = revision_record(1 + (int64_t)draw(luck, 9), "{\"jobs\":[]}");

	record.revision.message = draw_message(luck);
	record.revision.length = draw(luck, 11);
	return record;
}

static struct record draw_pause(struct luck *luck)
{
	struct record record = pause_record(draw_job(luck), draw_at(luck), draw_message(luck));

	if (one_in(luck, 2))
		record.pause.until = T(draw_at(luck));
	return record;
}

/* Seldom, for it makes one of two jobs. */
static struct record draw_rename(struct luck *luck)
{
	const char *from = draw_job(luck), *to = draw_job(luck);

	return strcmp(from, to) == 0 || !one_in(luck, 4) ? draw_pause(luck)
							 : rename_record(from, to);
}

static struct record draw_record(struct luck *luck)
{
	enum record_kind kind = (enum record_kind)draw(luck, RECORD_RENAME + 1);

	switch (kind) {
	case RECORD_CLAIM:
	case RECORD_RUN: return draw_run(luck, kind);
	case RECORD_ATTEMPT: return draw_attempt(luck);
	case RECORD_OCCURRENCE: return draw_occurrence(luck);
	case RECORD_LOG: return draw_log(luck);
	case RECORD_DOWNTIME: return draw_downtime(luck);
	case RECORD_LEFT: return left_record((int64_t)draw(luck, 40));
	case RECORD_REVISION: return draw_revision(luck);
	case RECORD_PAUSE: return draw_pause(luck);
	case RECORD_RESUME: return resume_record(draw_job(luck));
	case RECORD_RENAME: return draw_rename(luck);
	case RECORD_TOKEN:
	case RECORD_AUDIT: /* conformance.c has their few rules */
	case RECORD_EVALUATED:
	case RECORD_EPOCH: break;
	}
	return draw_evaluated(luck);
}

/* ---- both stores ---- */

struct pair {
	struct store *sqlite, *memory;
	char *directory;
	uint64_t seed;
};

static void compare(const struct pair *pair, struct buf *a, struct buf *b, const char *what)
{
	if (strcmp(buf_string(a), buf_string(b)) != 0)
		fail_msg("seed %" PRIu64 ": %s differs\n--- sqlite\n%s\n--- memory\n%s", pair->seed,
			 what, buf_string(a), buf_string(b));
	buf_finish(a);
	buf_finish(b);
	*a = *b = (struct buf){0};
}

static void apply_to_both(const struct pair *pair, struct luck *luck)
{
	struct record records[BATCH_MAX], twin[BATCH_MAX];
	size_t count = 1 + draw(luck, BATCH_MAX);

	for (size_t i = 0; i < count; i++)
		records[i] = twin[i] = draw_record(luck);
	apply(pair->sqlite, records, count);
	apply(pair->memory, twin, count);
	for (size_t i = 0; i < count; i++)
		if (records[i].lost != twin[i].lost)
			fail_msg("seed %" PRIu64 ": record %zu of kind %d is lost in one",
				 pair->seed, i, (int)records[i].kind);
}

static void prune_both(const struct pair *pair, struct luck *luck)
{
	const char *job = draw_job(luck);
	struct utc before = one_in(luck, 3) ? UTC_NONE : T(draw_at(luck));
	int64_t keep = (int64_t)draw(luck, 12);
	size_t batch = 1 + draw(luck, 4), removed[2];
	struct err err;

	assert_true(store_prune(pair->sqlite, job, before, keep, batch, &removed[0], &err));
	assert_true(store_prune(pair->memory, job, before, keep, batch, &removed[1], &err));
	if (removed[0] != removed[1])
		fail_msg("seed %" PRIu64 ": pruned %zu and %zu", pair->seed, removed[0],
			 removed[1]);
}

static bool add_run(void *context, const struct run *run)
{
	dump_run(context, run);
	return true;
}

static void ask_runs(const struct pair *pair, struct luck *luck)
{
	struct run_filter filter = {
		.id = one_in(luck, 5) ? draw_id(luck) : 0,
		.job = one_in(luck, 2) ? draw_job(luck) : NULL,
		.outcome = one_in(luck, 2) ? (enum outcome)draw(luck, OUTCOME_COUNT) : OUTCOME_NONE,
		.only_open = one_in(luck, 4),
		.has_trigger = one_in(luck, 4),
		.trigger = (enum trigger)draw(luck, TRIGGER_COUNT),
		.before = one_in(luck, 3) ? draw_id(luck) : 0,
		.after = one_in(luck, 3) ? draw_id(luck) : 0,
		.limit = draw(luck, 8),
	};
	struct buf a = {0}, b = {0};
	struct err err;

	assert_true(store_runs(pair->sqlite, &filter, add_run, &a, &err));
	assert_true(store_runs(pair->memory, &filter, add_run, &b, &err));
	compare(pair, &a, &b, "a list of runs");
}

static bool add_occurrence(void *context, const struct occurrence *occurrence)
{
	dump_occurrence(context, occurrence);
	return true;
}

static void ask_occurrences(const struct pair *pair, struct luck *luck)
{
	struct occurrence_filter filter = {
		.job = one_in(luck, 2) ? draw_job(luck) : NULL,
		.has_state = one_in(luck, 2),
		.state = (enum occurrence_state)draw(luck, OCCURRENCE_STATE_COUNT),
		.from = one_in(luck, 2) ? T(draw_at(luck)) : UTC_NONE,
		.to = one_in(luck, 2) ? T(draw_at(luck)) : UTC_NONE,
		.limit = draw(luck, 8),
	};
	struct buf a = {0}, b = {0};
	struct err err;

	assert_true(store_occurrences(pair->sqlite, &filter, add_occurrence, &a, &err));
	assert_true(store_occurrences(pair->memory, &filter, add_occurrence, &b, &err));
	compare(pair, &a, &b, "a list of occurrences");
}

static bool add_chunk(void *context, const struct log_chunk *chunk)
{
	buf_format(context, "%d %" PRId64 " %s %zu\n", chunk->attempt, chunk->position,
		   stream_word(chunk->stream), chunk->length);
	return true;
}

static void ask_log(const struct pair *pair, struct luck *luck)
{
	struct log_filter filter = {
		.run = draw_id(luck),
		.after_attempt = (int32_t)draw(luck, 3),
		.after_position = draw_number(luck),
		.has_stream = one_in(luck, 3),
		.stream = (enum stream)draw(luck, STREAM_COUNT),
		.limit = draw(luck, 4),
	};
	struct buf a = {0}, b = {0};
	struct err err;

	assert_true(store_log(pair->sqlite, &filter, add_chunk, &a, &err));
	assert_true(store_log(pair->memory, &filter, add_chunk, &b, &err));
	compare(pair, &a, &b, "a log");
}

static void compare_all(const struct pair *pair)
{
	struct buf a = {0}, b = {0};

	dump(pair->sqlite, &a);
	dump(pair->memory, &b);
	compare(pair, &a, &b, "what is known");
}

static void try_seed(uint64_t seed)
{
	struct luck luck = {seed};
	struct err err;
	struct pair pair = {
		.memory = store_open("memory:", &err), .directory = make_directory(), .seed = seed};

	print_message("seed %" PRIu64 "\n", seed);
	pair.sqlite = open_in(pair.directory);
	for (int batch = 0; batch < BATCHES; batch++) {
		apply_to_both(&pair, &luck);
		if (one_in(&luck, 3))
			prune_both(&pair, &luck);
		for (int i = 0; i < QUERIES; i++) {
			ask_runs(&pair, &luck);
			ask_occurrences(&pair, &luck);
			ask_log(&pair, &luck);
		}
		if (one_in(&luck, 10)) {
			store_close(pair.sqlite);
			pair.sqlite = open_in(pair.directory);
		}
		compare_all(&pair);
	}
	store_close(pair.sqlite);
	store_close(pair.memory);
	remove_directory(pair.directory);
}

static void test_both_stores_agree(void **state)
{
	(void)state;
	if (seed_given) {
		try_seed(seed_given);
		return;
	}
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		try_seed(seed);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_stores_agree)};

	seed_given = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
