/* config.c - fuzzes schedules.json: any bytes are a generation or findings. */
#include <string.h>

#include "config.h"
#include "fuzz.h"
#include "utf8.h"
#include "zoneinfo.h"

static const char SECRET[] = "\x01secret\x02";

static const char *environment(void *context, const char *name)
{
	(void)context;
	return *name == 'S' ? SECRET : NULL;
}

static bool is_in_input; /* the secret itself, by luck of the fuzzer */

static void check_text(const char *text)
{
	if (text && !is_in_input)
		MUST(!strstr(text, SECRET));
}

static void check_findings(const struct findings *findings, size_t size)
{
	size_t errors = 0, line = 0, column = 0;

	MUST(findings->count <= 1000);
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->items[i];

		MUST(f->line > line || (f->line == line && f->column >= column));
		MUST(f->line <= size + 1 && f->column <= size + 1);
		MUST(f->length >= 1 && f->path && f->message && *f->message);
		MUST(f->line || !f->column);
		check_text(f->message);
		check_text(f->path);
		check_text(f->excerpt);
		line = f->line;
		column = f->column;
		errors += f->severity == SEVERITY_ERROR;
	}
	MUST(errors <= findings->errors);
}

enum { WRITTEN_MAX = 8 };

static void check_config(const struct config *config, const struct config *again)
{
	struct buf json = {0};

	MUST(config->job_count == again->job_count);
	for (size_t i = 0; i < config->job_count; i++) {
		const struct job *job = &config->jobs[i];

		MUST(job->name && job->schedule && job->timezone && job->schedule_text);
		MUST(config_find(config, job->name) == job);
		MUST(job->hash == again->jobs[i].hash);
		if (i < WRITTEN_MAX) { /* each reads the file from its beginning */
			struct buf written = {0};

			MUST(config_job_written(config->text, config->length, job->name, &written));
			buf_finish(&written);
		}
		MUST(job->retry.attempts >= 1 && job->grace_ms >= 0 && job->timeout_ms >= 0);
		MUST(job->executor != EXECUTOR_PROCESS || job->argv.count > 0);
		MUST((job->executor == EXECUTOR_PROCESS) == (job->remote.json == NULL));
		for (size_t j = 0; j < job->argv_shown.count; j++)
			check_text(job->argv_shown.items[j]);
		for (size_t j = 0; j < job->env_count; j++)
			MUST(job->env[j].from_environment || is_in_input ||
			     !strstr(job->env[j].value, SECRET));
	}
	MUST(config_changes(config, again, &json) == 0);
	MUST(config_changes(NULL, config, &json) == config->job_count);
	buf_finish(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zoneinfo *zones;
	struct arena arena = {0}, arena_again = {0};
	struct findings findings = {.arena = &arena}, findings_again = {.arena = &arena_again};

	if (!zones)
		zones = zoneinfo_create(NULL);
	is_in_input = memmem(data, size, "secret", 6) != NULL;
	struct config_world world = {
		.zones = zoneinfo_source(zones), .environment = environment, .now = FUZZ_NOW};
	struct config *config = config_parse((const char *)data, size, &world, &findings);
	struct config *again = config_parse((const char *)data, size, &world, &findings_again);
	MUST((config == NULL) == (findings.errors > 0));
	MUST((again == NULL) == (config == NULL));
	check_findings(&findings, size);
	if (config)
		check_config(config, again);
	config_destroy(config);
	config_destroy(again);
	arena_finish(&arena);
	arena_finish(&arena_again);
	return 0;
}
