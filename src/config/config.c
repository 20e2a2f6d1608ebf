/* config.c - from a text to a generation of jobs, or findings; see config.h. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

static void tell_fault(void *context, size_t at, size_t length, const char *message)
{
	loader_tell(context, SEVERITY_ERROR, at, length, "%s", message);
}

static void read_list(struct loader *l)
{
	json_open(&l->json);
	while (json_next_item(&l->json))
		job_read(l);
}

/* A text that was checked is read again, from the start and silently. */
static void rewind_reader(struct json_reader *r)
{
	r->fault = NULL;
	r->path.depth = 0;
	r->at = r->length >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* Whether the object at the root is one job and not the object form. */
static bool is_bare_job(struct loader *l)
{
	struct json_reader *r = &l->json;
	bool is_file = false, is_job = false;
	size_t at = r->at;
	struct json_piece key;

	json_open(r);
	while (json_next_member(r, &key)) {
		is_file |= json_piece_equals(r, key, "jobs") ||
			   json_piece_equals(r, key, "defaults") ||
			   json_piece_equals(r, key, "$schema");
		is_job |= json_piece_equals(r, key, "name") ||
			  json_piece_equals(r, key, "schedule") ||
			  json_piece_equals(r, key, "command");
		json_skip(r);
	}
	r->at = at;
	return is_job && !is_file;
}

static void read_file_object(struct loader *l)
{
	struct draft file = {0};

	value_members(l, &file, KEY_NONE);
	if (file.zone)
		l->base.zone = file.zone;
	if (is_written(&file, KEY_DEFAULTS)) {
		struct visit visit = visit_key(l, &file, KEY_DEFAULTS);
		if (json_peek(&l->json) == JSON_OBJECT) {
			l->defaults_at = l->json.at;
			defaults_read(l);
		}
		visit_leave(l, visit);
	}
	if (is_written(&file, KEY_JOBS)) {
		struct visit visit = visit_key(l, &file, KEY_JOBS);
		if (json_peek(&l->json) == JSON_ARRAY)
			read_list(l);
		/* The path stays at "jobs" for what check.c tells. */
		l->json.path.depth = 1;
		l->json.at = visit.at;
	}
}

static void read_root(struct loader *l)
{
	enum json_kind kind = json_peek(&l->json);
	size_t at = l->json.at;

	if (kind == JSON_ARRAY) {
		l->is_cron_manager = l->is_list = true;
		read_list(l);
		l->json.path.depth = 0;
	} else if (kind == JSON_OBJECT && is_bare_job(l)) {
		l->is_cron_manager = true;
		job_read(l);
	} else if (kind == JSON_OBJECT) {
		read_file_object(l);
	} else {
		loader_tell(l, SEVERITY_ERROR, at, 1,
			    "the file is an object with \"jobs\", or a list of jobs; this is %s",
			    json_kind_words(kind));
	}
	if (l->untimed)
		loader_tell(
			l, SEVERITY_WARNING, at, 1,
			"read as cron-manager's form: jobs without a timeout, %zu here, are ended "
			"after 30s as there; write \"timeout\" to choose",
			l->untimed);
}

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
			return false;
	return true;
}

/* They came in by growing; from here on they stay where they are. */
static void settle_jobs(struct loader *l)
{
	l->jobs = mem_resize(l->jobs, l->job_count * sizeof(*l->jobs));
	l->around = mem_resize(l->around, l->job_count * sizeof(*l->around));
}

static void keep_jobs(struct loader *l, struct generation *g)
{
	const struct job **sorted = arena_array(l->arena, const struct job *, l->job_count);

	settle_jobs(l);
	check_jobs(l, sorted);
	if (l->report.findings->errors)
		return;
	g->jobs = l->jobs;
	g->around = l->around;
	g->by_name = sorted;
	g->defaults_at = l->defaults_at;
	g->config.jobs = g->jobs;
	g->config.job_count = l->job_count;
	l->jobs = NULL;
	l->around = NULL;
}

static void load(struct loader *l, struct generation *g)
{
	struct config *config = &g->config;

	json_init(&l->json, config->text, config->length, CONFIG_DEPTH_MAX, tell_fault, l);
	bool is_whole = json_check(&l->json);
	l->json.path.depth = 0;
	if (!is_whole)
		return;
	rewind_reader(&l->json);
	defaults_builtin(l);
	l->base.zone = zone_utc();
	read_root(l);
	config->is_cron_manager = l->is_cron_manager;
	config->timezone = arena_text(l->arena, zone_name(l->base.zone));
	if (l->job_count)
		keep_jobs(l, g);
}

static void warn_of_nothing(struct loader *l)
{
	struct about about = {.at = PLACE_WHOLE};

	report_add(&l->report, SEVERITY_WARNING, &about,
		   "the file is empty, which means no jobs; write {\"jobs\": []} to say so");
}

static void too_large(struct loader *l, size_t length)
{
	struct about about = {.at = PLACE_WHOLE};

	report_add(&l->report, SEVERITY_ERROR, &about,
		   "%zu bytes are too many; a file has at most %d (64 MiB)", length,
		   CONFIG_SIZE_MAX);
}

static const struct zone *get_zone(void *context, const char *name, struct err *err)
{
	const struct zone_source *zones = ((const struct loader *)context)->world->zones;

	return zones->get(zones->context, name, err);
}

static const char *nearest_zone(void *context, const char *name)
{
	const struct loader *l = context;
	const struct zone_source *zones = l->world->zones;

	return report_has_room(&l->report) && zones->nearest ? zones->nearest(zones->context, name)
							     : NULL;
}

static void finish(struct loader *l)
{
	json_finish(&l->json);
	intern_finish(&l->texts);
	schedule_share_finish(&l->schedules);
	arena_finish(&l->scratch);
	free(l->jobs);
	free(l->around);
	free(l->places);
}

struct config *config_parse(const char *text, size_t length, const struct config_world *world,
			    struct findings *findings)
{
	struct generation *g = mem_alloc(sizeof(*g));
	struct config *config = &g->config;
	struct loader *l = mem_alloc(sizeof(*l));

	l->world = world;
	l->zones = (struct zone_source){get_zone, nearest_zone, l};
	l->arena = &config->arena;
	report_init(&l->report, findings);
	if (length > CONFIG_SIZE_MAX) {
		too_large(l, length);
		length = 0;
	}
	config->text = mem_alloc(length + 1);
	if (length)
		memcpy(config->text, text, length);
	config->length = length;
	config->timezone = "UTC";
	config->is_empty = is_blank(text, length);
	if (!config->is_empty)
		load(l, g);
	else if (!findings->errors)
		warn_of_nothing(l);
	report_finish(&l->report, config->text, length);
	finish(l);
	free(l);
	if (!findings->errors)
		return config;
	config_destroy(config);
	return NULL;
}

void config_destroy(struct config *config)
{
	struct generation *g = (struct generation *)(void *)config;

	if (!config)
		return;
	arena_finish(&config->arena);
	free(config->text);
	free(g->jobs);
	free(g->around);
	free(g);
}

const char *config_hash(struct config *config)
{
	if (!*config->lazy_hash)
		hash_content(config->text, config->length, config->lazy_hash);
	return config->lazy_hash;
}

void config_forget_text(struct config *config)
{
	config_hash(config);
	free(config->text);
	config->text = NULL;
}

void config_recall_text(struct config *config, const char *text)
{
	assert(!config->text);
	config->text = mem_alloc(config->length + 1);
	memcpy(config->text, text, config->length);
}

bool config_is_of(const struct config *config, const char *text, size_t length)
{
	char hash[65];

	if (config->length != length)
		return false;
	if (config->text)
		return memcmp(config->text, text, length) == 0;
	hash_content(text, length, hash);
	return strcmp(hash, config->lazy_hash) == 0;
}

static int name_against_job(const void *name, const void *job)
{
	return strcmp(name, (*(const struct job *const *)job)->name);
}

const struct job *config_find(const struct config *config, const char *name)
{
	const struct generation *g = (const struct generation *)(const void *)config;

	if (!config || !config->job_count)
		return NULL;
	const struct job *const *found = bsearch(name, g->by_name, config->job_count,
						 sizeof(const struct job *), name_against_job);
	return found ? *found : NULL;
}

const struct job *config_find_next(const struct config *config, const char *name, size_t *place)
{
	const struct job *job = config && *place < config->job_count ? &config->jobs[*place] : NULL;

	if (!job || strcmp(job->name, name) != 0)
		job = config_find(config, name);
	if (job)
		*place = (size_t)(job - config->jobs) + 1;
	return job;
}
