/*
 * defaults.c - what a job begins as: the defaults in the table of keys, then those
 * of the file's "defaults". Jobs start as a copy, so texts and lists are shared.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

/* The members with a default below a key, as JSON. */
static void write_members(enum key parent, struct buf *json)
{
	buf_char(json, '{');
	for (int i = (int)parent + 1; i < KEY_COUNT; i++) {
		if (keys[i].parent != parent)
			continue;
		if (keys[i].default_json) {
			buf_json_raw(json, keys[i].name, keys[i].default_json);
		} else if (keys[i].kind == KIND_OBJECT && !keys[i].is_job_only) {
			buf_json_raw(json, keys[i].name, "");
			write_members((enum key)i, json);
		}
	}
	buf_char(json, '}');
}

/* The table's defaults go through the same readers as the user's text. */
void defaults_builtin(struct loader *l)
{
	struct json_reader file = l->json;
	struct buf json = {0};
	size_t told = l->report.told;

	l->base = (struct draft){
		.job = {.process = {.umask = -1, .limits = {-1, -1, -1, -1, -1, -1, -1}}}};
	write_members(KEY_JOBS, &json);
	json_init(&l->json, buf_string(&json), json.length, CONFIG_DEPTH_MAX, NULL, NULL);
	l->in_defaults = true;
	value_members(l, &l->base, KEY_JOBS);
	l->in_defaults = false;
	assert(l->report.told == told);
	memset(l->base.spots, 0, sizeof(l->base.spots));
	l->json = file;
	buf_finish(&json);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct env_var *)a)->name, ((const struct env_var *)b)->name);
}

void defaults_read(struct loader *l)
{
	struct draft *base = &l->base;
	struct buf alert = {0};

	l->in_defaults = true;
	value_members(l, base, KEY_JOBS);
	l->in_defaults = false;
	if (is_written(base, KEY_TIMEOUT) && is_written(base, KEY_COMMAND_TIMEOUT))
		tell_key(l, base, KEY_COMMAND_TIMEOUT, SEVERITY_ERROR,
			 "\"timeout\" and \"command_timeout\" are the same; keep one");
	if (base->env.count)
		qsort(base->env.items, base->env.count, sizeof(*base->env.items), by_name);
	base->job.env = base->env.items;
	base->job.env_count = base->env.count;
	if (!is_written(base, KEY_ALERT))
		return;
	size_t at = l->json.at;
	l->json.at = base->spots[KEY_ALERT].at;
	json_compact(&l->json, &alert);
	l->json.at = at;
	base->job.alert_json = arena_text(l->arena, buf_string(&alert));
	buf_finish(&alert);
}
