/* test_pieces.c - tests of src/import: the small translators, each by a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crontab_line.h"
#include "state_db.h"
#include "systemd.h"

static void test_time_spans(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: none */
	} rows[] = {
		{"90", 90000},
		{"5min 20s", 320000},
		{"5min20s", 320000},
		{"1h", 3600000},
		{"1.5h", 5400000},
		{"2 hours", 7200000},
		{"300ms20s 5day", 300 + 20000 + 5 * 86400000},
		{"1w", 604800000},
		{"1y 12month", 31557600000 + 12 * INT64_C(2629800000)},
		{"55s500ms", 55500},
		{"infinity", INT64_MAX},
		{"", -1},
		{"soon", -1},
		{"5 apples", -1},
		{"1e3", -1},
		{"-5s", -1},
		{"999999999999y", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = -1;

		if (!time_span_parse(rows[i].text, &ms))
			ms = -1;
		if (ms != rows[i].ms)
			fail_msg("%s: %lld, not %lld", rows[i].text, (long long)ms,
				 (long long)rows[i].ms);
	}
}

static void test_calendar_specs(void **state)
{
	static const struct {
		const char *text, *expression, *zone;
	} rows[] = {
		{"minutely", "* * * * *", NULL},
		{"Hourly", "0 * * * *", NULL},
		{"daily Europe/Paris", "0 0 * * *", "Europe/Paris"},
		{"weekly", "0 0 * * MON", NULL},
		{"quarterly", "0 0 1 1,4,7,10 *", NULL},
		{"Mon", "0 0 * * MON", NULL},
		{"Mon..Fri 10:30", "30 10 * * MON-FRI", NULL},
		{"monday,Thu..sat 10:00", "0 10 * * MON,THU-SAT", NULL},
		{"Sat-Sun 10:00", "0 10 * * SAT,SUN", NULL},
		{"Mon..Sun 10:00", "0 10 * * *", NULL},
		{"Fri *-*-13", "0 0 13 * +FRI", NULL},
		{"*-*-* 04:05:06", "6 5 4 * * *", NULL},
		{"*:0/15", "*/15 * * * *", NULL},
		{"*:5/15", "5/15 * * * *", NULL},
		{"*:*:0/10", "*/10 * * * * *", NULL},
		{"0/2:00", "0 */2 * * *", NULL},
		{"8..18/2:00,30", "0,30 8-18/2 * * *", NULL},
		{"*-1/3-1", "0 0 1 */3 *", NULL},
		{"2/3-1", "0 0 1 2/3 *", NULL},
		{"*-*-1,15 06:00 UTC", "0 6 1,15 * *", "UTC"},
		{"*-*~01", "0 0 L * *", NULL},
		{"*-02~03", "0 0 L-2 2 *", NULL},
		{"Mon *-05~07/1", "0 0 L-6,L-5,L-4,L-3,L-2,L-1,L 5 +MON", NULL},
		{"*-*~1..3", "0 0 L-2,L-1,L * *", NULL},
		{"2027-12-24 18:00", "0 0 18 24 12 * 2027", NULL},
		{"2027..2030/1-2-3", "0 0 0 3 2 * 2027-2030", NULL},
		{"27-2-3", "0 0 0 3 2 * 2027", NULL},
		{"@1800000000", "0 0 8 15 1 * 2027", "UTC"},
		{"10:00:00.5", "0 10 * * *", NULL},
		{"*:0/90", NULL, NULL},
		{"", NULL, NULL},
		{"10", NULL, NULL},
		{"24:00", NULL, NULL},
		{"22..2:00", NULL, NULL},
		{"Funday 10:00", NULL, NULL},
		{"Sat..Mon 10:00", NULL, NULL},
		{"*-13-1", NULL, NULL},
		{"1-2-3-4", NULL, NULL},
		{"*:0/0", NULL, NULL},
		{"*-*-* 10:00 garbage 5", NULL, NULL},
		{"10:00,", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct calendar_spec_error error = {0};
		struct calendar_spec spec;
		struct arena arena = {0};
		bool ok = calendar_spec_parse(&arena, rows[i].text, &spec, &error);

		if (strcmp(rows[i].text, "*:0/90") == 0) {
			/* systemd refuses it; here the step leaves only the first value. */
			assert_true(ok);
			assert_string_equal(spec.expression, "0 * * * *");
		} else if (!rows[i].expression) {
			if (ok || error.column == 0 || !error.message)
				fail_msg("'%s' is taken: %s", rows[i].text, spec.expression);
		} else {
			if (!ok)
				fail_msg("'%s': column %zu: %s", rows[i].text, error.column,
					 error.message);
			assert_string_equal(spec.expression, rows[i].expression);
			assert_int_equal(spec.zone == NULL, rows[i].zone == NULL);
			if (spec.zone)
				assert_string_equal(spec.zone, rows[i].zone);
		}
		arena_finish(&arena);
	}
}

static void test_calendars_are_joined(void **state)
{
	static const struct {
		const char *a, *b, *both; /* NULL: it takes two */
	} rows[] = {
		{"0 7 * * *", "0 19 * * *", "0 7,19 * * *"},
		{"0 7 * * MON-FRI", "0 7 * * SUN", "0 7 * * MON-FRI,SUN"},
		{"5 4 L * *", "5 4 1,15 * *", "5 4 L,1,15 * *"},
		{"0 7 * * *", "0 7 * * *", "0 7 * * *"},
		{"0 7 * * *", "30 19 * * *", NULL},
		{"0 7 * * *", "0 * * * *", NULL},
		{"0 7 * * *", "0 7 * * MON", NULL},
		{"0 7 1 * +MON", "0 7 1 * +TUE", NULL},
		{"0 7 * * *", "30 0 7 * * *", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		const char *both = calendar_spec_join(&arena, rows[i].a, rows[i].b);

		assert_int_equal(both == NULL, rows[i].both == NULL);
		if (both)
			assert_string_equal(both, rows[i].both);
		arena_finish(&arena);
	}
}

static void test_percent_signs(void **state)
{
	static const struct {
		const char *text, *command, *input;
	} rows[] = {
		{"date", "date", NULL},
		{"date +\\%F", "date +%F", NULL},
		{"mail x%Hello%%bye", "mail x", "Hello\n\nbye\n"},
		{"cat%a\\%b%", "cat", "a%b\n"},
		{"cat%", "cat", ""},
		{"echo a\\b \\\\% c", "echo a\\b \\% c", NULL},
		{"tail\\", "tail\\", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		const char *command, *input;

		line_percent(&arena, rows[i].text, &command, &input);
		assert_string_equal(command, rows[i].command);
		assert_int_equal(input == NULL, rows[i].input == NULL);
		if (input)
			assert_string_equal(input, rows[i].input);
		arena_finish(&arena);
	}
}

/* A line of the input that is the mark itself does not end it. */
static void test_input_marks(void **state)
{
	struct arena arena = {0};

	(void)state;
	assert_string_equal(line_with_input(&arena, "cat", "a\n"), "{\ncat\n} <<'EOF'\na\nEOF");
	assert_string_equal(line_with_input(&arena, "cat", "\nEOF\nEOF_1\n"),
			    "{\ncat\n} <<'EOF_2'\n\nEOF\nEOF_1\nEOF_2");
	assert_string_equal(line_with_input(&arena, "cat", "EOFs\n"),
			    "{\ncat\n} <<'EOF'\nEOFs\nEOF");
	arena_finish(&arena);
}

static void test_names_of_commands(void **state)
{
	static const struct {
		const char *command, *name;
	} rows[] = {
		{"/usr/local/bin/backup.sh --full", "backup"},
		{"cd /srv/app && node scripts/send-mails.mjs", "send-mails"},
		{"A=1 B=2 /usr/bin/python3.11 -u /opt/job.py", "job"},
		{"sudo -u deploy nice -n 19 /opt/bin/tidy", "tidy"},
		{"flock -n /var/lock/x.lock timeout 10m /opt/bin/long", "long"},
		{"bash -lc 'cd /x && bundle exec rake orders:close'", "rake-orders:close"},
		{"/usr/bin/php /srv/artisan schedule:run >> /dev/null", "artisan-schedule:run"},
		{"[ -x /usr/sbin/x ] && /usr/sbin/x", "x"},
		{"perl -e 'sleep rand 10' && certbot -q renew", "certbot-renew"},
		{"python3 -m shop.rates", "shop.rates"},
		{"echo done", "echo"},
		{"test -e /run/reboot-required", "test"},
		{"", "job"},
		{"'", "job"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};

		assert_string_equal(name_of_command(&arena, rows[i].command), rows[i].name);
		arena_finish(&arena);
	}
}

static void test_names_are_unique(void **state)
{
	struct arena arena = {0};
	struct names *names = names_create(&arena);

	(void)state;
	assert_string_equal(names_take(names, &arena, "Send Mails!"), "send-mails");
	assert_string_equal(names_take(names, &arena, "send/mails"), "send-mails-2");
	assert_string_equal(names_take(names, &arena, "send-mails-3"), "send-mails-3");
	assert_string_equal(names_take(names, &arena, "send-mails"), "send-mails-4");
	assert_string_equal(names_take(names, &arena, "///"), "job");
	assert_string_equal(names_take_as(names, &arena, "Send Mails!"), "Send Mails!");
	assert_string_equal(names_take_as(names, &arena, "Send Mails!"), "send-mails-5");
	assert_string_equal(names_take_as(names, &arena, "a/b"), "a-b");
	arena_finish(&arena);
}

static void assert_command(const char *line, const char *shell, const char *json)
{
	struct arena arena = {0};
	const struct exec_context context = {.arena = &arena, .unit = "web@two.service"};
	struct exec_command *commands;
	struct exec_problem problem;
	struct buf out = {0};
	size_t count;

	assert_true(exec_parse(&context, line, &commands, &count, &problem));
	exec_add_shell(&out, &commands[0]);
	assert_string_equal(buf_string(&out), shell);
	if (json) {
		buf_clear(&out);
		exec_add_json(&arena, &out, &commands[0]);
		assert_string_equal(buf_string(&out), json);
	}
	buf_finish(&out);
	arena_finish(&arena);
}

static void test_command_lines(void **state)
{
	(void)state;
	assert_command("/bin/a  b \"c d\"", "/bin/a b 'c d'", "[\"/bin/a\",\"b\",\"c d\"]");
	assert_command("-/bin/a 'it''s' x'y z'", "/bin/a its 'xy z'", NULL);
	assert_command("@/bin/a argv0 b", "/bin/a b", "[\"/bin/a\",\"b\"]");
	assert_command("/bin/a ${X}/y $Z $$HOME a$Z", "/bin/a \"${X}/y\" $Z '$HOME' 'a$Z'", NULL);
	assert_command(":/bin/a ${X} $Z", "/bin/a '${X}' '$Z'", "[\"/bin/a\",\"$${X}\",\"$Z\"]");
	assert_command("/bin/a %i %p %n %N %% %t", "/bin/a two web web@two.service web@two % /run",
		       NULL);
	assert_command("/bin/a \\x41\\tb \"\\\"\" \\s", "/bin/a 'A\tb' '\"' ' '", NULL);
	assert_command("/bin/a \"it's\" ''", "/bin/a 'it'\\''s' ''", NULL);
}

static void test_bad_command_lines(void **state)
{
	static const struct {
		const char *line;
		size_t column;
	} rows[] = {
		{"/bin/a \"open", 8}, {"/bin/a \\q", 8}, {"/bin/a %H", 1}, {"-", 1}, {" ; ", 1}};
	struct arena arena = {0};
	const struct exec_context context = {.arena = &arena, .unit = "a.service"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct exec_command *commands;
		struct exec_problem problem = {0};
		size_t count;

		assert_false(exec_parse(&context, rows[i].line, &commands, &count, &problem));
		assert_non_null(problem.message);
		assert_int_equal(problem.column, rows[i].column);
	}
	arena_finish(&arena);
}

static void test_times_of_databases(void **state)
{
	static const struct {
		const char *text, *utc; /* NULL: none */
	} rows[] = {
		{"2024-04-15 11:00:11", "2024-04-15T11:00:11Z"},
		{"2024-04-15 11:00:11.123456789+00:00", "2024-04-15T11:00:11.123Z"},
		{"2024-04-15T11:00:11Z", "2024-04-15T11:00:11Z"},
		{"2024-04-15 11:00:11.5 +0200 CEST m=+0.1", "2024-04-15T09:00:11.500Z"},
		{"2024-04-15 11:00:11-05:30", "2024-04-15T16:30:11Z"},
		{"2024-04-15", NULL},
		{"yesterday, about midnight", NULL},
		{NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[UTC_TEXT_MAX];
		struct utc time;
		bool ok = state_db_time(rows[i].text, &time);

		assert_int_equal(ok, rows[i].utc != NULL);
		if (ok)
			assert_string_equal(utc_format(time, text), rows[i].utc);
	}
}

static void test_kinds_are_recognised(void **state)
{
	static const struct {
		const char *path, *text;
		enum import_kind kind;
	} rows[] = {
		{"x", "0 5 * * * /bin/a\n", IMPORT_CRONTAB},
		{"x", "", IMPORT_CRONTAB},
		{"/etc/crontab", "0 5 * * * own /bin/a\n", IMPORT_SYSTEM_CRONTAB},
		{"/etc/cron.d/x", "0 5 * * * own /bin/a\n", IMPORT_SYSTEM_CRONTAB},
		{"x", "A=b\n0 5 * * * root /bin/a\n@daily own /bin/b\n", IMPORT_SYSTEM_CRONTAB},
		{"x", "0 5 * * * root /bin/a\n0 6 * * * /bin/b c\n", IMPORT_CRONTAB},
		{"x", "*/5 * * * * * * /bin/a\n", IMPORT_SUPERCRONIC},
		{"x", "0 5 1 1 * 2030 /bin/a\n", IMPORT_SUPERCRONIC},
		{"a.timer", "", IMPORT_SYSTEMD},
		{"-", "# c\n[Timer]\nOnCalendar=daily\n", IMPORT_SYSTEMD},
		{"x", " [\n]", IMPORT_CRON_MANAGER},
		{"x", "{\"name\": \"a\"}", IMPORT_CRON_MANAGER},
		{"x", "{\"apiVersion\": \"batch/v1\"}", IMPORT_KUBERNETES},
		{"x", "---\napiVersion: batch/v1\n", IMPORT_KUBERNETES},
		{"x.yml", "a: b\n", IMPORT_KUBERNETES},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import_source source = {rows[i].path, rows[i].text, strlen(rows[i].text)};

		if (import_recognise(&source) != rows[i].kind)
			fail_msg("row %zu: %s", i, import_kind_word(import_recognise(&source)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_spans),
		cmocka_unit_test(test_calendar_specs),
		cmocka_unit_test(test_calendars_are_joined),
		cmocka_unit_test(test_percent_signs),
		cmocka_unit_test(test_input_marks),
		cmocka_unit_test(test_names_of_commands),
		cmocka_unit_test(test_names_are_unique),
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_bad_command_lines),
		cmocka_unit_test(test_times_of_databases),
		cmocka_unit_test(test_kinds_are_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
