/*
 * test_recorder.c - the recorder over a store that this test holds in its hand: what is
 * committed when, in which order, and what a failing store costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "recorder.h"

/* What the store was asked to keep, a word each; and whether it does. */
static struct {
	bool fails, loses_claims;
	uint64_t knows; /* a run that is there */
	struct utc scheduled_at;
	int calls;
	struct buf kept;
} disk;

static struct buf done; /* what the recorder told its owner */

bool store_apply(struct store *store, struct record *records, size_t count, struct err *err)
{
	static const char letters[] = "CRAOLDSVEK";

	(void)store;
	disk.calls++;
	if (disk.fails)
		return err_set(err, "disk is full");
	for (size_t i = 0; i < count; i++) {
		buf_char(&disk.kept, letters[records[i].kind]);
		if (records[i].kind == RECORD_LOG)
			buf_add(&disk.kept, records[i].log.data, records[i].log.length);
		records[i].lost = records[i].kind == RECORD_CLAIM && disk.loses_claims;
	}
	buf_char(&disk.kept, '|');
	return true;
}

bool store_runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		void *context, struct err *err)
{
	(void)store;
	if (disk.fails)
		return err_set(err, "disk is full");
	if (filter->id == disk.knows)
		row(context, &(struct run){.id = filter->id,
					   .job = "job",
					   .scheduled_at = disk.scheduled_at});
	return true;
}

static void on_forget(void *context, enum executor_kind executor, uint64_t run)
{
	(void)context, (void)executor;
	buf_format(&done, "forget %llu ", (unsigned long long)run);
}

static void on_committed(void *context, uint64_t run)
{
	(void)context;
	buf_format(&done, "told %llu ", (unsigned long long)run);
}

static struct inbox inbox;
static struct recorder recorder;

static int begin(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	recorder =
		(struct recorder){.inbox = &inbox, .forget = on_forget, .committed = on_committed};
	return 0;
}

static int end(void **state)
{
	(void)state;
	recorder_finish(&recorder);
	inbox_finish(&inbox);
	buf_finish(&disk.kept);
	buf_finish(&done);
	return 0;
}

static const struct mono start = {1000};

static struct mono later(int64_t ms)
{
	return (struct mono){start.ms + ms};
}

static void add_run(enum record_kind kind, uint64_t run, struct mono now)
{
	char job[] = "job"; /* the recorder copies: this one is gone at once */

	recorder_add(&recorder, &(struct record){.kind = kind, .run = {.id = run, .job = job}},
		     now);
	memset(job, 'x', sizeof(job) - 1);
}

static void add_log(uint64_t run, const char *text, struct mono now)
{
	recorder_add(&recorder,
		     &(struct record){.kind = RECORD_LOG,
				      .log = {.run = run, .data = text, .length = strlen(text)}},
		     now);
}

static void expect(const struct buf *buf, const char *text)
{
	assert_string_equal(buf_string(buf), text);
}

static void test_output_waits_for_company(void **state)
{
	(void)state;
	assert_true(recorder_due(&recorder).ms == INT64_MAX);
	add_log(1, "a", start);
	add_log(1, "b", later(5));
	assert_true(recorder_flush(&recorder, later(5), false));
	assert_int_equal(disk.calls, 0);
	assert_true(recorder_due(&recorder).ms == later(RECORDER_GROUP_MS).ms);
	assert_true(recorder_flush(&recorder, later(RECORDER_GROUP_MS), false));
	expect(&disk.kept, "LaLb|");
	expect(&done, "told 1 ");
	assert_true(recorder_due(&recorder).ms == INT64_MAX);
	assert_true(recorder_flush(&recorder, later(9999), true));
	assert_int_equal(disk.calls, 1);
}

static void test_claims_do_not_wait_and_are_answered(void **state)
{
	struct event event;

	(void)state;
	add_log(1, "a", start);
	add_run(RECORD_CLAIM, 7, start);
	assert_true(recorder_flush(&recorder, start, false));
	expect(&disk.kept, "LaC|");
	assert_true(inbox_pop(&inbox, &event));
	assert_true(event.kind == EVENT_RECORDED && event.run == 7);
	assert_false(inbox_pop(&inbox, &event));

	disk.loses_claims = true;
	add_run(RECORD_CLAIM, 8, start);
	assert_true(recorder_flush(&recorder, start, false));
	assert_true(inbox_pop(&inbox, &event));
	assert_true(event.kind == EVENT_CLAIM_LOST && event.run == 8);
}

/* The commit before was said to have failed, and had not. */
static void test_a_claim_that_is_there_itself_is_not_lost(void **state)
{
	struct event event;

	(void)state;
	disk.loses_claims = true;
	disk.knows = 7;
	add_run(RECORD_CLAIM, 7, start);
	assert_true(recorder_flush(&recorder, start, false));
	assert_true(inbox_pop(&inbox, &event));
	assert_true(event.kind == EVENT_RECORDED && event.run == 7);
	/* Another run under that id is another run. */
	disk.scheduled_at = (struct utc){60000};
	add_run(RECORD_CLAIM, 7, start);
	assert_true(recorder_flush(&recorder, start, false));
	assert_true(inbox_pop(&inbox, &event));
	assert_true(event.kind == EVENT_CLAIM_LOST);
}

/* The next attempt may not start before it is durable that the last one is over. */
static void test_the_end_of_an_attempt_does_not_wait_and_is_answered(void **state)
{
	struct event event;

	(void)state;
	recorder_add(&recorder,
		     &(struct record){.kind = RECORD_RUN,
				      .run = {.id = 7, .job = "job", .state = RUN_BACKOFF}},
		     start);
	assert_true(recorder_flush(&recorder, start, false));
	expect(&disk.kept, "R|");
	assert_true(inbox_pop(&inbox, &event));
	assert_true(event.kind == EVENT_RECORDED && event.run == 7);
}

static void test_much_output_does_not_wait(void **state)
{
	char *text = malloc(RECORDER_BYTES_MAX + 2);

	(void)state;
	memset(text, 'x', RECORDER_BYTES_MAX + 1);
	text[RECORDER_BYTES_MAX + 1] = '\0';
	add_log(1, text, start);
	assert_true(recorder_flush(&recorder, start, false));
	assert_int_equal(disk.calls, 1);
	assert_true(arena_size(&recorder.arena) <= RECORDER_BYTES_MAX);
	free(text);
}

static void test_a_run_is_forgotten_when_its_end_is_durable(void **state)
{
	(void)state;
	disk.fails = true;
	add_run(RECORD_RUN, 3, start);
	recorder_forget(&recorder, EXECUTOR_PROCESS, 3);
	assert_false(recorder_flush(&recorder, later(20), false));
	expect(&done, "");
	disk.fails = false;
	assert_true(recorder_flush(&recorder, later(20), true));
	expect(&done, "forget 3 told 3 ");
}

static void test_a_failing_store_is_tried_again_in_order(void **state)
{
	struct event event;

	(void)state;
	disk.fails = true;
	add_run(RECORD_CLAIM, 1, start);
	assert_false(recorder_flush(&recorder, start, false));
	assert_true(recorder.is_failing);
	assert_string_equal(recorder.failure.text, "disk is full");
	assert_false(inbox_pop(&inbox, &event)); /* nothing may start */
	/* More comes meanwhile; it is not tried at each turn. */
	add_log(2, "x", later(10));
	add_run(RECORD_CLAIM, 3, later(20));
	assert_false(recorder_flush(&recorder, later(500), false));
	assert_int_equal(disk.calls, 1);
	assert_true(recorder_due(&recorder).ms == later(RECORDER_RETRY_MS).ms);
	assert_false(recorder_flush(&recorder, later(RECORDER_RETRY_MS), false));
	assert_int_equal(disk.calls, 2);
	disk.fails = false;
	assert_true(recorder_flush(&recorder, later(2 * RECORDER_RETRY_MS), false));
	expect(&disk.kept, "CLxC|");
	assert_false(recorder.is_failing);
	assert_true(inbox_pop(&inbox, &event) && event.run == 1);
	assert_true(inbox_pop(&inbox, &event) && event.run == 3);
}

static void test_a_burst_is_not_kept_for_ever(void **state)
{
	(void)state;
	for (uint64_t run = 1; run <= 2 * RECORDER_IDLE_COUNT; run++)
		add_run(RECORD_RUN, run, start);
	assert_true(recorder_flush(&recorder, later(20), false));
	assert_int_equal(recorder.capacity, 0);
	assert_true(arena_size(&recorder.arena) <= RECORDER_BYTES_MAX);
	add_run(RECORD_RUN, 1, later(30));
	assert_true(recorder_flush(&recorder, later(50), false));
	assert_int_equal(disk.calls, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_output_waits_for_company),
		TEST(test_claims_do_not_wait_and_are_answered),
		TEST(test_a_claim_that_is_there_itself_is_not_lost),
		TEST(test_the_end_of_an_attempt_does_not_wait_and_is_answered),
		TEST(test_much_output_does_not_wait),
		TEST(test_a_run_is_forgotten_when_its_end_is_durable),
		TEST(test_a_failing_store_is_tried_again_in_order),
		TEST(test_a_burst_is_not_kept_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
