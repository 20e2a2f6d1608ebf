/* test_pure.c - the pure parts of src/api: queries, JSON, log lines, the routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "http_target.h"
#include "json.h"
#include "log_lines.h"
#include "query.h"
#include "record_json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- queries ---- */

enum { RUNS, LOG, OCCURRENCES, LIMIT, NOTHING };

static bool ask(int what, const char *raw, struct arena *arena, struct err *err)
{
	struct http_target target;
	struct runs_query runs;
	struct log_query log;
	struct occurrence_filter occurrences;
	size_t limit;

	assert_true(http_target_parse(arena, raw, &target));
	switch (what) {
	case RUNS: return query_runs(&target, &runs, err);
	case LOG: return query_log(&target, &log, err);
	case OCCURRENCES: return query_occurrences(&target, &occurrences, err);
	case LIMIT: return query_limit(&target, &limit, err);
	default: return query_nothing(&target, err);
	}
}

static void test_queries_that_are_refused_say_what_is_right(void **state)
{
	static const struct {
		int what;
		const char *raw, *says;
	} rows[] = {
		{RUNS, "/?jobs=a", "did you mean \"job\""},
		{RUNS, "/?colour=red",
		 "there are job, outcome, state, trigger, before, after, from, to, limit"},
		{RUNS, "/?job=a&job=b", "given twice"},
		{RUNS, "/?job=", "job is empty"},
		{RUNS, "/?outcome=ok", "succeeded, partial, failed, timed_out, canceled, unknown"},
		{RUNS, "/?outcome=", "one of succeeded"},
		{RUNS, "/?outcome=Failed", "one of succeeded"},
		{RUNS, "/?state=running", "open, finished"},
		{RUNS, "/?trigger=cron", "schedule, manual, retry, catchup, boot"},
		{RUNS, "/?before=1", "the id of a run"},
		{RUNS, "/?after=0000000000000", "the id of a run"},
		{RUNS, "/?after=", "the id of a run"},
		{RUNS, "/?limit=0", "from 1 to 1000"},
		{RUNS, "/?limit=1001", "from 1 to 1000"},
		{RUNS, "/?limit=-1", "from 1 to 1000"},
		{RUNS, "/?limit=+1", "from 1 to 1000"},
		{RUNS, "/?limit=1e2", "from 1 to 1000"},
		{RUNS, "/?limit=", "from 1 to 1000"},
		{RUNS, "/?limit=18446744073709551617", "from 1 to 1000"},
		{LOG, "/?stream=out", "stdout, stderr, belfry"},
		{LOG, "/?format=json", "text, jsonl"},
		{LOG, "/?follow=1", "false, true"},
		{LOG, "/?follow", "false, true"},
		{LOG, "/?folow=true", "did you mean \"follow\""},
		{OCCURRENCES, "/?state=skiped", "ran, skipped, missed"},
		{OCCURRENCES, "/?from=yesterday", "such as 2026-03-29T01:00:00Z"},
		{OCCURRENCES, "/?to=2026-03-29", "such as 2026-03-29T01:00:00Z"},
		{OCCURRENCES, "/?before=2026-03-29T01:00:00Z", "unknown parameter"},
		{LIMIT, "/?limit=many", "from 1 to 1000"},
		{LIMIT, "/?job=a", "unknown parameter \"job\""},
		{NOTHING, "/?limit=5", "takes no parameters"},
	};
	struct arena arena = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		err.text[0] = '\0';
		if (ask(rows[i].what, rows[i].raw, &arena, &err))
			fail_msg("%s is taken", rows[i].raw);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s: %s; expected: %s", rows[i].raw, err.text, rows[i].says);
	}
	arena_finish(&arena);
}

static void test_queries_become_filters(void **state)
{
	struct arena arena = {0};
	struct http_target target;
	struct runs_query runs;
	struct log_query log;
	struct occurrence_filter occurrences;
	struct err err;
	uint64_t id;

	(void)state;
	assert_true(run_id_parse("06nk2v0d80200", &id));
	assert_true(http_target_parse(&arena,
				      "/runs?job=a%20b&outcome=timed_out&state=open&trigger=boot&"
				      "before=06nk2v0d80200&limit=1000",
				      &target));
	assert_true(query_runs(&target, &runs, &err));
	assert_string_equal(runs.filter.job, "a b");
	assert_int_equal(runs.filter.outcome, OUTCOME_TIMED_OUT);
	assert_true(runs.filter.only_open && !runs.only_finished);
	assert_true(runs.filter.has_trigger && runs.filter.trigger == TRIGGER_BOOT);
	assert_true(runs.filter.before == id && runs.filter.after == 0);
	assert_int_equal(runs.filter.limit, 1000);

	assert_true(http_target_parse(&arena, "/runs?state=finished", &target));
	assert_true(query_runs(&target, &runs, &err));
	assert_true(runs.only_finished && !runs.filter.only_open && !runs.filter.has_trigger);
	assert_null(runs.filter.job);
	assert_int_equal(runs.filter.limit, QUERY_LIMIT_DEFAULT);

	assert_true(
		http_target_parse(&arena, "/log?stream=stderr&format=jsonl&follow=true", &target));
	assert_true(query_log(&target, &log, &err));
	assert_true(log.has_stream && log.stream == STREAM_STDERR && log.is_jsonl && log.follows);
	assert_true(http_target_parse(&arena, "/log?follow=false&format=text", &target));
	assert_true(query_log(&target, &log, &err));
	assert_true(!log.has_stream && !log.is_jsonl && !log.follows);

	assert_true(http_target_parse(
		&arena, "/o?state=missed&from=2026-03-29T01:00:00Z&to=2026-03-29T03:00:00%2B02:00",
		&target));
	assert_true(query_occurrences(&target, &occurrences, &err));
	assert_true(occurrences.has_state && occurrences.state == OCCURRENCE_MISSED);
	assert_true(occurrences.from.ms == INT64_C(1774746000000));
	assert_true(occurrences.to.ms == occurrences.from.ms);
	arena_finish(&arena);
}

/* ---- JSON ---- */

static json_t *read_json(struct buf *out)
{
	json_error_t fault;
	json_t *json = json_loadb(buf_string(out), out->length, JSON_REJECT_DUPLICATES, &fault);

	if (!json)
		fail_msg("%s in %s", fault.text, buf_string(out));
	buf_finish(out);
	return json;
}

/* "key.key" of an object, as compact text. */
static void expect(const json_t *object, const char *key, const char *json)
{
	char *text = json_dumps(json_object_get(object, key), JSON_COMPACT | JSON_ENCODE_ANY);

	if (!text || strcmp(text, json) != 0)
		fail_msg("%s is %s, not %s", key, text ? text : "absent", json);
	free(text);
}

static struct run new_run(void)
{
	return (struct run){.id = UINT64_C(0x19d3675a80002001),
			    .job = "send",
			    .trigger = TRIGGER_SCHEDULE,
			    .scheduled_at = {INT64_C(1774746000000)},
			    .revision = 3,
			    .state = RUN_CLAIMED,
			    .attempt = 1,
			    .claimed_at = {INT64_C(1774746000004)},
			    .started_at = UTC_NONE,
			    .finished_at = UTC_NONE,
			    .exit_code = -1,
			    .processed = -1,
			    .failed = -1,
			    .cpu_ms = -1,
			    .max_rss_kib = -1};
}

static void test_a_run_that_waits_has_nulls_for_what_is_not_known(void **state)
{
	static const char *const nulls[] = {"lateness_ms", "started_at", "finished_at",
					    "duration_ms", "outcome",    "exit_code",
					    "signal",      "processed",  "failed",
					    "message",     "cpu_ms",     "max_rss_kib"};
	struct run run = new_run();
	struct buf out = {0};
	char text[RUN_ID_TEXT_MAX], quoted[32];

	(void)state;
	run.jitter_ms = 5000;
	record_json_run(&out, NULL, &run);
	json_t *json = read_json(&out);
	for (size_t i = 0; i < COUNT(nulls); i++)
		expect(json, nulls[i], "null");
	snprintf(quoted, sizeof(quoted), "\"%s\"", run_id_format(run.id, text));
	expect(json, "id", quoted);
	expect(json, "job", "\"send\"");
	expect(json, "executor", "\"process\"");
	expect(json, "trigger", "\"schedule\"");
	expect(json, "scheduled_at", "\"2026-03-29T01:00:00Z\"");
	expect(json, "planned_at", "\"2026-03-29T01:00:05Z\"");
	expect(json, "claimed_at", "\"2026-03-29T01:00:00.004Z\"");
	expect(json, "state", "\"claimed\"");
	expect(json, "attempt", "1");
	expect(json, "revision", "3");
	expect(json, "dry_run", "false");
	expect(json, "output_bytes", "0");
	assert_int_equal(json_object_size(json), 25);
	json_decref(json);
}

static void test_a_run_that_ended_tells_how(void **state)
{
	struct run run = new_run();
	struct buf out = {0};

	(void)state;
	run.state = RUN_FINISHED;
	run.outcome = OUTCOME_PARTIAL;
	run.started_at = (struct utc){run.scheduled_at.ms + 12};
	run.finished_at = (struct utc){run.scheduled_at.ms + 1012};
	run.exit_code = 0;
	run.processed = 120;
	run.failed = 0;
	run.message = "2 \"bounced\"\n\xff";
	run.cpu_ms = 0;
	run.max_rss_kib = 4096;
	record_json_run(&out, NULL, &run);
	json_t *json = read_json(&out);
	expect(json, "outcome", "\"partial\"");
	expect(json, "lateness_ms", "12");
	expect(json, "duration_ms", "1000");
	expect(json, "exit_code", "0");
	expect(json, "signal", "null");
	expect(json, "processed", "120");
	expect(json, "failed", "0");
	expect(json, "cpu_ms", "0");
	expect(json, "max_rss_kib", "4096");
	expect(json, "message", "\"2 \\\"bounced\\\"\\n\xef\xbf\xbd\"");
	json_decref(json);

	run.scheduled_at = UTC_NONE;
	run.exit_code = -1;
	run.signal = 9;
	record_json_run(&out, NULL, &run);
	json = read_json(&out);
	expect(json, "scheduled_at", "null");
	expect(json, "lateness_ms", "null");
	expect(json, "exit_code", "null");
	expect(json, "signal", "9");
	json_decref(json);
}

static const struct schedule *parse_schedule(struct arena *arena, const char *text)
{
	const struct schedule *schedule = NULL;
	struct schedule_error errors[4];

	assert_int_equal(schedule_parse_cron(arena, text, strlen(text),
					     &(struct schedule_context){.job_name = "a"}, &schedule,
					     errors, COUNT(errors)),
			 0);
	return schedule;
}

static void test_a_job_never_shows_values_of_the_environment(void **state)
{
	static const char *const argv[] = {"curl", "https://secret@example.org", NULL};
	static const char *const shown[] = {"curl", "${URL}", NULL};
	static const struct env_var env[] = {{"TOKEN", "secret", true}};
	struct arena arena = {0};
	struct job job = {.name = "a",
			  .schedule = parse_schedule(&arena, "0 9 * * *"),
			  .schedule_text = "0 9 * * *",
			  .timezone = "UTC",
			  .argv = {argv, 2},
			  .env = env,
			  .env_count = 1};
	struct job_summary summary = {.last_success_at = UTC_NONE};
	struct job_view view = {.job = &job, .next = UTC_NONE, .summary = &summary};
	struct buf out = {0};

	(void)state;
	json_job(&out, NULL, &view);
	assert_null(strstr(buf_string(&out), "secret"));
	json_t *json = read_json(&out);
	expect(json, "command", "[]");
	expect(json, "has_dry_run", "false");
	json_decref(json);

	job.argv_shown = (struct text_list){shown, 2};
	job.dry_run = (struct text_list){argv, 0}; /* an empty list is one */
	json_job(&out, NULL, &view);
	assert_null(strstr(buf_string(&out), "secret"));
	json = read_json(&out);
	expect(json, "command", "[\"curl\",\"${URL}\"]");
	expect(json, "has_dry_run", "true");
	json_decref(json);
	arena_finish(&arena);
}

static void test_a_job_with_all_it_has(void **state)
{
	static const char *const tags[] = {"mail", "daily", NULL};
	static const uint64_t running[] = {UINT64_C(1) << 20, UINT64_C(2) << 20};
	struct arena arena = {0};
	struct job job = {
		.name = "a",
		.description = "Sends.",
		.tags = {tags, 2},
		.schedule = parse_schedule(&arena, "0 9 * * *"),
		.schedule_text = "{\"every\":\"day\",\"time\":\"09:00\"}",
		.timezone = "UTC",
		.enabled = true,
		.timeout_ms = 300000,
		.grace_ms = 10000,
		.retry = {.attempts = 3,
			  .backoff_ms = 10000,
			  .max_backoff_ms = 60000,
			  .on = 1u << OUTCOME_FAILED | 1u << OUTCOME_TIMED_OUT},
		.deadline_ms = 3600000,
		.priority = -7,
		.group = "db",
		.group_limit = 2,
		.overlap = OVERLAP_QUEUE,
		.catchup = CATCHUP_ALL,
		.catchup_window_ms = 3600000,
	};
	struct job_summary summary = {.last = new_run(),
				      .last_success_at = {INT64_C(1774746000000)},
				      .consecutive_failures = 2,
				      .skipped = 4,
				      .missed = 5};
	struct pause pause = {.since = {INT64_C(1774746000000)},
			      .until = UTC_NONE,
			      .reason = "broken",
			      .by = "eva@desk"};
	struct job_view view = {.job = &job,
				.pause = &pause,
				.next = {INT64_C(1774746000000)},
				.running = running,
				.running_count = 2,
				.summary = &summary};
	struct buf out = {0};

	(void)state;
	summary.runs[OUTCOME_SUCCEEDED] = 7;
	summary.runs[OUTCOME_FAILED] = 2;
	json_job(&out, NULL, &view);
	json_t *json = read_json(&out);
	expect(json, "tags", "[\"mail\",\"daily\"]");
	expect(json, "schedule", "{\"every\":\"day\",\"time\":\"09:00\"}");
	assert_true(json_string_length(json_object_get(json, "explain")) > 0);
	expect(json, "retry",
	       "{\"attempts\":3,\"backoff_ms\":10000,\"max_backoff_ms\":60000,"
	       "\"on\":[\"failed\",\"timed_out\"]}");
	expect(json, "overlap", "\"queue\"");
	expect(json, "catchup", "\"all\"");
	expect(json, "deadline_ms", "3600000");
	expect(json, "priority", "-7");
	expect(json, "group", "\"db\"");
	expect(json, "group_limit", "2");
	expect(json, "was", "[]");
	expect(json, "paused",
	       "{\"since\":\"2026-03-29T01:00:00Z\",\"until\":null,\"reason\":\"broken\","
	       "\"by\":\"eva@desk\"}");
	expect(json, "next", "\"2026-03-29T01:00:00Z\"");
	expect(json, "running", "[\"0000000010000\",\"0000000020000\"]");
	expect(json, "counts",
	       "{\"succeeded\":7,\"partial\":0,\"failed\":2,\"timed_out\":0,\"canceled\":0,"
	       "\"unknown\":0}");
	expect(json, "consecutive_failures", "2");
	expect(json, "skipped", "4");
	expect(json, "missed", "5");
	expect(json_object_get(json, "last"), "job", "\"send\"");
	json_decref(json);
	arena_finish(&arena);
}

static void test_health(void **state)
{
	static const char fine[] = "{\"status\":\"ok\",\"message\":null}";
	static const struct {
		const char *store, *config, *zones, *status, *store_json, *config_json, *zones_json;
	} rows[] = {
		{NULL, NULL, NULL, "\"ok\"", fine, fine, fine},
		{NULL, "bad", NULL, "\"degraded\"", fine,
		 "{\"status\":\"refused\",\"message\":\"bad\"}", fine},
		{NULL, NULL, "gone", "\"degraded\"", fine, fine,
		 "{\"status\":\"stale\",\"message\":\"gone\"}"},
		{"full", "bad", "gone", "\"failing\"",
		 "{\"status\":\"failing\",\"message\":\"full\"}",
		 "{\"status\":\"refused\",\"message\":\"bad\"}",
		 "{\"status\":\"stale\",\"message\":\"gone\"}"},
	};
	struct api_world world = {.job_count = 2, .revision = 7, .version = "1.2"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct api_health health = {.running = 1,
					    .waiting = 3,
					    .store_failure = rows[i].store,
					    .config_error = rows[i].config,
					    .zone_trouble = rows[i].zones};
		struct buf out = {0};

		json_health(&out, &health, &world, (struct utc){INT64_C(1774746000000)});
		json_t *json = read_json(&out);
		expect(json, "status", rows[i].status);
		expect(json, "store", rows[i].store_json);
		expect(json, "config", rows[i].config_json);
		expect(json, "zones", rows[i].zones_json);
		expect(json, "version", "\"1.2\"");
		expect(json, "revision", "7");
		expect(json, "jobs", "2");
		expect(json, "running", "1");
		expect(json, "waiting", "3");
		expect(json, "time", "\"2026-03-29T01:00:00Z\"");
		json_decref(json);
	}
}

/* ---- log lines ---- */

static void check_lines(const char *const *chunks, const char *expected)
{
	struct log_lines lines = {0};
	struct buf out = {0}, texts = {0};

	for (size_t i = 0; chunks[i]; i++)
		log_lines_add(&lines,
			      &(struct log_chunk){.attempt = 1,
						  .stream = STREAM_STDOUT,
						  .at = {0},
						  .data = chunks[i],
						  .length = strlen(chunks[i])},
			      &out);
	log_lines_end(&lines, &out);
	for (const char *at = buf_string(&out); *at;) {
		const char *end = strchr(at, '\n');
		json_t *json = json_loadb(at, (size_t)(end - at), 0, NULL);

		assert_non_null(json);
		buf_format(&texts, "%s|", json_string_value(json_object_get(json, "text")));
		json_decref(json);
		at = end + 1;
	}
	if (strcmp(buf_string(&texts), expected) != 0)
		fail_msg("%s, not %s", buf_string(&texts), expected);
	buf_finish(&texts);
	buf_finish(&out);
}

static void test_log_lines(void **state)
{
	(void)state;
	check_lines((const char *const[]){"a\nb\n", NULL}, "a\n|b\n|");
	check_lines((const char *const[]){"a", "b\n", NULL}, "a|b\n|");
	check_lines((const char *const[]){"\n\n", NULL}, "\n|\n|");
	check_lines((const char *const[]){"\xc3", "\xa9\n", NULL}, "\xc3\xa9\n|");
	check_lines((const char *const[]){"x\xf0", "\x9f", "\x98", "\x80", NULL},
		    "x|\xf0\x9f\x98\x80|");
	check_lines((const char *const[]){"\xc3", NULL}, "\xef\xbf\xbd|");
	check_lines((const char *const[]){"\xff\n", NULL}, "\xef\xbf\xbd\n|");
	check_lines((const char *const[]){"\xc3\n", NULL}, "\xef\xbf\xbd\n|");
	check_lines((const char *const[]){"\xc3", "a\n", NULL}, "\xef\xbf\xbd"
								"a\n|");
	check_lines((const char *const[]){NULL}, "");
}

static void test_log_lines_keep_streams_and_attempts_apart(void **state)
{
	struct log_lines lines = {0};
	struct buf out = {0};
	struct log_chunk half = {.attempt = 1,
				 .stream = STREAM_STDOUT,
				 .at = {INT64_C(1774746000000)},
				 .data = "\xc3",
				 .length = 1};
	struct log_chunk other = {
		.attempt = 1, .stream = STREAM_STDERR, .at = {0}, .data = "e\n", .length = 2};
	struct log_chunk later = {
		.attempt = 2, .stream = STREAM_STDOUT, .at = {0}, .data = "\xa9\n", .length = 2};

	(void)state;
	log_lines_add(&lines, &half, &out);
	log_lines_add(&lines, &other, &out);
	log_lines_add(&lines, &later, &out);
	log_lines_end(&lines, &out);
	assert_string_equal(
		buf_string(&out),
		"{\"time\":\"1970-01-01T00:00:00Z\",\"stream\":\"stderr\",\"attempt\":1,"
		"\"text\":\"e\\n\"}\n"
		"{\"time\":\"2026-03-29T01:00:00Z\",\"stream\":\"stdout\",\"attempt\":1,"
		"\"text\":\"\xef\xbf\xbd\"}\n"
		"{\"time\":\"1970-01-01T00:00:00Z\",\"stream\":\"stdout\",\"attempt\":2,"
		"\"text\":\"\xef\xbf\xbd\\n\"}\n");
	buf_finish(&out);
}

/* ---- routes ---- */

static void test_routes_are_told_apart(void **state)
{
	const struct api_route *rows;
	size_t count = api_routes(&rows);

	(void)state;
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		assert_true(rows[i].pattern[0] == '/' && rows[i].handler && rows[i].summary[0]);
		for (size_t j = 0; j < i; j++)
			assert_false(strcmp(rows[i].pattern, rows[j].pattern) == 0 &&
				     strcmp(rows[i].method, rows[j].method) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries_that_are_refused_say_what_is_right),
		cmocka_unit_test(test_queries_become_filters),
		cmocka_unit_test(test_a_run_that_waits_has_nulls_for_what_is_not_known),
		cmocka_unit_test(test_a_run_that_ended_tells_how),
		cmocka_unit_test(test_a_job_never_shows_values_of_the_environment),
		cmocka_unit_test(test_a_job_with_all_it_has),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_log_lines_keep_streams_and_attempts_apart),
		cmocka_unit_test(test_routes_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
