/*
 * conformance.c - what every store does: one table of cases, run over each backend.
 */
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void case_fn(struct store *store);

/* ---- claims and occurrences ---- */

static void new_store_is_empty(struct store *store)
{
	struct arena arena = {0};
	struct store_state state = load(store, &arena);
	const char *const *names;
	size_t count;
	struct job_summary summary;
	struct err err;

	assert_int_equal(state.evaluated_until.ms, UTC_NONE.ms);
	assert_int_equal(state.epoch, 0);
	assert_int_equal(state.last_run, 0);
	assert_int_equal(state.open_count, 0);
	assert_int_equal(state.revision.number, 0);
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "");
	assert_true(store_job_names(store, &arena, &names, &count, &err));
	assert_int_equal(count, 0);
	assert_true(store_job_summary(store, "nobody", &arena, &summary, &err));
	assert_int_equal(summary.last.id, 0);
	assert_int_equal(summary.last_success_at.ms, UTC_NONE.ms);
	assert_true(store_is_writable(store, &err));
	arena_finish(&arena);
}

static void empty_batch_is_fine(struct store *store)
{
	struct err err;

	assert_true(store_apply(store, NULL, 0, &err));
}

static void every_field_of_a_run_comes_back(struct store *store)
{
	struct arena arena = {0};
	struct buf expected = {0}, found = {0};
	struct record record = {
		.kind = RECORD_CLAIM,
		.run = {.id = INT64_MAX,
			.job = "send-reminders",
			.executor = EXECUTOR_HTTP,
			.trigger = TRIGGER_CATCHUP,
			.scheduled_at = T(-1),
			.epoch = 3,
			.revision = 42,
			.dry_run = true,
			.state = RUN_BACKOFF,
			.attempt = 2,
			.claimed_at = T(1),
			.started_at = T(2),
			.finished_at = UTC_NONE,
			.exit_code = 0,
			.signal = 9,
			.processed = 0,
			.failed = INT64_MAX,
			.output_bytes = INT64_C(1) << 40,
			.cpu_ms = 0,
			.max_rss_kib = 7,
			.message = "caf\xc3\xa9 'quoted' \xff and bytes"},
	};

	apply(store, &record, 1);
	dump_run(&expected, &record.run);
	struct run run = get_run(store, &arena, INT64_MAX);
	dump_run(&found, &run);
	assert_string_equal(buf_string(&found), buf_string(&expected));
	buf_finish(&expected);
	buf_finish(&found);
	arena_finish(&arena);
}

/* What is not known stays not known, and no message is not an empty one. */
static void unset_fields_come_back_unset(struct store *store)
{
	struct arena arena = {0};

	APPLY(store, manual_record(1, "a", 0));
	struct run run = get_run(store, &arena, 1);
	assert_false(utc_is_set(run.scheduled_at));
	assert_false(utc_is_set(run.started_at));
	assert_false(utc_is_set(run.finished_at));
	assert_int_equal(run.exit_code, -1);
	assert_int_equal(run.processed, -1);
	assert_int_equal(run.failed, -1);
	assert_int_equal(run.cpu_ms, -1);
	assert_int_equal(run.max_rss_kib, -1);
	assert_null(run.message);
	struct record ended = end_record(1, "a", OUTCOME_FAILED, 1);
	ended.run.message = "";
	apply(store, &ended, 1);
	assert_string_equal(get_run(store, &arena, 1).message, "");
	arena_finish(&arena);
}

static void instant_is_claimed_once(struct store *store)
{
	struct record records[] = {claim_record(1, "a", 0), claim_record(2, "a", 0),
				   claim_record(3, "b", 0), claim_record(4, "a", 1)};
	struct record other_epoch = claim_record(5, "a", 0);

	apply(store, records, COUNT(records));
	assert_false(records[0].lost);
	assert_true(records[1].lost);
	assert_false(records[2].lost);
	assert_false(records[3].lost);
	assert_true(is_lost(store, claim_record(6, "a", 0)));
	other_epoch.run.epoch = 1;
	assert_false(is_lost(store, other_epoch));
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "5 4 3 1");
}

static bool keep_occurrence(void *context, const struct occurrence *occurrence)
{
	dump_occurrence(context, occurrence);
	return true;
}

static void claim_records_its_occurrence(struct store *store)
{
	struct buf expected = {0}, found = {0};
	struct err err;

	APPLY(store, claim_record(7, "a", 5), manual_record(8, "a", 6));
	dump_occurrence(&expected, &(struct occurrence){.job = "a",
							.scheduled_at = T(5),
							.state = OCCURRENCE_RAN,
							.run = 7,
							.last_at = T(5),
							.count = 1,
							.recorded_at = T(5)});
	assert_true(store_occurrences(store, &(struct occurrence_filter){0}, keep_occurrence,
				      &found, &err));
	assert_string_equal(buf_string(&found), buf_string(&expected));
	buf_finish(&expected);
	buf_finish(&found);
}

static void runs_without_instant_do_not_meet(struct store *store)
{
	assert_false(is_lost(store, manual_record(1, "a", 0)));
	assert_false(is_lost(store, manual_record(2, "a", 0)));
	assert_true(is_lost(store, manual_record(2, "a", 0))); /* the same run again */
	assert_int_equal(count_runs(store), 2);
}

/* A run's id that is taken leaves no occurrence behind. */
static void lost_claim_stores_nothing(struct store *store)
{
	APPLY(store, claim_record(1, "a", 0));
	assert_true(is_lost(store, claim_record(1, "a", 60)));
	assert_false(is_lost(store, claim_record(2, "a", 60)));
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "2 1");
}

/* The engine may end a claimed run, or an executor speak of it, before the store has
 * said that the claim was lost. */
static void what_belongs_to_a_lost_claim_is_passed_over(struct store *store)
{
	struct buf before = {0}, after = {0};

	APPLY(store, claim_record(1, "a", 0), evaluated_record(0, 0));
	/* Not quite nothing: its id must not be given out again. */
	APPLY(store, claim_record(2, "a", 0));
	dump(store, &before);
	APPLY(store, claim_record(2, "a", 0), end_record(2, "a", OUTCOME_CANCELED, 1),
	      attempt_record(2, 1, OUTCOME_CANCELED), log_record(2, 1, 0, "x"));
	dump(store, &after);
	assert_string_equal(buf_string(&after), buf_string(&before));
	buf_finish(&before);
	buf_finish(&after);
}

static void skipped_instant_cannot_be_claimed(struct store *store)
{
	APPLY(store, skipped_record("a", 0));
	assert_true(is_lost(store, claim_record(1, "a", 0)));
	assert_true(is_lost(store, skipped_record("a", 0)));
	APPLY(store, claim_record(2, "b", 0));
	assert_true(is_lost(store, skipped_record("b", 0)));
	assert_int_equal(count_runs(store), 1);
}

/* The key of a stretch is its first instant; see store.c. */
static void stretch_is_one_row(struct store *store)
{
	struct buf expected = {0}, found = {0};
	struct record record = missed_record("a", 100, 500, 5);
	struct err err;

	assert_false(is_lost(store, record));
	assert_true(is_lost(store, missed_record("a", 100, 900, 9)));
	assert_true(is_lost(store, claim_record(1, "a", 100)));
	dump_occurrence(&expected, &record.occurrence);
	assert_true(store_occurrences(store, &(struct occurrence_filter){0}, keep_occurrence,
				      &found, &err));
	assert_string_equal(buf_string(&found), buf_string(&expected));
	buf_finish(&expected);
	buf_finish(&found);
}

/* Up to the next row, and of one epoch and job alone. */
static void instants_of_a_stretch_are_taken(struct store *store)
{
	struct record other_epoch = claim_record(6, "a", 300);

	other_epoch.run.epoch = 1;
	APPLY(store, missed_record("a", 100, 500, 5));
	assert_true(is_lost(store, claim_record(1, "a", 300)));
	assert_true(is_lost(store, skipped_record("a", 200)));
	assert_true(is_lost(store, claim_record(2, "a", 500)));
	assert_false(is_lost(store, claim_record(3, "a", 501)));
	assert_false(is_lost(store, claim_record(4, "a", 99)));
	assert_false(is_lost(store, claim_record(5, "b", 300)));
	assert_false(is_lost(store, other_epoch));
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "6 5 4 3");
}

static void batch_may_be_applied_twice(struct store *store)
{
	struct record batch[] = {
		claim_record(1, "a", 0),
		claim_record(2, "b", 0),
		missed_record("c", 1, 9, 3),
		running_record(1, "a", 1),
		log_record(1, 1, 0, "hello\n"),
		attempt_record(1, 1, OUTCOME_SUCCEEDED),
		end_record(1, "a", OUTCOME_SUCCEEDED, 2),
		revision_record(1, "{}"),
		evaluated_record(10, 1),
	};
	struct buf once = {0}, twice = {0};

	apply(store, batch, COUNT(batch));
	dump(store, &once);
	apply(store, batch, COUNT(batch));
	dump(store, &twice);
	assert_true(batch[0].lost && batch[1].lost && batch[2].lost);
	assert_string_equal(buf_string(&twice), buf_string(&once));
	buf_finish(&once);
	buf_finish(&twice);
}

/* ---- a run's way ---- */

static void run_goes_its_way(struct store *store)
{
	struct arena arena = {0};
	struct record ended = end_record(1, "a", OUTCOME_PARTIAL, 20);

	APPLY(store, claim_record(1, "a", 0));
	APPLY(store, running_record(1, "a", 10));
	struct run run = get_run(store, &arena, 1);
	assert_int_equal(run.state, RUN_RUNNING);
	assert_int_equal(run.started_at.ms, T(10).ms);
	ended.run.processed = 120;
	ended.run.failed = 2;
	ended.run.message = "2 addresses bounced";
	ended.run.attempt = 3;
	ended.run.cpu_ms = 5;
	apply(store, &ended, 1);
	run = get_run(store, &arena, 1);
	assert_int_equal(run.state, RUN_FINISHED);
	assert_int_equal(run.outcome, OUTCOME_PARTIAL);
	assert_int_equal(run.finished_at.ms, T(20).ms);
	assert_int_equal(run.processed, 120);
	assert_int_equal(run.failed, 2);
	assert_int_equal(run.attempt, 3);
	assert_int_equal(run.cpu_ms, 5);
	assert_string_equal(run.message, "2 addresses bounced");
	arena_finish(&arena);
}

/* Job, instant and cause belong to the claim; a later record cannot change them. */
static void identity_of_a_run_stays(struct store *store)
{
	struct arena arena = {0};
	struct record other = running_record(1, "b", 10);

	APPLY(store, claim_record(1, "a", 0));
	other.run.trigger = TRIGGER_BOOT;
	other.run.scheduled_at = T(77);
	other.run.epoch = 7;
	other.run.revision = 7;
	other.run.dry_run = true;
	other.run.executor = EXECUTOR_FLY;
	other.run.claimed_at = T(7);
	apply(store, &other, 1);
	struct run run = get_run(store, &arena, 1);
	assert_string_equal(run.job, "a");
	assert_int_equal(run.trigger, TRIGGER_SCHEDULE);
	assert_int_equal(run.scheduled_at.ms, T(0).ms);
	assert_int_equal(run.epoch, 0);
	assert_int_equal(run.revision, 1);
	assert_false(run.dry_run);
	assert_int_equal(run.executor, EXECUTOR_PROCESS);
	assert_int_equal(run.claimed_at.ms, T(0).ms);
	assert_int_equal(run.state, RUN_RUNNING);
	arena_finish(&arena);
}

static void finished_run_never_changes(struct store *store)
{
	struct buf before = {0}, after = {0};

	run_through(store, 1, "a", 0, OUTCOME_SUCCEEDED);
	dump(store, &before);
	APPLY(store, end_record(1, "a", OUTCOME_FAILED, 9));
	APPLY(store, running_record(1, "a", 9));
	dump(store, &after);
	assert_string_equal(buf_string(&after), buf_string(&before));
	buf_finish(&before);
	buf_finish(&after);
}

static void state_carries_on(struct store *store)
{
	struct arena arena = {0};

	APPLY(store, claim_record(3, "c", 0), claim_record(1, "a", 0), claim_record(2, "b", 0),
	      end_record(2, "b", OUTCOME_UNKNOWN, 1), revision_record(1, "old"),
	      revision_record(2, "new"), evaluated_record(50, 0));
	struct record epoch = evaluated_record(-100, 4);
	epoch.kind = RECORD_EPOCH;
	apply(store, &epoch, 1);
	struct store_state state = load(store, &arena);
	assert_int_equal(state.open_count, 2);
	assert_int_equal(state.open_runs[0].id, 1);
	assert_string_equal(state.open_runs[0].job, "a");
	assert_int_equal(state.open_runs[1].id, 3);
	assert_int_equal(state.last_run, 3);
	assert_int_equal(state.evaluated_until.ms, T(-100).ms);
	assert_int_equal(state.epoch, 4);
	assert_int_equal(state.revision.number, 2);
	assert_string_equal(state.revision.content, "new");
	assert_int_equal(state.revision.length, 3);
	assert_string_equal(state.revision.source, "/etc/schedules.json");
	assert_null(state.revision.message);
	arena_finish(&arena);
}

/* How the last life ended, until the next one has told of it. */
static void end_of_a_life(struct store *store)
{
	struct arena arena = {0};

	assert_int_equal(load(store, &arena).left_at.ms, UTC_NONE.ms);
	APPLY(store, left_record(70));
	assert_int_equal(load(store, &arena).left_at.ms, T(70).ms);
	struct record asleep = downtime_record(60, 65);
	asleep.downtime.kind = ABSENCE_ASLEEP;
	apply(store, &asleep, 1);
	assert_int_equal(load(store, &arena).left_at.ms, T(70).ms);
	APPLY(store, downtime_record(70, 90));
	assert_int_equal(load(store, &arena).left_at.ms, UTC_NONE.ms);
	arena_finish(&arena);
}

static void last_sign_of_life(struct store *store)
{
	struct arena arena = {0};

	assert_int_equal(load(store, &arena).seen_at.ms, UTC_NONE.ms);
	APPLY(store, evaluated_record(50, 0), claim_record(1, "a", 0));
	assert_int_equal(load(store, &arena).seen_at.ms, T(50).ms);
	APPLY(store, running_record(1, "a", 60));
	assert_int_equal(load(store, &arena).seen_at.ms, T(60).ms);
	APPLY(store, end_record(1, "a", OUTCOME_FAILED, 80));
	assert_int_equal(load(store, &arena).seen_at.ms, T(80).ms);
	APPLY(store, evaluated_record(99, 0));
	assert_int_equal(load(store, &arena).seen_at.ms, T(99).ms);
	arena_finish(&arena);
}

static bool add_downtime(void *context, const struct downtime *downtime)
{
	buf_format(context, "%d-%d ", (int)(downtime->since.ms - T(0).ms),
		   (int)(downtime->until.ms - T(0).ms));
	return true;
}

static void downtimes_newest_first(struct store *store)
{
	struct buf text = {0};
	size_t count;
	struct err err;

	APPLY(store, downtime_record(30, 40), downtime_record(1, 2), downtime_record(5, 40),
	      downtime_record(30, 40));
	assert_true(store_downtimes(store, 0, add_downtime, &text, &err));
	assert_string_equal(buf_string(&text), "30-40 5-40 1-2 ");
	buf_clear(&text);
	assert_true(store_downtimes(store, 1, add_downtime, &text, &err));
	assert_string_equal(buf_string(&text), "30-40 ");
	for (int64_t i = 0; i < 1200; i++)
		APPLY(store, downtime_record(100 + i, 101 + i));
	buf_clear(&text);
	assert_true(store_downtimes(store, 0, add_downtime, &text, &err));
	count = 0;
	for (const char *c = buf_string(&text); *c; c++)
		count += *c == ' ';
	assert_int_equal(count, 1000);
	buf_finish(&text);
}

static void pauses_stay_until_they_end(struct store *store)
{
	struct arena arena = {0};
	struct record other = pause_record("b", 1, NULL);

	other.pause.until = T(900);
	other.pause.by = NULL;
	APPLY(store, other, pause_record("a", 1, "broken"), pause_record("a", 2, "still broken"),
	      pause_record("c", 3, NULL), resume_record("c"), resume_record("never paused"));
	struct store_state state = load(store, &arena);
	assert_int_equal(state.pause_count, 2);
	assert_string_equal(state.pauses[0].job, "a");
	assert_int_equal(state.pauses[0].since.ms, T(2).ms);
	assert_false(utc_is_set(state.pauses[0].until));
	assert_string_equal(state.pauses[0].reason, "still broken");
	assert_string_equal(state.pauses[0].by, "eva@desk");
	assert_int_equal(state.pauses[1].until.ms, T(900).ms);
	assert_null(state.pauses[1].reason);
	assert_null(state.pauses[1].by);
	arena_finish(&arena);
}

static void renamed_job_keeps_all_it_had(struct store *store)
{
	struct arena arena = {0};

	run_through(store, 1, "old", 0, OUTCOME_FAILED);
	APPLY(store, claim_record(2, "old", 10), skipped_record("old", 20),
	      pause_record("old", 30, "why"), claim_record(3, "other", 10));
	APPLY(store, rename_record("old", "new"));
	assert_string_equal(run_ids(store, &(struct run_filter){.job = "old"}), "");
	assert_string_equal(run_ids(store, &(struct run_filter){.job = "new"}), "2 1");
	assert_string_equal(run_ids(store, &(struct run_filter){.job = "other"}), "3");
	/* Its instants are taken under the new name, and free under the old one. */
	assert_true(is_lost(store, claim_record(4, "new", 0)));
	assert_true(is_lost(store, skipped_record("new", 20)));
	assert_false(is_lost(store, claim_record(5, "old", 0)));
	struct store_state state = load(store, &arena);
	assert_int_equal(state.pause_count, 1);
	assert_string_equal(state.pauses[0].job, "new");
	assert_int_equal(state.open_count, 2 + 1);
	assert_string_equal(state.open_runs[0].job, "new");
	arena_finish(&arena);
}

/* What the new name has already stays; runs are of both. */
static void renamed_job_meets_its_new_name(struct store *store)
{
	struct arena arena = {0};
	struct buf before = {0}, after = {0};

	APPLY(store, claim_record(1, "new", 0), claim_record(2, "old", 0),
	      skipped_record("old", 10), pause_record("new", 5, "mine"),
	      pause_record("old", 6, "another's"));
	APPLY(store, rename_record("old", "new"));
	assert_string_equal(run_ids(store, &(struct run_filter){.job = "new"}), "2 1");
	struct store_state state = load(store, &arena);
	assert_int_equal(state.pause_count, 1);
	assert_string_equal(state.pauses[0].reason, "mine");
	/* A second time there is nothing left to rename. */
	dump(store, &before);
	APPLY(store, rename_record("old", "new"));
	dump(store, &after);
	assert_string_equal(buf_string(&after), buf_string(&before));
	buf_finish(&before);
	buf_finish(&after);
	arena_finish(&arena);
}

static void ids_are_not_given_out_again(struct store *store)
{
	struct arena arena = {0};
	size_t removed;
	struct err err;

	run_through(store, 900, "a", 0, OUTCOME_SUCCEEDED);
	APPLY(store, claim_record(901, "a", 0)); /* lost */
	assert_true(store_prune(store, "a", UTC_NONE, 0, 10, &removed, &err));
	assert_int_equal(removed, 1);
	assert_int_equal(load(store, &arena).last_run, 901);
	arena_finish(&arena);
}

/* ---- lists ---- */

static void runs_are_filtered(struct store *store)
{
	struct record manual = manual_record(5, "b", 50);
	static const struct {
		struct run_filter filter;
		const char *ids;
	} rows[] = {
		{{0}, "6 5 4 3 2 1"},
		{{.id = 3}, "3"},
		{{.id = 99}, ""},
		{{.id = UINT64_MAX}, ""},
		{{.job = "a"}, "6 3 2 1"},
		{{.job = "nobody"}, ""},
		{{.outcome = OUTCOME_FAILED}, "4 2"},
		{{.outcome = OUTCOME_FAILED, .job = "a"}, "2"},
		{{.outcome = OUTCOME_TIMED_OUT}, ""},
		{{.only_open = true}, "6 5"},
		{{.only_open = true, .job = "b"}, "5"},
		{{.only_open = true, .outcome = OUTCOME_FAILED}, ""},
		{{.has_trigger = true, .trigger = TRIGGER_MANUAL}, "5"},
		{{.has_trigger = true, .trigger = TRIGGER_SCHEDULE, .job = "b"}, "4"},
		{{.limit = 2}, "6 5"},
		{{.before = 5, .limit = 2}, "4 3"},
		{{.before = 1}, ""},
		{{.before = UINT64_MAX}, "6 5 4 3 2 1"},
		{{.after = 4}, "6 5"},
		{{.after = 6}, ""},
		{{.after = 1, .before = 4, .job = "a"}, "3 2"},
		{{.outcome = OUTCOME_SUCCEEDED, .before = 3}, "1"},
		{{.id = 3, .job = "b"}, ""},
	};

	run_through(store, 1, "a", 10, OUTCOME_SUCCEEDED);
	run_through(store, 2, "a", 20, OUTCOME_FAILED);
	run_through(store, 3, "a", 30, OUTCOME_SUCCEEDED);
	run_through(store, 4, "b", 40, OUTCOME_FAILED);
	apply(store, &manual, 1);
	APPLY(store, claim_record(6, "a", 60));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *ids = run_ids(store, &rows[i].filter);

		if (strcmp(ids, rows[i].ids) != 0)
			fail_msg("row %zu: \"%s\" instead of \"%s\"", i, ids, rows[i].ids);
	}
}

static bool stop_after_two(void *context, const struct run *run)
{
	int *count = context;

	(void)run;
	return ++*count < 2;
}

static void row_function_may_stop(struct store *store)
{
	int count = 0;
	struct err err;

	for (uint64_t id = 1; id <= 5; id++)
		run_through(store, id, "a", (int64_t)id, OUTCOME_SUCCEEDED);
	assert_true(store_runs(store, &(struct run_filter){0}, stop_after_two, &count, &err));
	assert_int_equal(count, 2);
	run_through(store, 6, "a", 6, OUTCOME_SUCCEEDED); /* nothing is left open */
}

static bool keep_attempt(void *context, const struct attempt *attempt)
{
	buf_format(context, "%d:%s:%d:%s ", attempt->number, outcome_word(attempt->outcome),
		   attempt->exit_code, attempt->message ? attempt->message : "-");
	return true;
}

static void attempts_in_order_first_told_stays(struct store *store)
{
	struct buf text = {0};
	struct record late = attempt_record(1, 1, OUTCOME_TIMED_OUT);
	struct record never = attempt_record(1, 3, OUTCOME_FAILED);
	struct err err;

	never.attempt.message = "no such program";
	never.attempt.started_at = UTC_NONE;
	never.attempt.exit_code = -1;
	APPLY(store, claim_record(1, "a", 0), claim_record(2, "a", 1),
	      attempt_record(1, 2, OUTCOME_SUCCEEDED), attempt_record(1, 1, OUTCOME_FAILED), late,
	      attempt_record(2, 1, OUTCOME_CANCELED), never);
	assert_true(store_attempts(store, 1, keep_attempt, &text, &err));
	assert_string_equal(buf_string(&text),
			    "1:failed:3:- 2:succeeded:3:- 3:failed:-1:no such program ");
	buf_clear(&text);
	assert_true(store_attempts(store, 99, keep_attempt, &text, &err));
	assert_string_equal(buf_string(&text), "");
	buf_finish(&text);
}

static bool keep_log(void *context, const struct log_chunk *chunk)
{
	struct buf *text = context;

	buf_format(text, "%d.%" PRId64 ":", chunk->attempt, chunk->position);
	buf_json_string(text, chunk->data, chunk->length);
	return true;
}

static const char *log_text(struct store *store, const struct log_filter *filter)
{
	static char text[1024];
	struct buf found = {0};
	struct err err;

	assert_true(store_log(store, filter, keep_log, &found, &err));
	assert_in_range(found.length, 0, sizeof(text) - 1);
	strcpy(text, buf_string(&found));
	buf_finish(&found);
	return text;
}

static void log_is_read_on_from_any_place(struct store *store)
{
	struct record err_chunk = log_record(1, 1, 6, "oops");
	struct record belfry = log_record(1, 2, 0, "second try");

	err_chunk.log.stream = STREAM_STDERR;
	belfry.log.stream = STREAM_BELFRY;
	APPLY(store, claim_record(1, "a", 0), claim_record(2, "a", 1), belfry, err_chunk,
	      log_record(1, 1, 0, "hello "), log_record(2, 1, 0, "other"),
	      log_record(1, 1, 0, "again"));
	assert_string_equal(log_text(store, &(struct log_filter){.run = 1, .after_position = -1}),
			    "1.0:\"hello \"1.6:\"oops\"2.0:\"second try\"");
	assert_string_equal(log_text(store, &(struct log_filter){.run = 1, .after_attempt = 1}),
			    "1.6:\"oops\"2.0:\"second try\"");
	assert_string_equal(
		log_text(store,
			 &(struct log_filter){.run = 1, .after_attempt = 1, .after_position = 6}),
		"2.0:\"second try\"");
	assert_string_equal(
		log_text(store,
			 &(struct log_filter){.run = 1, .after_attempt = 2, .after_position = -1}),
		"2.0:\"second try\"");
	assert_string_equal(
		log_text(store, &(struct log_filter){.run = 1, .after_position = -1, .limit = 1}),
		"1.0:\"hello \"");
	assert_string_equal(log_text(store, &(struct log_filter){.run = 1,
								 .after_position = -1,
								 .has_stream = true,
								 .stream = STREAM_STDERR}),
			    "1.6:\"oops\"");
	assert_string_equal(log_text(store, &(struct log_filter){.run = 3, .after_position = -1}),
			    "");
}

static bool compare_bytes(void *context, const struct log_chunk *chunk)
{
	const struct log_chunk *expected = context;

	assert_int_equal(chunk->length, expected->length);
	assert_memory_equal(chunk->data, expected->data, expected->length);
	return true;
}

/* All bytes there are, more than a page of them, and none. */
static void log_keeps_any_bytes(struct store *store)
{
	char bytes[70000];
	struct record whole = log_record(1, 1, 0, ""), empty = log_record(1, 2, 0, "");
	struct err err;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	whole.log.data = bytes;
	whole.log.length = sizeof(bytes);
	empty.log.data = NULL;
	APPLY(store, claim_record(1, "a", 0), whole, empty);
	assert_true(store_log(store, &(struct log_filter){.run = 1, .limit = 1}, compare_bytes,
			      &whole.log, &err));
	assert_string_equal(log_text(store, &(struct log_filter){.run = 1, .after_attempt = 1}),
			    "2.0:\"\"");
}

static bool keep_instant(void *context, const struct occurrence *occurrence)
{
	buf_format(context, "%s%" PRId64 " ", occurrence->job,
		   occurrence->scheduled_at.ms - T(0).ms);
	return true;
}

static void occurrences_are_filtered(struct store *store)
{
	static const struct {
		struct occurrence_filter filter;
		const char *expected;
	} rows[] = {
		{{0}, "a40 a30 b30 a20 a10 "},
		{{.from = UTC_NONE, .to = UTC_NONE}, "a40 a30 b30 a20 a10 "},
		{{.job = "a"}, "a40 a30 a20 a10 "},
		{{.job = "a", .limit = 2}, "a40 a30 "},
		{{.has_state = true, .state = OCCURRENCE_MISSED}, "a30 "},
		{{.has_state = true, .state = OCCURRENCE_RAN, .job = "a"}, "a40 a10 "},
		{{.has_state = true, .state = OCCURRENCE_SKIPPED, .job = "b"}, ""},
	};
	struct buf text = {0};
	struct err err;

	APPLY(store, claim_record(1, "a", 10), skipped_record("a", 20),
	      missed_record("a", 30, 35, 2), claim_record(2, "b", 30), claim_record(3, "a", 40));
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&text);
		assert_true(store_occurrences(store, &rows[i].filter, keep_instant, &text, &err));
		assert_string_equal(buf_string(&text), rows[i].expected);
	}
	buf_clear(&text);
	assert_true(store_occurrences(
		store, &(struct occurrence_filter){.job = "a", .from = T(20), .to = T(40)},
		keep_instant, &text, &err));
	assert_string_equal(buf_string(&text), "a30 a20 ");
	buf_finish(&text);
}

static bool keep_revision(void *context, const struct revision *revision)
{
	buf_format(context, "%" PRId64 ":%s", revision->number, revision->author);
	if (revision->content)
		buf_json_string(context, revision->content, revision->length);
	buf_char(context, ' ');
	return true;
}

static void revisions_newest_first(struct store *store)
{
	struct buf text = {0};
	struct record bytes = revision_record(3, "");
	struct err err;

	bytes.revision.content = "a\0b";
	bytes.revision.length = 3;
	APPLY(store, revision_record(1, "one"), revision_record(2, "two"), bytes);
	assert_true(is_lost(store, revision_record(2, "other")));
	assert_true(
		store_revisions(store, &(struct revision_filter){0}, keep_revision, &text, &err));
	assert_string_equal(buf_string(&text), "3:root 2:root 1:root ");
	buf_clear(&text);
	assert_true(store_revisions(store,
				    &(struct revision_filter){.limit = 2, .with_content = true},
				    keep_revision, &text, &err));
	assert_string_equal(buf_string(&text), "3:root\"a\\u0000b\" 2:root\"two\" ");
	buf_finish(&text);
}

static void revisions_by_number_and_in_pages(struct store *store)
{
	static const struct {
		struct revision_filter filter;
		const char *expected;
	} rows[] = {
		{{.number = 2}, "2:root "},
		{{.number = 2, .with_content = true}, "2:root\"two\" "},
		{{.number = 4}, ""},
		{{.before = 3}, "2:root 1:root "},
		{{.before = 3, .limit = 1}, "2:root "},
		{{.before = 1}, ""},
	};
	struct buf text = {0};
	struct err err;

	APPLY(store, revision_record(1, "one"), revision_record(2, "two"),
	      revision_record(3, "three"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&text);
		assert_true(store_revisions(store, &rows[i].filter, keep_revision, &text, &err));
		assert_string_equal(buf_string(&text), rows[i].expected);
	}
	buf_finish(&text);
}

/* ---- tokens and the audit log ---- */

static struct record token_record(const char *id, int64_t created_at)
{
	struct record record = {.kind = RECORD_TOKEN};

	record.token = (struct token){.id = id,
				      .name = "ci",
				      .scope = SCOPE_OPERATE,
				      .hash = {1, 2, 3, 0, 255},
				      .created_at = T(created_at),
				      .expires_at = UTC_NONE,
				      .revoked_at = UTC_NONE,
				      .created_by = "root"};
	return record;
}

static bool keep_token(void *context, const struct token *token)
{
	buf_format(context, "%s:%s:%s:%s:%d%d", token->id, token->name, scope_word(token->scope),
		   token->jobs ? token->jobs : "-", token->hash[0], token->hash[4]);
	buf_format(context, "%s%s ", utc_is_set(token->expires_at) ? " expires" : "",
		   utc_is_set(token->revoked_at) ? " revoked" : "");
	return true;
}

static void tokens_are_kept_and_revoked(struct store *store)
{
	struct record late = token_record("b", 20), revoked = token_record("a", 10);
	struct buf text = {0};
	struct err err;

	late.token.scope = SCOPE_VIEW;
	late.token.jobs = "send-*";
	late.token.expires_at = T(99);
	APPLY(store, late, token_record("a", 10));
	assert_true(store_tokens(store, keep_token, &text, &err));
	assert_string_equal(buf_string(&text),
			    "a:ci:operate:-:1255 b:ci:view:send-*:1255 expires ");
	revoked.token.revoked_at = T(30);
	revoked.token.scope = SCOPE_ADMIN; /* nobody's scope changes */
	APPLY(store, revoked);
	buf_clear(&text);
	assert_true(store_tokens(store, keep_token, &text, &err));
	assert_string_equal(buf_string(&text),
			    "a:ci:operate:-:1255 revoked b:ci:view:send-*:1255 expires ");
	buf_finish(&text);
}

static struct record audit_record(int64_t number, const char *target)
{
	struct record record = {.kind = RECORD_AUDIT};

	record.audit = (struct audit){.number = number,
				      .at = T(number),
				      .who = "ci",
				      .address = "127.0.0.1",
				      .action = "trigger",
				      .target = target,
				      .status = 202};
	return record;
}

static bool keep_audit(void *context, const struct audit *audit)
{
	buf_format(context, "%" PRId64 ":%s:%s:%s:%d ", audit->number, audit->who, audit->action,
		   audit->target ? audit->target : "-", audit->status);
	return true;
}

static void audits_newest_first(struct store *store)
{
	struct buf text = {0};
	struct err err;

	APPLY(store, audit_record(1, "a"), audit_record(2, NULL), audit_record(3, "c"));
	APPLY(store, audit_record(3, "c")); /* the same batch again */
	assert_true(
		store_audits(store, &(struct audit_filter){.limit = 2}, keep_audit, &text, &err));
	assert_string_equal(buf_string(&text), "3:ci:trigger:c:202 2:ci:trigger:-:202 ");
	buf_clear(&text);
	assert_true(
		store_audits(store, &(struct audit_filter){.before = 3}, keep_audit, &text, &err));
	assert_string_equal(buf_string(&text), "2:ci:trigger:-:202 1:ci:trigger:a:202 ");
	buf_finish(&text);
}

static void old_audits_go(struct store *store)
{
	struct buf text = {0};
	struct err err;

	APPLY(store, audit_record(1, "a"), audit_record(2, "b"));
	APPLY(store, audit_record(STORE_AUDITS_KEPT + 1, "c"));
	assert_true(store_audits(store, &(struct audit_filter){0}, keep_audit, &text, &err));
	assert_string_equal(buf_string(&text), "100001:ci:trigger:c:202 2:ci:trigger:b:202 ");
	buf_finish(&text);
}

/* ---- how a job has been doing ---- */

static struct job_summary summary_of(struct store *store, struct arena *arena, const char *job)
{
	struct job_summary summary;
	struct err err = {""};

	if (!store_job_summary(store, job, arena, &summary, &err))
		fail_msg("%s", err.text);
	return summary;
}

static void failures_in_a_row(struct store *store)
{
	static const struct {
		enum outcome outcome;
		int32_t in_a_row; /* after it */
	} rows[] = {
		{OUTCOME_FAILED, 1},    {OUTCOME_TIMED_OUT, 2}, {OUTCOME_CANCELED, 2},
		{OUTCOME_UNKNOWN, 2},   {OUTCOME_FAILED, 3},    {OUTCOME_SUCCEEDED, 0},
		{OUTCOME_CANCELED, 0},  {OUTCOME_FAILED, 1},    {OUTCOME_PARTIAL, 0},
		{OUTCOME_TIMED_OUT, 1},
	};
	struct arena arena = {0};

	for (size_t i = 0; i < COUNT(rows); i++) {
		run_through(store, i + 1, "a", (int64_t)i * 10, rows[i].outcome);
		run_through(store, i + 101, "b", (int64_t)i * 10, OUTCOME_FAILED);
		assert_int_equal(summary_of(store, &arena, "a").consecutive_failures,
				 rows[i].in_a_row);
	}
	assert_int_equal(summary_of(store, &arena, "b").consecutive_failures, COUNT(rows));
	arena_finish(&arena);
}

static void summary_of_a_job(struct store *store)
{
	struct arena arena = {0};
	struct record dry = manual_record(9, "a", 90);
	struct record dry_end = end_record(9, "a", OUTCOME_FAILED, 91);

	run_through(store, 1, "a", 10, OUTCOME_SUCCEEDED);
	run_through(store, 2, "a", 20, OUTCOME_SUCCEEDED);
	run_through(store, 3, "a", 30, OUTCOME_PARTIAL);
	run_through(store, 4, "a", 40, OUTCOME_FAILED);
	APPLY(store, claim_record(5, "a", 50), running_record(5, "a", 51), skipped_record("a", 60),
	      skipped_record("a", 61), missed_record("a", 70, 79, 10),
	      missed_record("b", 70, 79, 10));
	dry.run.dry_run = dry_end.run.dry_run = true;
	APPLY(store, dry, dry_end);
	struct job_summary summary = summary_of(store, &arena, "a");
	assert_int_equal(summary.last.id, 5);
	assert_int_equal(summary.last.state, RUN_RUNNING);
	assert_string_equal(summary.last.job, "a");
	assert_int_equal(summary.last_success_at.ms, T(31).ms); /* the partial one */
	assert_int_equal(summary.consecutive_failures, 1);
	assert_int_equal(summary.runs[OUTCOME_SUCCEEDED], 2);
	assert_int_equal(summary.runs[OUTCOME_PARTIAL], 1);
	assert_int_equal(summary.runs[OUTCOME_FAILED], 1);
	assert_int_equal(summary.runs[OUTCOME_NONE], 0);
	assert_int_equal(summary.skipped, 2);
	assert_int_equal(summary.missed, 10);
	arena_finish(&arena);
}

/* ---- retention ---- */

static size_t prune(struct store *store, const char *job, struct utc before, int64_t keep,
		    size_t batch)
{
	size_t removed = 99;
	struct err err = {""};

	if (!store_prune(store, job, before, keep, batch, &removed, &err))
		fail_msg("%s", err.text);
	return removed;
}

static void old_runs_go_with_all_they_have(struct store *store)
{
	struct buf text = {0};
	struct err err;

	run_through(store, 1, "a", 0, OUTCOME_SUCCEEDED);
	APPLY(store, attempt_record(1, 1, OUTCOME_SUCCEEDED), log_record(1, 1, 0, "old"));
	run_through(store, 2, "a", 100, OUTCOME_SUCCEEDED);
	APPLY(store, attempt_record(2, 1, OUTCOME_SUCCEEDED), log_record(2, 1, 0, "new"));
	run_through(store, 3, "b", 0, OUTCOME_SUCCEEDED);
	APPLY(store, manual_record(4, "a", 0), end_record(4, "a", OUTCOME_FAILED, 1));
	assert_int_equal(prune(store, "a", T(100), 1000, 100), 2);
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "3 2");
	assert_string_equal(log_text(store, &(struct log_filter){.run = 1, .after_position = -1}),
			    "");
	assert_string_equal(log_text(store, &(struct log_filter){.run = 2, .after_position = -1}),
			    "1.0:\"new\"");
	assert_true(store_attempts(store, 1, keep_attempt, &text, &err));
	assert_true(store_occurrences(store, &(struct occurrence_filter){.job = "a"}, keep_instant,
				      &text, &err));
	assert_string_equal(buf_string(&text), "a100 ");
	assert_int_equal(prune(store, "a", T(100), 1000, 100), 0);
	buf_finish(&text);
}

static void newest_runs_are_kept_in_small_batches(struct store *store)
{
	for (uint64_t id = 1; id <= 7; id++)
		run_through(store, id, "a", (int64_t)id, OUTCOME_SUCCEEDED);
	run_through(store, 8, "b", 0, OUTCOME_SUCCEEDED);
	assert_int_equal(prune(store, "a", UTC_NONE, 3, 2), 2);
	assert_string_equal(run_ids(store, &(struct run_filter){.job = "a"}), "7 6 5 4 3");
	assert_int_equal(prune(store, "a", UTC_NONE, 3, 10), 2);
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "8 7 6 5");
	assert_int_equal(prune(store, "a", UTC_NONE, 3, 10), 0);
}

/* Age first, in the order they ended; then number. */
static void age_and_number_together(struct store *store)
{
	APPLY(store, claim_record(1, "a", 1), claim_record(2, "a", 2));
	APPLY(store, end_record(1, "a", OUTCOME_SUCCEEDED, 90),
	      end_record(2, "a", OUTCOME_SUCCEEDED, 10));
	run_through(store, 3, "a", 95, OUTCOME_SUCCEEDED);
	run_through(store, 4, "a", 96, OUTCOME_SUCCEEDED);
	assert_int_equal(prune(store, "a", T(50), 2, 1), 1);
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "4 3 1");
	assert_int_equal(prune(store, "a", T(50), 2, 5), 1);
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "4 3");
}

static void open_runs_never_go(struct store *store)
{
	struct buf text = {0};
	struct err err;

	APPLY(store, claim_record(1, "a", 0), claim_record(2, "a", 1), running_record(2, "a", 1));
	run_through(store, 3, "a", 2, OUTCOME_SUCCEEDED);
	assert_int_equal(prune(store, "a", T(1000000), 0, 100), 1);
	assert_string_equal(run_ids(store, &(struct run_filter){0}), "2 1");
	assert_true(store_occurrences(store, &(struct occurrence_filter){0}, keep_instant, &text,
				      &err));
	assert_string_equal(buf_string(&text), "a1 a0 ");
	buf_finish(&text);
}

/* A stretch goes once its last instant is too old. */
static void unrun_instants_go_by_age(struct store *store)
{
	struct buf text = {0};
	struct err err;

	APPLY(store, skipped_record("a", 0), missed_record("a", 10, 60, 5),
	      missed_record("a", 20, 40, 2), skipped_record("a", 50), skipped_record("b", 0));
	assert_int_equal(prune(store, "a", T(50), 0, 1), 0);
	assert_true(store_occurrences(store, &(struct occurrence_filter){0}, keep_instant, &text,
				      &err));
	assert_string_equal(buf_string(&text), "a50 a10 b0 ");
	buf_finish(&text);
}

static void names_of_all_with_history(struct store *store)
{
	struct arena arena = {0};
	const char *const *names;
	size_t count;
	struct err err;

	run_through(store, 1, "b", 0, OUTCOME_SUCCEEDED);
	run_through(store, 2, "b", 1, OUTCOME_SUCCEEDED);
	APPLY(store, manual_record(3, "c", 0), skipped_record("a", 0), skipped_record("b", 2),
	      skipped_record("B", 0));
	assert_true(store_job_names(store, &arena, &names, &count, &err));
	assert_int_equal(count, 4);
	assert_string_equal(names[0], "B");
	assert_string_equal(names[1], "a");
	assert_string_equal(names[2], "b");
	assert_string_equal(names[3], "c");
	arena_finish(&arena);
}

static void thousand_due_at_once(struct store *store)
{
	enum { JOBS = 1000 };
	static struct record records[JOBS];
	static char names[JOBS][16];

	for (size_t i = 0; i < JOBS; i++) {
		snprintf(names[i], sizeof(names[i]), "job-%03zu", i);
		records[i] = claim_record(i + 1, names[i], 0);
	}
	apply(store, records, JOBS);
	for (size_t i = 0; i < JOBS; i++) {
		assert_false(records[i].lost);
		records[i] = end_record(i + 1, names[i], OUTCOME_SUCCEEDED, 1);
	}
	apply(store, records, JOBS);
	assert_int_equal(count_runs(store), JOBS);
	assert_string_equal(run_ids(store, &(struct run_filter){.only_open = true}), "");
}

/* ---- the table, over each backend ---- */

#define CASES(X)                                                                                   \
	X(new_store_is_empty)                                                                      \
	X(empty_batch_is_fine)                                                                     \
	X(every_field_of_a_run_comes_back)                                                         \
	X(unset_fields_come_back_unset)                                                            \
	X(instant_is_claimed_once)                                                                 \
	X(claim_records_its_occurrence)                                                            \
	X(runs_without_instant_do_not_meet)                                                        \
	X(lost_claim_stores_nothing)                                                               \
	X(what_belongs_to_a_lost_claim_is_passed_over)                                             \
	X(skipped_instant_cannot_be_claimed)                                                       \
	X(stretch_is_one_row)                                                                      \
	X(instants_of_a_stretch_are_taken)                                                         \
	X(batch_may_be_applied_twice)                                                              \
	X(run_goes_its_way)                                                                        \
	X(identity_of_a_run_stays)                                                                 \
	X(finished_run_never_changes)                                                              \
	X(state_carries_on)                                                                        \
	X(pauses_stay_until_they_end)                                                              \
	X(renamed_job_keeps_all_it_had)                                                            \
	X(renamed_job_meets_its_new_name)                                                          \
	X(ids_are_not_given_out_again)                                                             \
	X(runs_are_filtered)                                                                       \
	X(row_function_may_stop)                                                                   \
	X(attempts_in_order_first_told_stays)                                                      \
	X(log_is_read_on_from_any_place)                                                           \
	X(log_keeps_any_bytes)                                                                     \
	X(end_of_a_life)                                                                           \
	X(last_sign_of_life)                                                                       \
	X(downtimes_newest_first)                                                                  \
	X(occurrences_are_filtered)                                                                \
	X(revisions_by_number_and_in_pages)                                                        \
	X(tokens_are_kept_and_revoked)                                                             \
	X(audits_newest_first)                                                                     \
	X(old_audits_go)                                                                           \
	X(revisions_newest_first)                                                                  \
	X(failures_in_a_row)                                                                       \
	X(summary_of_a_job)                                                                        \
	X(old_runs_go_with_all_they_have)                                                          \
	X(newest_runs_are_kept_in_small_batches)                                                   \
	X(age_and_number_together)                                                                 \
	X(open_runs_never_go)                                                                      \
	X(unrun_instants_go_by_age)                                                                \
	X(names_of_all_with_history)                                                               \
	X(thousand_due_at_once)

struct trial {
	const char *backend; /* "sqlite" or "memory" */
	case_fn *run;
};

static void run_trial(void **state)
{
	const struct trial *trial = *state;
	bool is_sqlite = strcmp(trial->backend, "sqlite") == 0;
	char *directory = is_sqlite ? make_directory() : NULL;
	struct err err;
	struct store *store = is_sqlite ? open_in(directory) : store_open("memory:", &err);

	trial->run(store);
	store_close(store);
	if (directory)
		remove_directory(directory);
}

#define TRIAL(backend, name)                                                                       \
	{backend ": " #name, run_trial, NULL, NULL, &(struct trial){backend, name}},
#define SQLITE_TRIAL(name) TRIAL("sqlite", name)
#define MEMORY_TRIAL(name) TRIAL("memory", name)

static void no_place_for_a_store(void **state)
{
	static const char *const rows[] = {
		"", "sqlite", "sqlite:", "memory", "memory:x", "/tmp", "postgres://localhost/"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_null(store_open(rows[i], &err));
		assert_non_null(strstr(err.text, "use sqlite:DIRECTORY or memory:"));
	}
	store_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASES(SQLITE_TRIAL) CASES(MEMORY_TRIAL) cmocka_unit_test(no_place_for_a_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
