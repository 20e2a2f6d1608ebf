/* changes.c - what changed between two generations, job by job and key by key. */
#include <string.h>

#include "loader.h"

static const struct around_hash *around_of(const struct config *config, const struct job *job)
{
	return &((const struct generation *)(const void *)config)->around[job - config->jobs];
}

static void open_change(struct buf *json, const struct job *job, const char *change)
{
	buf_json_open(json, NULL, '{');
	buf_json_text(json, "job", job->name);
	buf_json_text(json, "change", change);
}

static void write_update(const struct config *before, const struct job *old,
			 const struct config *after, const struct job *job, struct buf *json)
{
	open_change(json, job, "update");
	buf_json_open(json, "keys", '[');
	for (int i = KEY_NAME; i < KEY_COUNT; i++)
		if (keys[i].parent == KEY_JOBS &&
		    hash_key(old, around_of(before, old), (enum key)i) !=
			    hash_key(job, around_of(after, job), (enum key)i) &&
		    i != KEY_COMMAND_TIMEOUT)
			buf_json_text(json, NULL, keys[i].name);
	buf_json_close(json, ']');
	buf_json_close(json, '}');
}

size_t config_changes(const struct config *before, const struct config *after, struct buf *json)
{
	size_t changed = 0;

	buf_json_open(json, NULL, '[');
	for (size_t i = 0; i < after->job_count; i++) {
		const struct job *job = &after->jobs[i];
		const struct job *old = config_find(before, job->name);

		if (old && old->hash == job->hash)
			continue;
		changed++;
		if (old) {
			write_update(before, old, after, job, json);
			continue;
		}
		open_change(json, job, "create");
		buf_json_close(json, '}');
	}
	for (size_t i = 0; before && i < before->job_count; i++) {
		if (config_find(after, before->jobs[i].name))
			continue;
		open_change(json, &before->jobs[i], "delete");
		buf_json_close(json, '}');
		changed++;
	}
	buf_json_close(json, ']');
	return changed;
}
