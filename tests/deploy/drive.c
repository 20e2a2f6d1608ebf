/* drive.c - plans and canonical forms for the tests in Python:
 *
 *	drive canonical FILE
 *	drive plan FORMAT NOW BEFORE|- AFTER [JOB=RUN…]
 *
 * The clock stands at NOW; ${NAME} is taken from the environment, those of BEFORE as
 * BEFORE_NAME where that is set, so that a value may change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "run.h"
#include "zoneinfo.h"

static const char *environment(void *context, const char *name)
{
	char other[128];

	snprintf(other, sizeof(other), "%s%s", (const char *)context, name);
	return getenv(other) ? getenv(other) : getenv(name);
}

static struct config *load(const char *path, const char *prefix, struct utc now,
			   struct zoneinfo *zones, struct findings *findings)
{
	struct config_world world = {.zones = zoneinfo_source(zones),
				     .environment = environment,
				     .context = (void *)(uintptr_t)prefix,
				     .now = now};
	struct config *config = NULL;
	char *text = NULL;
	size_t length;
	struct err err;

	if (!config_read(path, &text, &length, &err))
		fprintf(stderr, "%s\n", err.text);
	else
		config = config_parse(text, length, &world, findings);
	free(text);
	for (size_t i = 0; !config && i < findings->count; i++)
		fprintf(stderr, "%s: %s\n", path, findings->items[i].message);
	return config;
}

static int by_job(const void *a, const void *b)
{
	return strcmp(((const struct plan_run *)a)->job, ((const struct plan_run *)b)->job);
}

static size_t read_runs(char **words, struct plan_run *runs)
{
	size_t count = 0;

	for (; words[count]; count++) {
		char *sign = strchr(words[count], '=');

		*sign = '\0';
		runs[count].job = words[count];
		if (!run_id_parse(sign + 1, &runs[count].id))
			abort();
	}
	qsort(runs, count, sizeof(*runs), by_job);
	return count;
}

static void write_plan(const struct plan *plan, const char *format, struct buf *out)
{
	if (strcmp(format, "json") == 0)
		plan_json(plan, out);
	else if (strcmp(format, "markdown") == 0)
		plan_markdown(plan, out);
	else
		plan_text(plan, out);
}

static int drive_plan(char **argv, struct zoneinfo *zones, struct buf *out)
{
	struct arena arena = {0};
	struct findings old = {.arena = &arena}, findings = {.arena = &arena};
	struct plan_run runs[16];
	struct plan_question q = {.findings = &findings, .revision = 4, .runs = runs};
	struct config *before = NULL, *after;
	struct plan plan;

	if (!utc_parse(argv[3], strlen(argv[3]), &q.now))
		return 2;
	bool has_before = strcmp(argv[4], "-") != 0;
	if (has_before)
		before = load(argv[4], "BEFORE_", q.now, zones, &old);
	after = load(argv[5], "", q.now, zones, &findings);
	bool is_read = after && (before || !has_before);
	if (is_read) {
		q.before = before;
		q.after = after;
		q.hash_before = before ? config_hash(before) : NULL;
		q.hash_after = config_hash(after);
		q.revision = before ? 4 : 0;
		q.run_count = read_runs(argv + 6, runs);
		plan_init(&plan, &q);
		write_plan(&plan, argv[2], out);
		plan_finish(&plan);
	}
	config_destroy(before);
	config_destroy(after);
	arena_finish(&arena);
	return is_read ? 0 : 1;
}

static int drive_canonical(const char *path, struct zoneinfo *zones, struct buf *out)
{
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};
	struct config *config = load(path, "", (struct utc){0}, zones, &findings);
	bool is_read = config != NULL;

	if (config)
		config_canonical(config, out);
	config_destroy(config);
	arena_finish(&arena);
	return is_read ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct zoneinfo *zones = zoneinfo_create(NULL);
	struct buf out = {0};
	int code = 2;

	if (argc == 3 && strcmp(argv[1], "canonical") == 0)
		code = drive_canonical(argv[2], zones, &out);
	else if (argc >= 6 && strcmp(argv[1], "plan") == 0)
		code = drive_plan(argv, zones, &out);
	fwrite(buf_string(&out), 1, out.length, stdout);
	buf_finish(&out);
	zoneinfo_destroy(zones);
	return code;
}
