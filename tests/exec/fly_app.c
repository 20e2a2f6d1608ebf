/* fly_app.c - what is read of an app on Fly, and whether it is up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fly_verdict.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct utc now = {INT64_C(1000000000)};

static struct fly_app parse(struct arena *arena, const char *machines)
{
	const char *text = arena_format(arena, "[%s]", machines);
	struct fly_app app;

	assert_true(fly_app_parse(text, strlen(text), now, arena, &app));
	return app;
}

/* Events, so many seconds ago; newest first. */
#define EXIT(ms, rest)                                                                             \
	"{\"type\":\"exit\",\"request\":{\"exit_event\":{\"exited_at\":" ms "," rest "}}}"
#define START(ms) "{\"type\":\"start\",\"timestamp\":" ms "}"
#define LAUNCH    "{\"type\":\"launch\",\"timestamp\":999000000}"
#define UPDATE    "{\"type\":\"update\",\"timestamp\":999000000}"
#define AGO_1     "999999000"
#define AGO_5     "999995000"
#define AGO_100   "999900000"
#define AGO_200   "999800000"
#define AGO_HOUR  "996400000"
#define CODE(n)   "\"exit_code\":" n
#define ASKED     "\"exit_code\":9,\"requested_stop\":true"

static void ends(void **state)
{
	static const struct {
		const char *state, *events;
		int exits;
		enum fly_verdict verdict;
	} rows[] = {
		{"started", START(AGO_1), 0, FLY_UP},
		/* one end is none too many, as long as it is started again */
		{"started", START(AGO_1) "," EXIT(AGO_5, CODE("7")), 1, FLY_UP},
		{"restarting", EXIT(AGO_1, CODE("7")), 1, FLY_STARTING},
		{"started", START(AGO_1) "," EXIT(AGO_1, CODE("7")) "," EXIT(AGO_5, CODE("7")), 2,
		 FLY_CRASH_LOOP},
		{"restarting", EXIT(AGO_1, CODE("0")) "," EXIT(AGO_5, CODE("0")), 2,
		 FLY_CRASH_LOOP},
		/* it has run for long enough since, and not yet */
		{"started", EXIT(AGO_100, CODE("7")) "," EXIT(AGO_100, CODE("7")), 1, FLY_UP},
		{"started", EXIT(AGO_100, CODE("7")) "," EXIT("999899000", CODE("7")), 2, FLY_UP},
		{"started", EXIT(AGO_100, CODE("7")) "," EXIT(AGO_200, CODE("7")), 2,
		 FLY_CRASH_LOOP},
		/* long ago, of another version, or asked for */
		{"started", EXIT(AGO_HOUR, CODE("7")) "," EXIT(AGO_HOUR, CODE("7")), 0, FLY_UP},
		{"started", START(AGO_1) "," UPDATE "," EXIT(AGO_5, CODE("7")), 0, FLY_UP},
		{"started", EXIT(AGO_1, ASKED) "," EXIT(AGO_5, CODE("7")), 0, FLY_UP},
		{"stopped", EXIT(AGO_1, ASKED) "," EXIT(AGO_5, CODE("7")), 0, FLY_STOPPED},
		/* the list does not hold all */
		{"started",
		 "{\"type\":\"exit\",\"timestamp\":999999000,\"request\":{\"restart_count\":6,"
		 "\"exit_event\":{\"exit_code\":1}}}",
		 6, FLY_CRASH_LOOP},
		{"stopped", EXIT(AGO_HOUR, CODE("7")) "," LAUNCH, 0, FLY_CRASHED},
		{"failed", EXIT(AGO_HOUR, CODE("7")), 0, FLY_CRASHED},
		{"stopped", EXIT(AGO_1, CODE("0")), 1, FLY_STOPPED},
		{"stopped", EXIT(AGO_1, "\"guest_signal\":9"), 1, FLY_CRASHED},
		{"stopped", EXIT(AGO_1, "\"oom_killed\":true"), 1, FLY_CRASHED},
		{"failed", "", 0, FLY_START_FAILED},
		{"launch_failed", "", 0, FLY_START_FAILED},
		{"stopped", "", 0, FLY_STOPPED},
		{"suspended", "", 0, FLY_STOPPED},
		{"starting", START(AGO_1), 0, FLY_STARTING},
		{"stopping", START(AGO_HOUR), 0, FLY_STUCK},
		{"never_heard_of", "", 0, FLY_STARTING},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena = {0};
		struct fly_app app = parse(
			&arena,
			arena_format(&arena, "{\"id\":\"a\",\"state\":\"%s\",\"events\":[%s]}",
				     rows[i].state, rows[i].events));
		const struct fly_instance *worst;

		assert_int_equal(1, app.count);
		if (rows[i].exits != app.instances[0].exits ||
		    rows[i].verdict != fly_app_judge(&app, now, &worst))
			fail_msg("row %zu: %d exits, %s", i, app.instances[0].exits,
				 fly_verdict_word(fly_app_judge(&app, now, &worst)));
		arena_finish(&arena);
	}
}

#define MACHINE(state, config, rest)                                                               \
	"{\"id\":\"a\",\"state\":\"" state "\",\"config\":{" config "}" rest "}"
#define SERVICE     "\"services\":[{\"internal_port\":3000}]"
#define NO_START    "\"services\":[{\"internal_port\":3000,\"autostart\":false}]"
#define CHECKS(...) ",\"checks\":[" __VA_ARGS__ "]"
#define GROUP(name) "\"metadata\":{\"fly_process_group\":\"" name "\"}"

static void machines(void **state)
{
	static const struct {
		const char *list;
		size_t count;
		enum fly_verdict verdict;
	} rows[] = {
		{"", 0, FLY_NO_MACHINE},
		{"1,null,{},[]", 0, FLY_NO_MACHINE},
		{MACHINE("destroyed", "", ""), 0, FLY_NO_MACHINE},
		{MACHINE("started", "\"metadata\":{\"belfry_home\":\"h\"}", ""), 0, FLY_NO_MACHINE},
		{MACHINE("started", GROUP("fly_app_console"), ""), 0, FLY_NO_MACHINE},
		{MACHINE("started", "", ",\"host_status\":\"unreachable\""), 1,
		 FLY_HOST_UNREACHABLE},
		{MACHINE("stopped", SERVICE, ""), 1, FLY_ASLEEP},
		{MACHINE("stopped", NO_START, ""), 1, FLY_STOPPED},
		{MACHINE("stopped", "\"schedule\":\"daily\"", ""), 1, FLY_IDLE},
		{MACHINE("stopped", "\"standbys\":[\"b\"]", ""), 1, FLY_IDLE},
		{MACHINE("stopped", GROUP("w"), "") "," MACHINE("started", GROUP("w"), ""), 2,
		 FLY_UP},
		{MACHINE("stopped", GROUP("w"), "") "," MACHINE("started", GROUP("app"), ""), 2,
		 FLY_STOPPED},
		{MACHINE("stopped", SERVICE, "") "," MACHINE("started", "", ""), 2, FLY_UP},
		{MACHINE("started", "", CHECKS("{\"name\":\"x\",\"status\":\"passing\"}")), 1,
		 FLY_UP},
		{MACHINE("started", "", CHECKS("{\"name\":\"x\",\"status\":\"warning\"}")), 1,
		 FLY_CHECK_FAILING},
		{MACHINE("started", "", CHECKS("{\"status\":\"critical\"},1")), 1,
		 FLY_CHECK_FAILING},
		/* who listens is not known */
		{MACHINE("started", SERVICE, ""), 1, FLY_UP},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena = {0};
		struct fly_app app = parse(&arena, rows[i].list);
		const struct fly_instance *worst;
		enum fly_verdict verdict = fly_app_judge(&app, now, &worst);

		if (rows[i].count != app.count || rows[i].verdict != verdict)
			fail_msg("row %zu: %zu Machines, %s", i, app.count,
				 fly_verdict_word(verdict));
		arena_finish(&arena);
	}
}

static void listening(void **state)
{
#define ROW(command, proto, address)                                                               \
	"{\"command\":\"" command "\",\"listen_sockets\":[{\"proto\":\"" proto                     \
	"\",\"address\":\"" address "\"}]}"
	static const struct {
		const char *config, *rest, *processes;
		bool is_deaf;
	} rows[] = {
		{SERVICE, "", "[" ROW("node", "tcp", "0.0.0.0:3000") "]", false},
		{SERVICE, "", "[" ROW("node", "tcp6", "[::]:3000") "]", false},
		{SERVICE, "", "[" ROW("node", "tcp", "127.0.0.1:3000") "]", true},
		{SERVICE, "", "[" ROW("node", "tcp", "[::1]:3000") "]", true},
		{SERVICE, "",
		 "[" ROW("node", "tcp", "127.0.0.1:3000") "," ROW("node", "tcp",
								  "10.0.0.2:3000") "]",
		 false},
		{SERVICE, "", "[" ROW("node", "tcp", "0.0.0.0:30000") "]", true},
		{SERVICE, "", "[" ROW("node", "udp", "0.0.0.0:3000") "]", true},
		{SERVICE, "", "[" ROW("/.fly/hallpass", "tcp", "0.0.0.0:3000") "]", true},
		{SERVICE, "", "[{}]", true},
		/* nothing is told, or nothing is served */
		{SERVICE, "", "[]", false},
		{SERVICE, "", "{}", false},
		{SERVICE, "", "", false},
		{"", "", "[{}]", false},
		{"\"services\":[{\"internal_port\":53,\"protocol\":\"udp\"}]", "", "[{}]", false},
		{"\"services\":[{\"internal_port\":99999}]", "", "[{}]", false},
		/* a check of that port that passes knows better */
		{SERVICE, CHECKS("{\"name\":\"servicecheck-00-tcp-3000\",\"status\":\"passing\"}"),
		 "[{}]", false},
		{SERVICE, CHECKS("{\"name\":\"servicecheck-00-tcp-3001\",\"status\":\"passing\"}"),
		 "[{}]", true},
		{SERVICE, CHECKS("{\"name\":\"servicecheck-00-tcp-3000\",\"status\":\"critical\"}"),
		 "[{}]", true},
		{SERVICE ",\"checks\":{\"x\":{\"port\":3000}}",
		 CHECKS("{\"name\":\"x\",\"status\":\"passing\"}"), "[{}]", false},
		{SERVICE ",\"checks\":{\"x\":{\"port\":9000}}",
		 CHECKS("{\"name\":\"x\",\"status\":\"passing\"}"), "[{}]", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena = {0};
		struct fly_app app =
			parse(&arena,
			      arena_format(&arena,
					   "{\"id\":\"a\",\"state\":\"started\",\"config\":{%s}%s}",
					   rows[i].config, rows[i].rest));

		fly_listeners_parse(rows[i].processes, strlen(rows[i].processes), &arena,
				    &app.instances[0]);
		if (rows[i].is_deaf != (fly_deaf_service(&app.instances[0]) != NULL))
			fail_msg("row %zu", i);
		arena_finish(&arena);
	}
}

static void refusals(void **state)
{
	static const char *const rows[][2] = {
		{"[PC01] instance refused connection. is your app listening on 0.0.0.0:3000? make "
		 "sure it is not only listening on 127.0.0.1 (hint: look at your startup logs)",
		 "0.0.0.0:3000"},
		{"[PR03] could not find a good candidate within 1 attempts at load balancing. last "
		 "error: [PC01] instance refused connection. is your app listening on "
		 "0.0.0.0:80?",
		 "0.0.0.0:80"},
		{"instance refused connection. is your app listening on [::]:8080?", "[::]:8080"},
		{"WARNING The app is not listening on the expected address and will not be "
		 "reachable by fly-proxy.\nYou can fix this by configuring your app to listen on "
		 "the following addresses:\n  - 0.0.0.0:8080\n",
		 "0.0.0.0:8080"},
		{"WARNING The app is not listening on the expected address and will not be "
		 "reachable by fly-proxy.",
		 ""},
		{"instance refused connection", ""},
		{"is your app listening on port 3000?", ""},
		{"Server listening on 0.0.0.0:3000", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena = {0};
		const char *address = fly_refusal(rows[i][0], &arena);

		if (!rows[i][1])
			assert_null(address);
		else
			assert_string_equal(rows[i][1], address);
		arena_finish(&arena);
	}
}

/* Of the log only what is of this Machine, of Fly, lately, since the start. */
static void lines(void **state)
{
#define LINE(time, instance, provider, port)                                                       \
	"{\"attributes\":{\"timestamp\":\"1970-01-12T13:" time "Z\",\"instance\":\"" instance      \
	"\",\"message\":\"instance refused connection. is your app listening on 0.0.0.0:" port     \
	"?\",\"meta\":{\"event\":{\"provider\":\"" provider "\"}}}}"
	static const struct {
		const char *line;
		bool is_deaf;
	} rows[] = {
		{LINE("46:39", "a", "proxy", "3000"), true}, /* a second ago */
		{LINE("46:39", "b", "proxy", "3000"), false},
		{LINE("46:39", "a", "app", "3000"), false},
		{LINE("46:39", "a", "proxy", "4000"), false},
		{LINE("44:00", "a", "proxy", "3000"), false}, /* before the start */
		{LINE("46:39", "a", "proxy", ""), true},
		{"{}", false},
		{"1", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena = {0};
		struct fly_app app = parse(
			&arena, MACHINE("started", SERVICE, ",\"events\":[" START(AGO_100) "]"));
		const char *text = arena_format(&arena, "{\"data\":[%s]}", rows[i].line);

		assert_true(fly_refusals_parse(text, strlen(text), now, &arena, &app));
		if (rows[i].is_deaf != (fly_deaf_service(&app.instances[0]) != NULL))
			fail_msg("row %zu", i);
		arena_finish(&arena);
	}
}

static void addresses(void **state)
{
	(void)state;
	assert_int_equal(3000, fly_address_port("127.0.0.1:3000"));
	assert_int_equal(80, fly_address_port("[::]:80"));
	assert_int_equal(0, fly_address_port("localhost"));
	assert_int_equal(0, fly_address_port("a:99999999999999999999"));
	assert_true(fly_address_is_loopback("127.0.0.53:53"));
	assert_true(fly_address_is_loopback("[::1]:80"));
	assert_false(fly_address_is_loopback("0.0.0.0:80"));
	assert_false(fly_address_is_loopback("[::]:80"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),     cmocka_unit_test(machines), cmocka_unit_test(listening),
		cmocka_unit_test(refusals), cmocka_unit_test(lines),    cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
