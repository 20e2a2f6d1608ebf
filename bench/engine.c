/*
 * engine.c - what many jobs cost: to read, to keep, to decide about.
 *
 *	bench-engine jansson FILE          parse alone, by jansson: the limit
 *	bench-engine load FILE [STATE]     read, check and plan; with STATE, store the revision
 *	bench-engine reload OLD NEW STATE  the same of a file in place of another one
 *	bench-engine steps FILE…           a million steps of the engine, the files' jobs together
 *
 * Each prints one JSON object.
 */
#include <jansson.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "config.h"
#include "engine.h"
#include "store.h"
#include "zoneinfo.h"

enum { STEPS = 1000000, FILES_MAX = 16 };

static const struct utc start_at = {INT64_C(1764000000000)};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What both parsers do is arithmetic alone: their own time is not that of a neighbour. */
static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t kept_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static int die(const char *text)
{
	fprintf(stderr, "bench-engine: %s\n", text);
	exit(1);
}

/* ---- a file in force, as the daemon does it ---- */

struct loaded {
	struct zoneinfo *zones;
	struct config *config;
	struct engine *engine;
	struct arena turn;
	struct effects effects;
};

static const char *no_environment(void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static struct config *parse(struct loaded *loaded, const char *path)
{
	struct config_world world = {.zones = zoneinfo_source(loaded->zones),
				     .environment = no_environment,
				     .now = start_at};
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};
	char *text;
	size_t length;
	struct err err;

	if (!config_read(path, &text, &length, &err))
		die(err.text);
	struct config *config = config_parse(text, length, &world, &findings);
	free(text);
	if (!config)
		die(findings.items[0].message);
	arena_finish(&arena);
	return config;
}

static void put_in_force(struct loaded *loaded, struct config *config, int64_t revision)
{
	struct event event = {.kind = EVENT_CONFIG,
			      .jobs = config->jobs,
			      .job_count = config->job_count,
			      .revision = revision};

	engine_step(loaded->engine, (struct now){.utc = start_at}, &event, &loaded->effects);
	config_destroy(loaded->config);
	loaded->config = config;
}

static void begin(struct loaded *loaded)
{
	loaded->effects.arena = &loaded->turn;
	loaded->zones = zoneinfo_create(NULL);
	loaded->engine = engine_create(
		&(struct engine_options){.max_running = 64},
		&(struct engine_past){.evaluated_until = UTC_NONE, .fixed_until = UTC_NONE});
}

static void finish(struct loaded *loaded)
{
	engine_destroy(loaded->engine);
	config_destroy(loaded->config);
	zoneinfo_destroy(loaded->zones);
	arena_finish(&loaded->turn);
}

static void forget_turn(struct loaded *loaded)
{
	arena_reset(&loaded->turn);
	loaded->effects = (struct effects){.arena = &loaded->turn};
}

/* ---- load and reload ---- */

static void apply_revision(struct store *store, const struct config *before, struct config *config,
			   int64_t number)
{
	struct buf changes = {0};
	struct record records[2] = {{.kind = RECORD_REVISION}, {.kind = RECORD_EVALUATED}};
	struct err err;

	config_changes(before, config, &changes);
	records[0].revision = (struct revision){.number = number,
						.applied_at = start_at,
						.hash = config_hash(config),
						.author = "bench",
						.source = "bench",
						.changes = buf_string(&changes),
						.content = config->text,
						.length = config->length};
	records[1].evaluated.until = start_at;
	if (!store_apply(store, records, 2, &err))
		die(err.text);
	buf_finish(&changes);
}

static struct store *open_in(const char *state)
{
	struct buf location = {0};
	struct err err;

	buf_format(&location, "sqlite:%s", state);
	struct store *store = store_open(buf_string(&location), &err);
	buf_finish(&location);
	if (!store)
		die(err.text);
	return store;
}

static int load(const char *path, const char *state)
{
	struct loaded loaded = {0};
	struct store *store = state ? open_in(state) : NULL;

	begin(&loaded);
	size_t before = kept_bytes();
	double start = now_s(), cpu_start = cpu_s();
	put_in_force(&loaded, parse(&loaded, path), 1);
	double cpu = cpu_s() - cpu_start;
	if (store)
		apply_revision(store, NULL, loaded.config, 1);
	double stored = now_s();
	config_forget_text(loaded.config); /* as the daemon does once it is stored */
	forget_turn(&loaded);
	size_t kept = kept_bytes() - before;
	printf("{\"cpu_s\":%.6f,\"stored_s\":%.6f,\"jobs\":%zu,\"kept\":%zu,"
	       "\"peak_kib\":%ld}\n",
	       cpu, stored - start, loaded.config->job_count, kept, peak_kib());
	store_close(store);
	finish(&loaded);
	return 0;
}

static int64_t rows_in(const char *state)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	char path[4096];
	int64_t rows = -1;

	snprintf(path, sizeof(path), "%s/belfry.db", state);
	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(
		    db,
		    "SELECT (SELECT count(*) FROM revision) + (SELECT count(*) FROM run) "
		    "+ (SELECT count(*) FROM occurrence)",
		    -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		rows = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return rows;
}

static int reload(const char *old_path, const char *new_path, const char *state)
{
	struct loaded loaded = {0};
	struct store *store = open_in(state);

	begin(&loaded);
	put_in_force(&loaded, parse(&loaded, old_path), 1);
	apply_revision(store, NULL, loaded.config, 1);
	forget_turn(&loaded);
	int64_t rows = rows_in(state);
	double start = now_s();
	struct config *config = parse(&loaded, new_path);
	apply_revision(store, loaded.config, config, 2);
	put_in_force(&loaded, config, 2);
	double seconds = now_s() - start;
	printf("{\"reload_s\":%.6f,\"rows\":%lld,\"peak_kib\":%ld}\n", seconds,
	       (long long)(rows_in(state) - rows), peak_kib());
	store_close(store);
	finish(&loaded);
	return 0;
}

static int jansson(const char *path)
{
	json_error_t error;
	double start = now_s(), cpu_start = cpu_s();
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		die(error.text);
	printf("{\"cpu_s\":%.6f,\"load_s\":%.6f,\"peak_kib\":%ld}\n", cpu_s() - cpu_start,
	       now_s() - start, peak_kib());
	json_decref(root);
	return 0;
}

/* ---- steps ---- */

/* What the world answers: the store at once, the executor at once, each run in turn. */
struct inbox {
	struct event *items;
	size_t first, count, capacity;
};

static void push(struct inbox *inbox, const struct event *event)
{
	if (inbox->count == inbox->capacity) {
		inbox->capacity = inbox->capacity * 2 + 64;
		inbox->items = mem_resize(inbox->items, inbox->capacity * sizeof(struct event));
	}
	inbox->items[inbox->count++] = *event;
}

static void answer(struct inbox *inbox, const struct effect *effect, struct utc now)
{
	const struct run *run = &effect->run;

	if (effect->kind == EFFECT_RECORD && effect->record.kind == RECORD_CLAIM)
		push(inbox, &(struct event){.kind = EVENT_RECORDED, .run = effect->record.run.id});
	if (effect->kind != EFFECT_START)
		return;
	push(inbox,
	     &(struct event){
		     .kind = EVENT_STARTED, .run = run->id, .attempt = run->attempt, .at = now});
	push(inbox, &(struct event){.kind = EVENT_EXITED,
				    .run = run->id,
				    .attempt = run->attempt,
				    .end = {.started_at = now,
					    .finished_at = now,
					    .cpu_ms = -1,
					    .max_rss_kib = -1,
					    .processed = -1,
					    .failed = -1}});
}

struct count {
	int64_t steps, instants;
};

static void step(struct loaded *loaded, struct now now, struct event *event, struct inbox *inbox,
		 struct count *count)
{
	engine_step(loaded->engine, now, event, &loaded->effects);
	count->steps++;
	for (size_t i = 0; i < loaded->effects.count; i++) {
		const struct effect *effect = &loaded->effects.items[i];

		answer(inbox, effect, now.utc);
		count->instants += effect->kind == EFFECT_RECORD &&
				   effect->record.kind != RECORD_RUN &&
				   (effect->record.kind == RECORD_CLAIM ||
				    effect->record.kind == RECORD_OCCURRENCE);
	}
	forget_turn(loaded);
}

/* The jobs of several files, as one has at most 250,000. */
struct files {
	struct config *configs[FILES_MAX];
	int count;
	struct job *jobs;
	size_t job_count;
};

static void read_files(struct loaded *loaded, struct files *files, char **paths, int count)
{
	for (files->count = 0; files->count < count && files->count < FILES_MAX; files->count++) {
		struct config *config = parse(loaded, paths[files->count]);

		files->configs[files->count] = config;
		files->job_count += config->job_count;
		config_forget_text(config);
	}
	if (files->count == 1)
		return;
	files->jobs = mem_alloc(files->job_count * sizeof(*files->jobs));
	size_t at = 0;
	for (int i = 0; i < files->count; i++) {
		const struct config *config = files->configs[i];

		memcpy(files->jobs + at, config->jobs, config->job_count * sizeof(*files->jobs));
		at += config->job_count;
	}
}

static size_t plan_files(struct loaded *loaded, struct files *files, char **paths, int count)
{
	size_t before = kept_bytes();

	read_files(loaded, files, paths, count);
	struct event event = {.kind = EVENT_CONFIG,
			      .jobs = files->jobs ? files->jobs : files->configs[0]->jobs,
			      .job_count = files->job_count,
			      .revision = 1};
	engine_step(loaded->engine, (struct now){.utc = start_at}, &event, &loaded->effects);
	forget_turn(loaded);
	/* Of several files the jobs are there twice. */
	return kept_bytes() - before - (files->jobs ? files->job_count * sizeof(*files->jobs) : 0);
}

static int steps(char **paths, int path_count)
{
	struct loaded loaded = {0};
	struct inbox inbox = {0};
	struct count count = {0};
	struct files files = {0};

	begin(&loaded);
	size_t kept = plan_files(&loaded, &files, paths, path_count);
	double start = cpu_s();
	while (count.steps < STEPS) {
		struct utc due = engine_next_wake(loaded.engine).utc;
		struct now now = {.utc = due, .mono = {due.ms - start_at.ms}};

		step(&loaded, now, &(struct event){.kind = EVENT_TICK}, &inbox, &count);
		while (inbox.first < inbox.count) {
			struct event event = inbox.items[inbox.first++];

			step(&loaded, now, &event, &inbox, &count);
		}
		inbox.first = inbox.count = 0;
	}
	double seconds = cpu_s() - start;
	printf("{\"jobs\":%zu,\"steps_s\":%.0f,\"instants_s\":%.0f,\"bytes_each\":%.1f}\n",
	       files.job_count, (double)count.steps / seconds, (double)count.instants / seconds,
	       (double)kept / (double)files.job_count);
	free(inbox.items);
	finish(&loaded);
	for (int i = 0; i < files.count; i++)
		config_destroy(files.configs[i]);
	free(files.jobs);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "jansson") == 0)
		return jansson(argv[2]);
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "load") == 0)
		return load(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "reload") == 0)
		return reload(argv[2], argv[3], argv[4]);
	if (argc >= 3 && strcmp(argv[1], "steps") == 0)
		return steps(argv + 2, argc - 2);
	fprintf(stderr, "usage: bench-engine jansson|load|reload|steps FILE…\n");
	return 2;
}
