/* model.c - tests of src/model: words, run identities, verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"
#include "verdict.h"
#include "words.h"

#define ASSERT_WORDS_GO_BACK(type, prefix)                                                         \
	for (unsigned i = 0; i < prefix##_COUNT; i++) {                                            \
		enum type back;                                                                    \
		assert_true(type##_from_word(type##_word((enum type)i), &back));                   \
		assert_int_equal(back, i);                                                         \
	}

static void test_words_go_back(void **state)
{
	enum outcome outcome;

	(void)state;
	ASSERT_WORDS_GO_BACK(run_state, RUN_STATE)
	ASSERT_WORDS_GO_BACK(outcome, OUTCOME)
	ASSERT_WORDS_GO_BACK(trigger, TRIGGER)
	ASSERT_WORDS_GO_BACK(occurrence_state, OCCURRENCE_STATE)
	ASSERT_WORDS_GO_BACK(reason, REASON)
	ASSERT_WORDS_GO_BACK(executor_kind, EXECUTOR_KIND)
	ASSERT_WORDS_GO_BACK(stream, STREAM)
	ASSERT_WORDS_GO_BACK(overlap, OVERLAP)
	ASSERT_WORDS_GO_BACK(catchup, CATCHUP)
	ASSERT_WORDS_GO_BACK(absence, ABSENCE)
	assert_string_equal(outcome_word(OUTCOME_TIMED_OUT), "timed_out");
	assert_false(outcome_from_word("timedout", &outcome));
}

static void test_run_ids_rise(void **state)
{
	uint64_t last = 0;
	struct utc utc = {INT64_C(1774746000000)};
	char text[RUN_ID_TEXT_MAX], before[RUN_ID_TEXT_MAX] = "";

	(void)state;
	/* More in one millisecond than the counter holds, then a clock that goes
	 * back: later ids are larger all the same, as numbers and as text. */
	for (int i = 0; i < 10000; i++) {
		uint64_t id = run_id_next(last, utc, 7), again;

		assert_true(id > last);
		assert_int_equal(id >> 12 & 0xff, 7);
		run_id_format(id, text);
		assert_true(strcmp(text, before) > 0);
		assert_true(run_id_parse(text, &again));
		assert_int_equal(again, id);
		strcpy(before, text);
		last = id;
		if (i == 5000)
			utc.ms -= 3600000;
	}
	assert_true(run_id_next(last, (struct utc){utc.ms + 7200000}, 7) > last);
}

static void test_wrong_run_ids_refused(void **state)
{
	static const char *const rows[] = {"",
					   "0",
					   "0000000000000",
					   "1234567890abcd",
					   "12345678901u2",
					   "g000000000000",
					   "../../../../e",
					   "ABCDEFGH12345"};
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(run_id_parse(rows[i], &id));
}

static void test_verdicts(void **state)
{
	static const uint8_t partial_codes[] = {75};
	struct job job = {.partial_codes = {partial_codes, 1}};
	static const struct {
		enum stop_cause stop;
		struct attempt_end end;
		enum outcome outcome;
		const char *message;
	} rows[] = {
		{STOP_NONE, {.exit_code = 0}, OUTCOME_SUCCEEDED, NULL},
		{STOP_NONE,
		 {.has_result = true, .failed = 0, .message = "all 9"},
		 OUTCOME_SUCCEEDED,
		 "all 9"},
		{STOP_NONE,
		 {.has_result = true, .failed = 2, .message = "2 bounced"},
		 OUTCOME_PARTIAL,
		 "2 bounced"},
		{STOP_NONE, {.has_result = true, .failed = 2}, OUTCOME_PARTIAL, NULL},
		{STOP_NONE, {.exit_code = 75}, OUTCOME_PARTIAL, "exit code 75"},
		/* what it could not do at all goes before what it lost on the way */
		{STOP_NONE,
		 {.exit_code = 1, .has_result = true, .failed = 2},
		 OUTCOME_FAILED,
		 "exit code 1"},
		{STOP_NONE,
		 {.exit_code = 1, .has_result = true, .failed = 2, .message = "2 bounced"},
		 OUTCOME_FAILED,
		 "exit code 1: 2 bounced"},
		{STOP_NONE,
		 {.exit_code = -1, .signal = 9},
		 OUTCOME_FAILED,
		 "killed by SIGKILL (9)"},
		{STOP_NONE,
		 {.exit_code = -1, .signal = 9, .out_of_memory = true},
		 OUTCOME_FAILED,
		 "killed: out of memory"},
		{STOP_NONE,
		 {.exit_code = -1, .signal = 15, .timed_out = true},
		 OUTCOME_TIMED_OUT,
		 "timed out"},
		{STOP_CANCEL, {.exit_code = 0}, OUTCOME_CANCELED, NULL},
		{STOP_REPLACED,
		 {.exit_code = -1, .signal = 15},
		 OUTCOME_CANCELED,
		 "replaced by a newer run"},
	};
	struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum outcome outcome = verdict_outcome(&job, rows[i].stop, &rows[i].end);
		const char *message = verdict_message(&arena, outcome, rows[i].stop, &rows[i].end);

		assert_int_equal(outcome, rows[i].outcome);
		if (rows[i].message)
			assert_string_equal(message, rows[i].message);
		else
			assert_null(message);
	}
	assert_int_equal(verdict_outcome(NULL, STOP_NONE, &(struct attempt_end){.exit_code = 75}),
			 OUTCOME_FAILED);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_go_back),
		cmocka_unit_test(test_run_ids_rise),
		cmocka_unit_test(test_wrong_run_ids_refused),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
