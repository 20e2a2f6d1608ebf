/* job_read.c - one job: its keys by the table, then what several keys make together. */
#include <stdlib.h>
#include <string.h>

#include "loader.h"
#include "str.h"

enum { CRON_MANAGER_TIMEOUT_MS = 30000 };

/* The name first, wherever it stands, so that each finding can say whose it is. */
static const char *find_name(struct loader *l)
{
	size_t at = l->json.at;
	unsigned depth = l->json.path.depth;
	const char *name = NULL;
	struct json_piece key;

	json_open(&l->json);
	while (!name && json_next_member(&l->json, &key)) {
		if (json_piece_equals(&l->json, key, "name") && json_peek(&l->json) == JSON_STRING)
			name = value_text(l, false, NULL);
		else
			json_skip(&l->json);
	}
	l->json.at = at;
	l->json.path.depth = depth; /* it was left in the middle */
	return name && strlen(name) <= JOB_NAME_MAX && text_rules[RULE_NAME].is_met(name) ? name
											  : NULL;
}

static void finish_timeout(struct loader *l, struct draft *d)
{
	if (is_own(d, KEY_TIMEOUT) && is_own(d, KEY_COMMAND_TIMEOUT))
		tell_key(l, d, KEY_COMMAND_TIMEOUT, SEVERITY_ERROR,
			 "\"timeout\" and \"command_timeout\" are the same; keep one");
	if (!l->is_cron_manager || is_written(d, KEY_TIMEOUT) || d->job.timeout_ms)
		return;
	d->job.timeout_ms = CRON_MANAGER_TIMEOUT_MS;
	l->untimed++;
}

static void finish_group(struct loader *l, struct draft *d)
{
	if (is_own(d, KEY_GROUP_LIMIT) && !d->job.group)
		tell_key(l, d, KEY_GROUP_LIMIT, SEVERITY_WARNING,
			 "the job is in no group, so there is nothing to limit; say which with "
			 "\"group\", or leave this out");
}

static void finish_enabled(struct loader *l, struct draft *d, size_t at)
{
	if (!l->is_cron_manager || is_written(d, KEY_ENABLED))
		return;
	d->job.enabled = false;
	loader_tell(l, SEVERITY_WARNING, at, 1,
		    "\"enabled\" is missing, which cron-manager reads as false, and so does "
		    "belfry: the "
		    "job is disabled; write \"enabled\": true to have it run");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct env_var *)a)->name, ((const struct env_var *)b)->name);
}

static void finish_env(struct loader *l, struct draft *d)
{
	if (!d->has_own_env || !d->env.count)
		return;
	l->env_count += d->env.count;
	if (l->env_count > ENV_MAX) {
		tell_key(l, d, KEY_ENV, SEVERITY_ERROR,
			 "more than %d environment variables in all jobs together, those of "
			 "\"defaults\" counted for each; use \"env_file\"",
			 ENV_MAX);
		return;
	}
	qsort(d->env.items, d->env.count, sizeof(*d->env.items), by_name);
	struct env_var *items = arena_array(l->arena, struct env_var, d->env.count);
	memcpy(items, d->env.items, d->env.count * sizeof(*items));
	d->job.env = items;
	d->job.env_count = d->env.count;
}

static void finish_alert(struct loader *l, struct draft *d)
{
	struct buf json = {0};

	if (!is_own(d, KEY_ALERT))
		return;
	struct visit visit = visit_key(l, d, KEY_ALERT);
	json_compact(&l->json, &json);
	visit_leave(l, visit);
	d->job.alert_json = intern_text(&l->texts, l->arena, buf_string(&json));
	buf_finish(&json);
}

static uint32_t text_hash(const char *text)
{
	return text ? hash_short(str_quick_hash(STR_HASH_INIT, text, strlen(text))) : 0;
}

static void hash_around(struct draft *d)
{
	d->around.start = text_hash(d->start);
	d->around.end = text_hash(d->end);
	d->around.at = (uint32_t)d->spots[KEY_JOBS].at;
	d->around.except = 0;
	for (size_t i = 0; i < d->except.count; i++)
		d->around.except = d->around.except * 31 + text_hash(d->except.items[i]);
}

static void grow(struct loader *l)
{
	if (l->job_count < l->job_capacity)
		return;
	l->job_capacity = l->job_capacity ? l->job_capacity * 2 : 16;
	l->jobs = mem_resize(l->jobs, l->job_capacity * sizeof(*l->jobs));
	l->around = mem_resize(l->around, l->job_capacity * sizeof(*l->around));
	l->places = mem_resize(l->places, l->job_capacity * sizeof(*l->places));
}

static void add_job(struct loader *l, struct draft *d)
{
	const struct json_path *path = &l->json.path;
	size_t i = l->job_count;

	grow(l);
	hash_around(d);
	hash_job(&d->job, &d->around);
	l->jobs[i] = d->job;
	l->around[i] = d->around;
	l->places[i] = (struct job_place){
		.index = path->depth ? path->steps[path->depth - 1].count - 1 : 0,
		.name = d->spots[KEY_NAME],
		.schedule = d->spots[KEY_SCHEDULE],
		.was = d->spots[KEY_WAS],
		.group_limit = d->spots[KEY_GROUP_LIMIT]};
	l->job_count++;
}

void job_read(struct loader *l)
{
	enum json_kind kind = json_peek(&l->json);
	struct draft d = l->base;
	size_t at = l->json.at;

	if (kind != JSON_OBJECT) {
		json_skip(&l->json);
		loader_tell(l, SEVERITY_ERROR, at, l->json.at - at,
			    "a job is an object such as {\"name\": …, \"schedule\": …, "
			    "\"command\": …}; "
			    "this is %s",
			    json_kind_words(kind));
		return;
	}
	arena_reset(&l->scratch);
	l->job_name = find_name(l);
	d.spots[KEY_JOBS] = (struct spot){.at = at, .length = 1};
	d.job.line = json_line(&l->json, at);
	value_members(l, &d, KEY_JOBS);
	d.job.process.limits.cpu_s = d.cpu_ms ? (d.cpu_ms + 999) / 1000 : -1;
	finish_timeout(l, &d);
	finish_group(l, &d);
	finish_enabled(l, &d, at);
	finish_env(l, &d);
	finish_alert(l, &d);
	schedule_read(l, &d);
	executor_read(l, &d);
	native_read(l, &d);
	add_job(l, &d);
	l->job_name = NULL;
}
