/* changes.c - what changed between two generations, job by job and key by key. */
#include <stdlib.h>
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

static void write_keys(const struct config *before, const struct job *old,
		       const struct config *after, const struct job *job, struct buf *json)
{
	bool is_renamed = strcmp(old->name, job->name) != 0;

	buf_json_open(json, "keys", '[');
	for (int i = KEY_NAME; i < KEY_COUNT; i++) {
		bool is_said =
			i == KEY_COMMAND_TIMEOUT || (is_renamed && (i == KEY_NAME || i == KEY_WAS));

		if (keys[i].parent == KEY_JOBS && !is_said &&
		    hash_key(old, around_of(before, old), (enum key)i) !=
			    hash_key(job, around_of(after, job), (enum key)i))
			buf_json_text(json, NULL, keys[i].name);
	}
	buf_json_close(json, ']');
}

/* What the job was called in the generation before, if it says so. */
static const struct job *find_former(const struct config *before, const struct job *job)
{
	const struct job *former = NULL;

	for (size_t i = 0; before && !former && i < job->was.count; i++)
		former = config_find(before, job->was.items[i]);
	return former;
}

/* Names of jobs before that go on under another one. */
struct names {
	const char **items;
	size_t count;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void collect_formers(const struct config *before, const struct config *after,
			    struct names *names)
{
	size_t most = 0;

	for (size_t i = 0; i < after->job_count; i++)
		most += after->jobs[i].was.count;
	names->items = mem_alloc((most + 1) * sizeof(*names->items));
	for (size_t i = 0; i < after->job_count; i++) {
		const struct text_list *was = &after->jobs[i].was;

		for (size_t w = 0; w < was->count; w++)
			if (config_find(before, was->items[w]))
				names->items[names->count++] = was->items[w];
	}
	if (names->count)
		qsort(names->items, names->count, sizeof(*names->items), by_text);
}

static bool goes_on(const struct config *after, const struct names *formers, const char *name,
		    size_t *place)
{
	return config_find_next(after, name, place) ||
	       (formers->count &&
		bsearch(&name, formers->items, formers->count, sizeof(*formers->items), by_text));
}

static void write_change(const struct config *before, const struct config *after,
			 const struct job *job, struct buf *json)
{
	const struct job *former = find_former(before, job);
	const struct job *old = former ? former : config_find(before, job->name);

	open_change(json, job, former ? "rename" : old ? "update" : "create");
	if (former)
		buf_json_text(json, "was", former->name);
	if (old)
		write_keys(before, old, after, job, json);
	buf_json_close(json, '}');
}

size_t config_changes(const struct config *before, const struct config *after, struct buf *json)
{
	struct names formers = {0};
	size_t changed = 0, old_place = 0, place = 0;

	collect_formers(before, after, &formers);
	buf_json_open(json, NULL, '[');
	for (size_t i = 0; i < after->job_count; i++) {
		const struct job *job = &after->jobs[i];
		const struct job *old = config_find_next(before, job->name, &old_place);

		if (old && old->hash == job->hash)
			continue;
		changed++;
		write_change(before, after, job, json);
	}
	for (size_t i = 0; before && i < before->job_count; i++) {
		if (goes_on(after, &formers, before->jobs[i].name, &place))
			continue;
		open_change(json, &before->jobs[i], "delete");
		buf_json_close(json, '}');
		changed++;
	}
	buf_json_close(json, ']');
	free(formers.items);
	return changed;
}
