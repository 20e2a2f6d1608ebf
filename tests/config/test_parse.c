/* test_parse.c - what comes out of good files: values, defaults, hashes, changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "argv.h"
#include "config.h"
#include "keys.h"
#include "str.h"
#include "world.h"
#include "zoneinfo.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define JOB(members)                                                                               \
	"{\"jobs\":[{\"name\":\"a\",\"schedule\":\"0 9 * * *\",\"command\":[\"true\"]" members "}" \
	"]"                                                                                        \
	"}"

static struct zoneinfo *zones;

static struct config *parse_length(const char *text, size_t length, struct findings *findings)
{
	struct config_world world = stub_world(zoneinfo_source(zones));

	return config_parse(text, length, &world, findings);
}

/* A text that must be right. */
static struct config *parse(const char *text)
{
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};
	struct config *config = parse_length(text, strlen(text), &findings);

	if (!config)
		fail_msg("%s: %s", text, findings.items[0].message);
	arena_finish(&arena);
	return config;
}

static void assert_texts(const struct text_list *list, const char *const *texts, size_t count)
{
	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(list->items[i], texts[i]);
	if (list->items)
		assert_null(list->items[count]);
}

static void defaults_are_those_of_the_table(void **state)
{
	struct config *config = parse(JOB(""));
	const struct job *job = &config->jobs[0];

	(void)state;
	assert_string_equal(config->timezone, "UTC");
	assert_false(config->is_cron_manager);
	assert_string_equal(job->timezone, "UTC");
	assert_true(job->enabled);
	assert_int_equal(job->timeout_ms, 0);
	assert_int_equal(job->grace_ms, 10000);
	assert_int_equal(job->retry.attempts, 1);
	assert_int_equal(job->retry.backoff_ms, 10000);
	assert_int_equal(job->retry.max_backoff_ms, 3600000);
	assert_int_equal(job->retry.on, 1u << OUTCOME_FAILED | 1u << OUTCOME_TIMED_OUT);
	assert_int_equal(job->overlap, OVERLAP_FORBID);
	assert_int_equal(job->catchup, CATCHUP_ONCE);
	assert_int_equal(job->catchup_window_ms, 3600000);
	assert_int_equal(job->keep.age_ms, INT64_C(90) * 86400000);
	assert_int_equal(job->keep.runs, 1000);
	assert_int_equal(job->process.umask, -1);
	assert_int_equal(job->process.limits.memory, -1);
	assert_int_equal(job->process.limits.cpu_s, -1);
	assert_int_equal(job->process.limits.cpus_milli, -1);
	assert_false(job->process.no_new_privs);
	assert_int_equal(job->executor, EXECUTOR_PROCESS);
	assert_null(job->process.cwd);
	assert_null(job->alert_json);
	config_destroy(config);
}

static char *read_good(const char *name, size_t *length)
{
	char path[512], *text;
	struct err err;

	snprintf(path, sizeof(path), "%s/good/%s.json", TEST_CONFIG, name);
	if (!config_read(path, &text, length, &err))
		fail_msg("%s", err.text);
	return text;
}

static void check_process(const struct job *job)
{
	static const char *const argv[] = {"/opt/bin/run", "--token", SECRET};
	static const char *const shown[] = {"${BIN}/run", "--token", "${SECRET}"};
	static const char *const tags[] = {"mail", "web"}, *const dry_run[] = {"--dryRun"};

	assert_texts(&job->argv, argv, 3);
	assert_texts(&job->argv_shown, shown, 3);
	assert_texts(&job->tags, tags, 2);
	assert_texts(&job->dry_run, dry_run, 1);
	assert_string_equal(job->process.cwd, "/tmp");
	assert_string_equal(job->process.user, "nobody");
	assert_int_equal(job->process.umask, 027);
	assert_int_equal(job->process.limits.open_files, 64);
	assert_int_equal(job->process.limits.processes, 10);
	assert_int_equal(job->process.limits.file_size, 1 << 30);
	assert_int_equal(job->process.limits.memory, 512 << 20);
	assert_int_equal(job->process.limits.cpu_s, 600);
	assert_int_equal(job->process.limits.core, 0);
	assert_int_equal(job->process.limits.cpus_milli, 1500);
	assert_true(job->process.no_new_privs);
}

static void check_policies(const struct job *job)
{
	assert_string_equal(job->description, "each key once");
	assert_string_equal(job->schedule_text, "0 9 * * *");
	assert_string_equal(job->timezone, "America/New_York");
	assert_int_equal(schedule_jitter_max_ms(job->schedule), 300000);
	assert_int_equal(job->timeout_ms, 5400000);
	assert_int_equal(job->grace_ms, 20000);
	assert_int_equal(job->retry.attempts, 2);
	assert_int_equal(job->retry.backoff_ms, 1000);
	assert_int_equal(job->retry.max_backoff_ms, 60000);
	assert_int_equal(job->retry.on, 1u << OUTCOME_FAILED | 1u << OUTCOME_TIMED_OUT |
						1u << OUTCOME_UNKNOWN | 1u << OUTCOME_PARTIAL);
	assert_int_equal(job->overlap, OVERLAP_QUEUE);
	assert_int_equal(job->catchup, CATCHUP_ALL);
	assert_int_equal(job->catchup_window_ms, 7200000);
	assert_int_equal(job->partial_codes.count, 2);
	assert_int_equal(job->partial_codes.items[1], 4);
	assert_string_equal(job->env_file, "/etc/x.env");
	assert_string_equal(job->alert_json, "{\"partial\":true}");
	assert_int_equal(job->keep.runs, 50);
}

/* Those of defaults and its own, by name; what came through ${} is marked. */
static void check_env(const struct job *job)
{
	static const struct env_var env[] = {
		{"LANG", "C", false},
		{"LITERAL", "${HOME}", false},
		{"PATH", "/opt/bin:/bin", true},
		{"TZ", "UTC", false},
	};

	assert_int_equal(job->env_count, COUNT(env));
	for (size_t i = 0; i < COUNT(env); i++) {
		assert_string_equal(job->env[i].name, env[i].name);
		assert_string_equal(job->env[i].value, env[i].value);
		assert_int_equal(job->env[i].from_environment, env[i].from_environment);
	}
}

static void check_other_jobs(const struct config *config)
{
	static const char *const shell[] = {"echo ${HOME} | wc -c"};
	static const char *const words[] = {"printf", "%s\\n", "two words", "a b"};
	const struct job *job = config_find(config, "shell");

	assert_string_equal(job->process.shell, "/bin/sh");
	assert_texts(&job->argv, shell, 1);
	assert_int_equal(job->timeout_ms, 300000);
	assert_texts(&config_find(config, "text")->argv, words, 4);
	assert_int_equal(config_find(config, "docker")->executor, EXECUTOR_DOCKER);
	job = config_find(config, "fly");
	assert_int_equal(job->executor, EXECUTOR_FLY);
	assert_non_null(strstr(job->remote.json, "\"config\":{\"anything\":[1,{\"x\":null}]}"));
	assert_string_equal(job->schedule_text, "{\"every\":\"week\",\"weekday\":[\"mon\",\"THU\"],"
						"\"time\":[\"09:00\",\"17:30\"]}");
	job = config_find(config, "http");
	assert_int_equal(job->executor, EXECUTOR_HTTP);
	/* What is carried out has the value itself, as env and command have. */
	assert_non_null(strstr(job->remote.json, "Bearer " SECRET));
	assert_null(strstr(job->remote.json, "${"));
	assert_true(schedule_is_reboot(config_find(config, "boot")->schedule));
	assert_int_equal(config_find(config, "once")->timeout_ms, 90000);
	assert_false(config_find(config, "duration")->enabled);
	assert_null(config_find(config, "nobody"));
}

static void every_key_arrives(void **state)
{
	size_t length;
	char *text = read_good("all-keys", &length);
	struct config *config = parse(text);

	(void)state;
	assert_int_equal(config->job_count, 11);
	assert_string_equal(config->timezone, "Europe/Paris");
	assert_int_equal(config->length, length);
	assert_memory_equal(config->text, text, length);
	check_process(&config->jobs[0]);
	check_policies(&config->jobs[0]);
	check_env(&config->jobs[0]);
	check_other_jobs(config);
	config_destroy(config);
	free(text);
}

static void defaults_are_merged_member_by_member(void **state)
{
	size_t length;
	char *text = read_good("defaults-behind-jobs", &length);
	struct config *config = parse(text);
	const struct job *job = &config->jobs[0];

	(void)state;
	assert_int_equal(job->retry.attempts, 2);
	assert_int_equal(job->retry.backoff_ms, 3000);
	assert_int_equal(job->overlap, OVERLAP_ALLOW);
	assert_string_equal(job->timezone, "Asia/Tokyo");
	config_destroy(config);
	free(text);
}

static void what_defaults_give_is_shared(void **state)
{
	struct config *config =
		parse("{\"defaults\":{\"env\":{\"A\":\"b\"},\"tags\":[\"x\"],\"cwd\":\"/srv\"},"
		      "\"jobs\":[{\"name\":\"a\",\"schedule\":\"@daily\",\"command\":\"true\"},"
		      "{\"name\":\"b\",\"schedule\":\"@daily\",\"command\":\"true\"}]}");
	const struct job *a = &config->jobs[0], *b = &config->jobs[1];

	(void)state;
	assert_ptr_equal(a->env, b->env);
	assert_ptr_equal(a->tags.items, b->tags.items);
	assert_ptr_equal(a->process.cwd, b->process.cwd);
	assert_ptr_equal(a->argv.items[0], b->argv.items[0]);
	assert_ptr_equal(a->argv.items, a->argv_shown.items);
	config_destroy(config);
}

static void paths_from_the_environment_are_shown_as_written(void **state)
{
	struct config *config = parse(
		"{\"defaults\":{\"env_file\":\"/${SECRET}\"},\"jobs\":[{\"name\":\"a\","
		"\"schedule\":\"@daily\",\"command\":\"true\",\"cwd\":\"${SECRET}/x\"},"
		"{\"name\":\"b\",\"schedule\":\"@daily\",\"command\":\"true\",\"cwd\":\"/y\"}]}");
	const struct job *a = &config->jobs[0], *b = &config->jobs[1];

	(void)state;
	assert_string_equal(a->process.cwd, SECRET "/x");
	assert_string_equal(a->process.cwd_shown, "${SECRET}/x");
	assert_string_equal(b->process.cwd_shown, "/y");
	assert_string_equal(b->env_file, "/" SECRET);
	assert_string_equal(a->env_file_shown, "/${SECRET}");
	assert_string_equal(b->env_file_shown, "/${SECRET}");
	config_destroy(config);
}

/* What belfry's own program is given; a URL from the environment is neither shown nor told. */
static void verify_becomes_a_command_of_belfry(void **state)
{
	static const char *const all[] = {"belfry",
					  "verify",
					  "--result",
					  "--expect-status=2xx",
					  "--expect-text=all is \"well\"",
					  "--within=1m",
					  "--",
					  "http://127.0.0.1:3000/health?deep=1"};
	static const char *const all_shown[] = {"belfry",
						"verify",
						"--expect-status=2xx",
						"--expect-text=all is \"well\"",
						"--within=1m",
						"http://127.0.0.1:3000/health?deep=1"};
	static const char *const secret[] = {"belfry",
					     "verify",
					     "--result",
					     "--as=https://app.example.org/?key=${SECRET}",
					     "--expect-status=204",
					     "--",
					     ("https://app.example.org/?key=" SECRET)};
	static const char *const secret_shown[] = {"belfry", "verify", "--expect-status=204",
						   "https://app.example.org/?key=${SECRET}"};
	static const char *const fly[] = {"belfry", "verify", "--result", "--fly=shop",
					  "--within=2m"};
	static const char *const fly_url[] = {"belfry",     "verify", "--result",
					      "--fly=shop", "--",     "https://shop.fly.dev"};
	size_t length;
	char *text = read_good("verify", &length);
	struct config *config = parse(text);
	const struct job *job = config_find(config, "all");

	(void)state;
	assert_int_equal(job->executor, EXECUTOR_PROCESS);
	assert_non_null(job->verify);
	assert_texts(&job->argv, all, COUNT(all));
	assert_texts(&job->argv_shown, all_shown, COUNT(all_shown));
	job = config_find(config, "secret");
	assert_texts(&job->argv, secret, COUNT(secret));
	assert_texts(&job->argv_shown, secret_shown, COUNT(secret_shown));
	assert_texts(&config_find(config, "fly")->argv, fly, COUNT(fly));
	assert_texts(&config_find(config, "fly-url")->argv, fly_url, COUNT(fly_url));
	for (size_t i = 0; i < config->job_count; i++) {
		assert_null(config->jobs[i].process.shell);
		assert_non_null(config->jobs[i].dry_run.items); /* it may always be run dry */
		assert_int_equal(config->jobs[i].dry_run.count, 0);
		assert_string_equal(config->jobs[i].process.cwd, "/");
	}
	config_destroy(config);
	free(text);
}

static void changes_of_verify_are_told_by_value(void **state)
{
	static const struct {
		const char *before, *after, *path, *was, *is; /* path NULL: no change */
	} rows[] = {
		{"\"verify\":{\"url\":\"http://a\"}",
		 "\"verify\":{\"url\":\"http://a\",\"expect_status\":200,\"within\":0}", NULL, NULL,
		 NULL},
		{"\"verify\":{\"url\":\"http://a\",\"within\":\"60s\"}",
		 "\"verify\":{\"within\":\"1m\",\"url\":\"http://a\"}", NULL, NULL, NULL},
		{"\"verify\":{\"url\":\"http://a\"}", "\"verify\":{\"url\":\"http://b\"}",
		 "verify.url", "\"http://a\"", "\"http://b\""},
		{"\"verify\":{\"url\":\"http://a\"}",
		 "\"verify\":{\"url\":\"http://a\",\"expect_status\":\"2xx\"}",
		 "verify.expect_status", "200", "\"2xx\""},
		{"\"verify\":{\"url\":\"http://a\"}",
		 "\"verify\":{\"url\":\"http://a\",\"expect_text\":\"ok\"}", "verify.expect_text",
		 NULL, "\"ok\""},
		{"\"verify\":{\"url\":\"http://a\",\"within\":\"1m\"}",
		 "\"verify\":{\"url\":\"http://a\"}", "verify.within", "\"1m\"", "\"0s\""},
		{"\"verify\":{\"url\":\"http://${SECRET}\"}",
		 "\"verify\":{\"url\":\"http://s3cret\"}", "verify.url", "\"http://(hidden)\"",
		 "\"http://s3cret\""},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena = {0};
		struct key_change *changes;

		snprintf(text, sizeof(text),
			 "{\"jobs\":[{\"name\":\"a\",\"schedule\":\"@daily\",%s}]}",
			 rows[i].before);
		struct config *before = parse(text);
		snprintf(text, sizeof(text),
			 "{\"jobs\":[{\"name\":\"a\",\"schedule\":\"@daily\",%s}]}", rows[i].after);
		struct config *after = parse(text);
		size_t count = config_differences(before, &before->jobs[0], after, &after->jobs[0],
						  &arena, &changes);
		assert_int_equal(before->jobs[0].hash == after->jobs[0].hash, !rows[i].path);
		assert_int_equal(count, rows[i].path ? 1 : 0);
		if (count) {
			assert_string_equal(changes[0].path, rows[i].path);
			assert_true(str_equal(changes[0].before, rows[i].was));
			assert_true(str_equal(changes[0].after, rows[i].is));
		}
		config_destroy(before);
		config_destroy(after);
		arena_finish(&arena);
	}
}

/* From a command to a verify: the command goes, the URL comes, defaults are no change. */
static void a_command_may_become_a_verify(void **state)
{
	struct config *before = parse(JOB("")),
		      *after = parse("{\"jobs\":[{\"name\":\"a\",\"schedule\":\"0 9 * * "
				     "*\",\"verify\":{\"url\":\"http://a\"}}]}");
	struct arena arena = {0};
	struct key_change *changes;

	(void)state;
	assert_int_equal(config_differences(before, &before->jobs[0], after, &after->jobs[0],
					    &arena, &changes),
			 2);
	assert_string_equal(changes[0].path, "command");
	assert_string_equal(changes[0].before, "[\"true\"]");
	assert_null(changes[0].after);
	assert_string_equal(changes[1].path, "verify.url");
	assert_null(changes[1].before);
	assert_string_equal(changes[1].after, "\"http://a\"");
	config_destroy(before);
	config_destroy(after);
	arena_finish(&arena);
}

static void cron_manager_is_read_as_fly(void **state)
{
	size_t length;
	char *text = read_good("cron-manager-example", &length);
	struct config *config = parse(text);
	static const char *const argv[] = {"sleep", "10"};
	const struct job *job = config_find(config, "uptime-check");

	(void)state;
	assert_true(config->is_cron_manager);
	assert_int_equal(job->executor, EXECUTOR_FLY);
	assert_true(job->enabled);
	assert_int_equal(job->timeout_ms, 30000);
	assert_texts(&job->argv, argv, 2);
	assert_ptr_equal(strstr(job->remote.json,
				"{\"cron_manager\":true,\"app\":\"my-pg\",\"region\":\"iad\","
				"\"config\":"
				"{\"metadata\":"),
			 job->remote.json);
	assert_int_equal(config_find(config, "storage-check")->timeout_ms, 60000);
	assert_false(config_find(config, "storage-check")->enabled);
	config_destroy(config);
	free(text);
}

static void empty_files_have_no_jobs(void **state)
{
	static const char *const texts[] = {"", " \n\t\r\n", "[]", "{\"jobs\":[]}"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct config *config = parse(texts[i]);
		assert_int_equal(config->job_count, 0);
		config_destroy(config);
	}
}

static void content_hash_is_sha256(void **state)
{
	struct config *config = parse("");

	(void)state;
	assert_string_equal(config_hash(config),
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	config_destroy(config);
}

/* A text that was let go is known again by its hash, and so are others. */
static void text_is_let_go(void **state)
{
	static const char text[] = JOB(""), other[] = JOB(",\"timeout\":\"1m\"");
	struct config *config = parse(text);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(config_is_of(config, text, strlen(text)));
		assert_false(config_is_of(config, other, strlen(other)));
		assert_false(config_is_of(config, text, strlen(text) - 1));
		config_forget_text(config);
		assert_null(config->text);
	}
	assert_string_equal(config->jobs[0].name, "a");
	config_destroy(config);
}

#define NAMED(name, more) "{\"name\":\"" name "\",\"command\":[\"true\"],\"schedule\":" more "}"

/* Shared where nothing but the expression and the zone decide; H goes by the name. */
static void equal_expressions_are_kept_once(void **state)
{
	static const char *const lines[] = {
		"{\"jobs\":[",
		NAMED("a", "\"0 9 * * *\"") ",",
		NAMED("b", "\"0 9 * * *\"") ",",
		NAMED("c", "\"0 9 * * *\",\"timezone\":\"Europe/Paris\"") ",",
		NAMED("d", "\"0 9 * * *\",\"jitter\":\"5m\"") ",",
		NAMED("e", "\"0 9 * * *\",\"end\":\"2199-01-01\"") ",",
		NAMED("f", "\"H 9 * * *\"") ",",
		NAMED("g", "\"H 9 * * *\"") ",",
		NAMED("h", "\"CRON_TZ=Europe/Paris 0 9 * * *\""),
		"]}",
	};
	char text[1024] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		strcat(text, lines[i]);
	struct config *config = parse(text);
	const struct job *jobs = config->jobs;
	assert_int_equal(config->job_count, 8);
	assert_ptr_equal(jobs[0].schedule, jobs[1].schedule);
	for (size_t i = 1; i < config->job_count; i++)
		for (size_t j = i + 1; j < config->job_count; j++)
			assert_ptr_not_equal(jobs[i].schedule, jobs[j].schedule);
	assert_true(jobs[0].schedule_hash != jobs[1].schedule_hash); /* of two jobs all the same */
	config_destroy(config);
}

/* Same job, written otherwise: the same hash. */
static void order_and_space_do_not_count(void **state)
{
	struct config *a = parse(
		"{\"jobs\":[{\"name\":\"a\",\"schedule\":{\"every\":\"day\",\"time\":\"09:00\"},"
		"\"fly\":{\"app\":\"x\",\"config\":{\"a\":1,\"b\":[1,2]}},\"env\":{\"A\":\"1\","
		"\"B\":\"2\"},\"timeout\":\"60s\"}]}");
	struct config *b = parse("{\"defaults\":{\"timeout\":60},\"jobs\":[ {\n"
				 "\"env\":{\"B\":\"2\",\"\\u0041\":\"1\"}, \"fly\": {\"config\": "
				 "{\"b\":[1, 2],\"a\":1},\"app\":\"x\"},\"name\":\"a\","
				 "\"schedule\":{\"time\":\"09:00\",\"every\":\"day\"}}]}");

	(void)state;
	assert_true(a->jobs[0].hash == b->jobs[0].hash);
	assert_true(a->jobs[0].schedule_hash == b->jobs[0].schedule_hash);
	struct buf json = {0};
	assert_int_equal(config_changes(a, b, &json), 0);
	assert_string_equal(buf_string(&json), "[]");
	buf_finish(&json);
	config_destroy(a);
	config_destroy(b);
}

/* Each key, changed alone, is seen and named; and only some move the schedule. */
static void every_change_is_named(void **state)
{
	static const struct {
		const char *members, *keys;
		bool is_schedule;
	} rows[] = {
		{",\"description\":\"x\"", "\"description\"", false},
		{",\"tags\":[\"x\"]", "\"tags\"", false},
		{",\"timezone\":\"Asia/Tokyo\"", "\"timezone\"", true},
		{",\"start\":\"2026-12-01\"", "\"start\"", true},
		{",\"end\":\"2100-12-01\"", "\"end\"", true},
		{",\"except\":[\"12-25\"]", "\"except\"", true},
		{",\"jitter\":\"1m\"", "\"jitter\"", true},
		{",\"enabled\":false", "\"enabled\"", false},
		{",\"timeout\":\"1m\"", "\"timeout\"", false},
		{",\"command_timeout\":60", "\"timeout\"", false},
		{",\"grace\":\"1m\"", "\"grace\"", false},
		{",\"was\":\"z\"", "\"was\"", false},
		{",\"deadline\":\"1h\"", "\"deadline\"", false},
		{",\"priority\":-3", "\"priority\"", false},
		{",\"group\":\"db\"", "\"group\"", false},
		{",\"retry\":{\"attempts\":2}", "\"retry\"", false},
		{",\"retry\":{\"backoff\":\"1s\"}", "\"retry\"", false},
		{",\"retry\":{\"max_backoff\":\"1s\"}", "\"retry\"", false},
		{",\"retry\":{\"on\":[]}", "\"retry\"", false},
		{",\"overlap\":\"allow\"", "\"overlap\"", false},
		{",\"catchup\":\"none\"", "\"catchup\"", false},
		{",\"catchup_window\":\"2h\"", "\"catchup_window\"", false},
		{",\"exit_codes\":{\"partial\":[3]}", "\"exit_codes\"", false},
		{",\"dry_run\":[\"x\"]", "\"dry_run\"", false},
		{",\"env\":{\"A\":\"b\"}", "\"env\"", false},
		{",\"env_file\":\"x\"", "\"env_file\"", false},
		{",\"alert\":{\"partial\":true}", "\"alert\"", false},
		{",\"keep\":{\"age\":\"1d\"}", "\"keep\"", false},
		{",\"keep\":{\"runs\":1}", "\"keep\"", false},
		{",\"cwd\":\"/\"", "\"cwd\"", false},
		{",\"user\":\"x\"", "\"user\"", false},
		{",\"shell\":\"/bin/sh\"", "\"shell\"", false},
		{",\"umask\":\"022\"", "\"umask\"", false},
		{",\"limits\":{\"open_files\":9}", "\"limits\"", false},
		{",\"limits\":{\"cpu\":9}", "\"limits\"", false},
		{",\"limits\":{\"core\":0}", "\"limits\"", false},
		{",\"docker\":{\"image\":\"x\"}", "\"docker\"", false},
		{",\"fly\":{\"app\":\"x\"}", "\"fly\"", false},
	};

	(void)state;
	struct config *before = parse(JOB(""));
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[512], expected[128];
		struct buf json = {0};

		snprintf(text, sizeof(text),
			 "{\"jobs\":[{\"name\":\"a\",\"schedule\":\"0 9 * * "
			 "*\",\"command\":[\"true\"]"
			 "%s}]}",
			 rows[i].members);
		struct config *after = parse(text);
		assert_int_equal(config_changes(before, after, &json), 1);
		snprintf(expected, sizeof(expected),
			 "[{\"job\":\"a\",\"change\":\"update\",\"keys\":[%s]}]", rows[i].keys);
		assert_string_equal(buf_string(&json), expected);
		assert_int_equal(before->jobs[0].schedule_hash != after->jobs[0].schedule_hash,
				 rows[i].is_schedule);
		buf_finish(&json);
		config_destroy(after);
	}
	config_destroy(before);
}

static void jobs_come_and_go(void **state)
{
	struct config *before =
		parse("{\"jobs\":[{\"name\":\"a\",\"schedule\":\"@daily\",\"command\":\"x\"},"
		      "{\"name\":\"b\",\"schedule\":\"@daily\",\"command\":\"x\"},"
		      "{\"name\":\"c\",\"schedule\":\"@daily\",\"command\":\"x\"}]}");
	struct config *after =
		parse("{\"jobs\":[{\"name\":\"c\",\"schedule\":\"@daily\",\"command\":\"x\"},"
		      "{\"name\":\"a\",\"schedule\":\"@hourly\",\"command\":\"y\"},"
		      "{\"name\":\"d\",\"schedule\":\"@daily\",\"command\":\"x\"}]}");
	struct buf json = {0};

	(void)state;
	assert_int_equal(config_changes(before, after, &json), 3);
	assert_string_equal(
		buf_string(&json),
		"[{\"job\":\"a\",\"change\":\"update\",\"keys\":[\"schedule\",\"command\"]},"
		"{\"job\":\"d\",\"change\":\"create\"},{\"job\":\"b\",\"change\":\"delete\"}]");
	buf_clear(&json);
	assert_int_equal(config_changes(NULL, before, &json), 3);
	buf_finish(&json);
	config_destroy(before);
	config_destroy(after);
}

static void renamed_jobs_are_told_as_such(void **state)
{
	struct config *before =
		parse("{\"jobs\":[{\"name\":\"a\",\"schedule\":\"@daily\",\"command\":\"x\"},"
		      "{\"name\":\"b\",\"schedule\":\"@daily\",\"command\":\"x\"}]}");
	struct config *after =
		parse("{\"jobs\":[{\"name\":\"c\",\"schedule\":\"@daily\",\"command\":\"x\","
		      "\"was\":[\"older\",\"a\"]},"
		      "{\"name\":\"d\",\"schedule\":\"@daily\",\"command\":\"y\",\"was\":\"b\"},"
		      "{\"name\":\"e\",\"schedule\":\"@daily\",\"command\":\"x\",\"was\":\"f\"}]}");
	struct buf json = {0};

	(void)state;
	assert_texts(&after->jobs[0].was, (const char *const[]){"older", "a"}, 2);
	assert_texts(&after->jobs[1].was, (const char *const[]){"b"}, 1);
	assert_int_equal(config_changes(before, after, &json), 3);
	assert_string_equal(buf_string(&json),
			    "[{\"job\":\"c\",\"change\":\"rename\",\"was\":\"a\",\"keys\":[]},"
			    "{\"job\":\"d\",\"change\":\"rename\",\"was\":\"b\","
			    "\"keys\":[\"command\"]},"
			    "{\"job\":\"e\",\"change\":\"create\"}]");
	buf_clear(&json);
	assert_int_equal(config_changes(after, after, &json), 0);
	buf_finish(&json);
	config_destroy(before);
	config_destroy(after);
}

static void groups_share_one_limit(void **state)
{
	struct config *config =
		parse("{\"defaults\":{\"group_limit\":7,\"group\":\"all\"},\"jobs\":["
		      "{\"name\":\"a\",\"schedule\":\"@daily\",\"command\":\"x\",\"group\":\"db\"},"
		      "{\"name\":\"b\",\"schedule\":\"@daily\",\"command\":\"x\",\"group\":\"db\","
		      "\"group_limit\":2},"
		      "{\"name\":\"c\",\"schedule\":\"@daily\",\"command\":\"x\"}]}");

	(void)state;
	assert_string_equal(config->jobs[0].group, "db");
	assert_int_equal(config->jobs[0].group_limit, 2);
	assert_int_equal(config->jobs[1].group_limit, 2);
	assert_string_equal(config->jobs[2].group, "all");
	assert_int_equal(config->jobs[2].group_limit, 7);
	config_destroy(config);
	config = parse(JOB(",\"group\":\"x\",\"deadline\":90,\"priority\":100"));
	assert_int_equal(config->jobs[0].group_limit, 1);
	assert_int_equal(config->jobs[0].deadline_ms, 90000);
	assert_int_equal(config->jobs[0].priority, 100);
	config_destroy(config);
}

static void commands_are_split_as_a_shell_does(void **state)
{
	static const struct {
		const char *text;
		const char *words[6];
	} rows[] = {
		{"a b  c", {"a", "b", "c"}},
		{" \t a\n ", {"a"}},
		{"", {NULL}},
		{"'a b' \"c d\"", {"a b", "c d"}},
		{"a'b'\"c\"d", {"abcd"}},
		{"'' \"\"", {"", ""}},
		{"a\\ b \\'", {"a b", "'"}},
		{"'a\\b' \"a\\b\" a\\b", {"a\\b", "a\\b", "ab"}},
		{"\"\\\"\\\\\\$\\`\"", {"\"\\$`"}},
		{"\"a\\\nb\" c\\\nd \\\n e", {"ab", "cd", "e"}},
		{"'$HOME' $HOME `x` | #y", {"$HOME", "$HOME", "`x`", "|", "#y"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena = {0};
		struct text_list words;
		struct argv_problem problem;
		size_t count = 0;

		while (count < 6 && rows[i].words[count])
			count++;
		assert_true(argv_split(rows[i].text, &arena, &words, NULL, &problem));
		assert_texts(&words, rows[i].words, count);
		arena_finish(&arena);
	}
}

/* A value with blanks stays one word; quotes around it do not matter. */
static void values_are_not_split(void **state)
{
	struct config *config =
		parse("{\"jobs\":[{\"name\":\"a\",\"schedule\":\"@daily\",\"command\":"
		      "\"x ${SECRET} '--t=${SECRET}' ${EMPTY} $${X}\"}]}");
	static const char *const argv[] = {"x", SECRET, ("--t=" SECRET), "", "${X}"};

	(void)state;
	assert_texts(&config->jobs[0].argv, argv, 5);
	config_destroy(config);
}

static void words_in_the_table_are_those_of_the_vocabulary(void **state)
{
	const struct key_info *rows;
	size_t count = config_keys(&rows);

	(void)state;
	assert_int_equal(count, KEY_COUNT - 1);
	for (size_t i = 0; i < count; i++) {
		const struct key_row *row = &keys[i + 1];

		assert_non_null(rows[i].path);
		assert_non_null(rows[i].type);
		assert_true(rows[i].summary && *rows[i].summary);
		for (size_t j = 0; row->words && row->words[j]; j++)
			assert_non_null(strstr(row->type, row->words[j]));
		/* Its path ends with its name and begins with its parent's. */
		assert_string_equal(row->path + strlen(row->path) - strlen(row->name), row->name);
		if (row->parent != KEY_NONE)
			assert_memory_equal(row->path, keys[row->parent].path,
					    strlen(keys[row->parent].path));
	}
}

/* First by place, then cut; errors beyond are counted. */
static void only_the_first_thousand_findings_are_kept(void **state)
{
	struct buf text = {0};
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};

	(void)state;
	buf_text(&text, "{\"jobs\":[\n");
	for (int i = 0; i < 5000; i++)
		buf_format(&text,
			   "%s{\"name\":\"j%d\",\"schedule\":\"0 99 * * *\",\"command\":\"x\"}",
			   i ? ",\n" : "", i);
	buf_text(&text, "]}");
	assert_null(parse_length(text.data, text.length, &findings));
	assert_int_equal(findings.count, 1000);
	assert_int_equal(findings.errors, 5000);
	assert_int_equal(findings.suppressed, 4000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(findings.items[i].line, i + 2);
	assert_string_equal(findings.items[999].path, "jobs[999].schedule");
	arena_finish(&arena);
	buf_finish(&text);
}

static void finding_in(const char *text, size_t length, const char *message)
{
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};

	assert_null(parse_length(text, length, &findings));
	assert_true(findings.count >= 1);
	assert_non_null(strstr(findings.items[0].message, message));
	arena_finish(&arena);
}

static void huge_texts_are_refused(void **state)
{
	size_t length = (size_t)CONFIG_SIZE_MAX + 1;
	char *text = mem_alloc(length);

	(void)state;
	memset(text, ' ', length);
	finding_in(text, length, "64 MiB");
	memset(text, '[', length - 1);
	finding_in(text, length - 1, "nested deeper than 64");
	for (size_t i = 1; i + 8 < length; i += 7)
		memcpy(text + i, "\"a\":1, ", 7);
	text[0] = '{';
	finding_in(text, length - 1, "more than 100000 members");
	for (size_t i = 1; i + 8 < length; i += 3)
		memcpy(text + i, "{},", 3);
	text[0] = '[';
	finding_in(text, length - 1, "more than 250000 items");
	free(text);
}

/* Work that is dear (nearest names) stops when findings are no longer kept, and texts
 * of any length are not copied into each of them. */
static void broken_files_take_bounded_memory(void **state)
{
	struct buf text = {0};
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};

	(void)state;
	buf_text(&text, "[{\"schedule\":\"");
	for (int i = 0; i < 1000000; i++)
		buf_text(&text, "* ");
	buf_text(&text, "\",\"name\":\"");
	for (int i = 0; i < 1000000; i++)
		buf_char(&text, 'n');
	buf_char(&text, '"');
	for (int i = 0; i < 50000; i++)
		buf_format(&text, ",\"schedul%d\":\"x\"", i);
	buf_text(&text, "}]");
	assert_null(parse_length(text.data, text.length, &findings));
	assert_int_equal(findings.count, 1000);
	assert_true(arena_size(&arena) < 4 << 20);
	arena_finish(&arena);
	buf_finish(&text);
}

/* Every prefix of a good file is either told wrong or, if it ends in white space, the
 * same file: none may crash or be taken for the whole. */
static void every_prefix_is_told(void **state)
{
	size_t length;
	char *text = read_good("all-keys", &length);

	(void)state;
	for (size_t i = 1; i + 1 < length; i++) {
		struct arena arena = {0};
		struct findings findings = {.arena = &arena};

		assert_null(parse_length(text, i, &findings));
		assert_true(findings.errors > 0);
		arena_finish(&arena);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_table),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(defaults_are_merged_member_by_member),
		cmocka_unit_test(what_defaults_give_is_shared),
		cmocka_unit_test(paths_from_the_environment_are_shown_as_written),
		cmocka_unit_test(verify_becomes_a_command_of_belfry),
		cmocka_unit_test(changes_of_verify_are_told_by_value),
		cmocka_unit_test(a_command_may_become_a_verify),
		cmocka_unit_test(cron_manager_is_read_as_fly),
		cmocka_unit_test(empty_files_have_no_jobs),
		cmocka_unit_test(content_hash_is_sha256),
		cmocka_unit_test(text_is_let_go),
		cmocka_unit_test(equal_expressions_are_kept_once),
		cmocka_unit_test(order_and_space_do_not_count),
		cmocka_unit_test(every_change_is_named),
		cmocka_unit_test(jobs_come_and_go),
		cmocka_unit_test(renamed_jobs_are_told_as_such),
		cmocka_unit_test(groups_share_one_limit),
		cmocka_unit_test(commands_are_split_as_a_shell_does),
		cmocka_unit_test(values_are_not_split),
		cmocka_unit_test(words_in_the_table_are_those_of_the_vocabulary),
		cmocka_unit_test(only_the_first_thousand_findings_are_kept),
		cmocka_unit_test(huge_texts_are_refused),
		cmocka_unit_test(broken_files_take_bounded_memory),
		cmocka_unit_test(every_prefix_is_told),
	};

	zones = zoneinfo_create(NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	zoneinfo_destroy(zones);
	return failed;
}
