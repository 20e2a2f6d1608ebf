/* fly.c - the pure parts of the Fly executor: tokens, Machines, what is asked of Fly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fly_calls.h"
#include "fly_machine.h"
#include "fly_order.h"

static void tokens(void **state)
{
	static const char *const rows[][2] = {
		{"abc", "Bearer abc"},
		{" abc\n", "Bearer abc"},
		{"Bearer abc", "Bearer abc"},
		{"fm2_abc", "FlyV1 fm2_abc"},
		{"FlyV1 fm2_abc,fm1r_x", "FlyV1 fm2_abc,fm1r_x"},
		{"abc,fm1a_x", "FlyV1 abc,fm1a_x"},
		{"FlyV1 fo1_old", "Bearer fo1_old"},
		{"xfm2_abc", "Bearer xfm2_abc"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *value = fly_authorization(rows[i][0]);

		assert_string_equal(rows[i][1], value);
		free(value);
	}
}

static struct fly_machine one(struct arena *arena, const char *text)
{
	struct fly_machine *machines;
	size_t count;

	assert_true(fly_machines_parse(text, strlen(text), arena, &machines, &count));
	assert_int_equal(1, count);
	return machines[0];
}

static void phases(void **state)
{
#define START      "{\"type\":\"start\",\"timestamp\":5000}"
#define EXIT(rest) "{\"type\":\"exit\",\"timestamp\":9000,\"request\":{" rest "}}"
	static const struct {
		const char *state, *events;
		enum fly_phase phase;
	} rows[] = {
		{"created", "", FLY_PHASE_WAITING},
		{"starting", "", FLY_PHASE_WAITING},
		{"started", "", FLY_PHASE_RUNNING},
		{"created", START, FLY_PHASE_RUNNING},
		{"created", "{\"type\":\"start\",\"status\":\"starting\"}", FLY_PHASE_WAITING},
		{"destroyed", "{\"type\":\"start\",\"status\":\"starting\"}", FLY_PHASE_GONE},
		{"stopped", "{\"type\":\"start\",\"status\":\"started\",\"timestamp\":1}",
		 FLY_PHASE_STOPPED},
		{"never_heard_of", "", FLY_PHASE_WAITING},
		{"never_heard_of", START, FLY_PHASE_RUNNING},
		{"stopped", EXIT("\"exit_event\":{\"exit_code\":0}") "," START, FLY_PHASE_ENDED},
		{"started", EXIT("\"exit_event\":{\"restarting\":true}") "," START,
		 FLY_PHASE_RUNNING},
		{"stopped", EXIT("\"exit_event\":{\"restarting\":true}") "," START,
		 FLY_PHASE_ENDED},
		{"destroyed", EXIT("\"MonitorEvent\":{\"exit_event\":{}}"), FLY_PHASE_ENDED},
		{"stopped", START, FLY_PHASE_STOPPED},
		{"stopped", EXIT("") "," START, FLY_PHASE_STOPPED},
		{"failed", "", FLY_PHASE_FAILED},
		{"launch_failed", "", FLY_PHASE_FAILED},
		{"failed", START, FLY_PHASE_STOPPED},
		{"destroyed", START, FLY_PHASE_GONE},
		{"destroying", "", FLY_PHASE_GONE},
		{"replaced", "", FLY_PHASE_GONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		const char *text = arena_format(
			&arena, "{\"id\":\"a\",\"state\":\"%s\",\"more\":[1],\"events\":[%s]}",
			rows[i].state, rows[i].events);
		struct fly_machine machine = one(&arena, text);

		assert_int_equal(rows[i].phase, fly_machine_phase(&machine));
		arena_finish(&arena);
	}
}

static void exits(void **state)
{
	static const struct {
		const char *exit;
		int32_t code, signal;
		bool is_oom;
	} rows[] = {
		{"\"exit_event\":{\"exit_code\":3,\"signal\":-1}", 3, 0, false},
		{"\"exit_event\":{\"exit_code\":137,\"guest_signal\":9,\"oom_killed\":true}", 137,
		 9, true},
		{"\"exit_event\":{\"exit_code\":1},\"MonitorEvent\":{\"exit_event\":{\"exit_code\":"
		 "7}}",
		 7, 0, false},
		{"\"exit_event\":{}", 0, 0, false},
		{"\"exit_event\":{\"exit_code\":\"x\",\"signal\":15}", 0, 15, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		const char *text =
			arena_format(&arena,
				     "{\"id\":\"a\",\"state\":\"stopped\",\"events\":[{\"type\":"
				     "\"exit\",\"timestamp\":9000,\"request\":{%s}}]}",
				     rows[i].exit);
		struct fly_machine machine = one(&arena, text);

		assert_true(machine.has_exited);
		assert_int_equal(rows[i].code, machine.exit.exit_code);
		assert_int_equal(rows[i].signal, machine.exit.signal);
		assert_int_equal(rows[i].is_oom, machine.exit.is_oom);
		assert_int_equal(9000, machine.exit.at.ms);
		arena_finish(&arena);
	}
}

static void errors(void **state)
{
	static const struct {
		const char *body, *text, *code;
	} rows[] = {
		{"{\"error\":\"no room\",\"status\":\"insufficient_capacity\"}", "no room",
		 "insufficient_capacity"},
		{"{\"message\":\"why\",\"status\":412}", "why", NULL},
		{"<html>\n502</html>", "<html> 502</html>", NULL},
		{"", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		const char *code;

		assert_string_equal(rows[i].text,
				    fly_error(rows[i].body, strlen(rows[i].body), &arena, &code));
		assert_true(rows[i].code ? code && strcmp(code, rows[i].code) == 0 : !code);
		arena_finish(&arena);
	}
}

/* ---- what is asked for ---- */

static const char *const words[] = {"node", "send.js"};
static const char *const extra[] = {"--dryRun"};

static struct job job_of(const char *fly)
{
	return (struct job){.name = "Send: Reminders!",
			    .executor = EXECUTOR_FLY,
			    .remote.json = fly,
			    .argv = {words, 2},
			    .dry_run = {extra, 1}};
}

static json_t *body_of(const struct job *job, bool is_dry_run, struct buf *notes)
{
	static const char *const env[] = {"A=job", "EMPTY=", NULL};
	struct run run = {.id = UINT64_C(1) << 40, .attempt = 2, .dry_run = is_dry_run};
	char *text = fly_order_body(&(struct fly_order){.job = job,
							.run = &run,
							.region = "cdg",
							.image = "registry/app:1",
							.home = "here",
							.env = env},
				    notes);
	json_t *body = json_loads(text, 0, NULL);

	assert_non_null(body);
	free(text);
	return body;
}

static void command_goes_where_it_counts(void **state)
{
	static const struct {
		const char *fly, *key;
	} rows[] = {
		{"{\"app\":\"a\"}", "cmd"},
		{"{\"app\":\"a\",\"config\":{\"init\":{\"entrypoint\":[\"/e\"]}}}", "cmd"},
		{"{\"app\":\"a\",\"config\":{\"init\":{\"exec\":[\"/x\"]}}}", "exec"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job job = job_of(rows[i].fly);
		struct buf notes = {0};
		json_t *body = body_of(&job, true, &notes);
		const json_t *config = json_object_get(body, "config");
		const json_t *list = json_object_get(json_object_get(config, "init"), rows[i].key);

		assert_int_equal(3, json_array_size(list));
		assert_string_equal("--dryRun", json_string_value(json_array_get(list, 2)));
		assert_string_equal("job", json_string_value(json_object_get(
						   json_object_get(config, "env"), "A")));
		assert_string_equal("belfry-send-reminders-0000100000000-2",
				    json_string_value(json_object_get(body, "name")));
		assert_int_equal(0, notes.length);
		json_decref(body);
		buf_finish(&notes);
	}
}

static void specs(void **state)
{
	static const struct {
		const char *fly;
		size_t regions;
		bool is_good, is_current;
	} rows[] = {
		{"{\"app\":\"a\",\"image\":\"current\",\"region\":\"cdg, ams,,lhr \"}", 3, true,
		 true},
		{"{\"app\":\"a\",\"config\":{\"image\":\"x\"}}", 0, true, false},
		{"{\"app\":\"a\",\"region\":\"\",\"image\":\"x\"}", 0, true, false},
		{"{\"app\":\"a\"}", 0, false, false},
		{"{\"app\":\"\",\"image\":\"x\"}", 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job job = job_of(rows[i].fly);
		struct arena arena = {0};
		struct fly_spec spec;
		struct err err;

		assert_int_equal(rows[i].is_good, fly_spec_read(&job, &arena, &spec, &err));
		assert_int_equal(rows[i].regions, spec.region_count);
		assert_int_equal(rows[i].is_current, fly_spec_is_current(&spec));
		arena_finish(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens),
		cmocka_unit_test(phases),
		cmocka_unit_test(exits),
		cmocka_unit_test(errors),
		cmocka_unit_test(command_goes_where_it_counts),
		cmocka_unit_test(specs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
