/*
 * differences.c - what differs between a job and what it was: each value before and
 * after, for people.
 *
 * Whether a value differs is asked of what was read, so that 5m and 300s are the
 * same; what it was is looked up in the text, as it was written there.
 */
#include <assert.h>
#include <string.h>

#include "loader.h"

#define HIDDEN      "(hidden)"
#define HIDDEN_JSON "\"" HIDDEN "\""

/* Where each key's value stands in the text; 0: it is not written. */
struct places {
	size_t at[KEY_COUNT];
};

/* One of the two: a job in its text. */
struct side {
	const struct config *config;
	const struct job *job; /* NULL: there is none, and no value either */
	struct json_reader r;
	struct places own, defaults;
};

struct comparison {
	struct side before, after;
	struct arena *arena;
	struct key_change *items;
	size_t count, capacity;
};

static const struct generation *generation_of(const struct config *config)
{
	return (const struct generation *)(const void *)config;
}

static const struct around_hash *around_of(const struct side *side)
{
	return &generation_of(side->config)->around[side->job - side->config->jobs];
}

/* Of the object that the reader stands before; it stands behind it afterwards. */
static void find_places(struct json_reader *r, enum key parent, struct places *places)
{
	struct json_piece name;

	json_open(r);
	while (json_next_member(r, &name)) {
		enum key key = key_find(parent, r, name);
		enum json_kind kind = json_peek(r);

		if (key != KEY_NONE)
			places->at[key] = r->at;
		if (key != KEY_NONE && keys[key].kind == KIND_OBJECT && kind == JSON_OBJECT)
			find_places(r, key, places);
		else
			json_skip(r);
	}
}

static void find_from(struct json_reader *r, size_t at, struct places *places)
{
	r->at = at;
	if (json_peek(r) == JSON_OBJECT)
		find_places(r, KEY_JOBS, places);
}

static void side_init(struct side *side, const struct config *config, const struct job *job)
{
	size_t defaults_at;

	*side = (struct side){.config = config, .job = job};
	if (!job)
		return;
	defaults_at = generation_of(config)->defaults_at;
	json_init(&side->r, config->text, config->length, CONFIG_DEPTH_MAX, NULL, NULL);
	find_from(&side->r, around_of(side)->at, &side->own);
	if (defaults_at)
		find_from(&side->r, defaults_at, &side->defaults);
}

/* The other names a value may be written under, cron-manager's. */
static enum key alias_of(enum key key)
{
	switch ((int)key) {
	case KEY_TIMEOUT: return KEY_COMMAND_TIMEOUT;
	case KEY_FLY_APP: return KEY_APP_NAME;
	case KEY_FLY_REGION: return KEY_REGION;
	case KEY_FLY_CONFIG: return KEY_CONFIG;
	default: return KEY_NONE;
	}
}

static bool find_key(const struct places *places, enum key key, size_t *found)
{
	enum key alias = alias_of(key);

	*found = places->at[key];
	if (!*found && alias != KEY_NONE)
		*found = places->at[alias];
	return *found != 0;
}

/* "${NAME}" as "(hidden)", wherever it stands in the JSON; $${ is no such thing. */
static const char *hide(struct arena *arena, const char *json, bool *is_hidden)
{
	struct buf out = {0};

	for (const char *at = json; *at; at++) {
		const char *end = at[0] == '$' && at[1] == '{' ? strchr(at, '}') : NULL;

		if (at[0] == '$' && at[1] == '$' && at[2] == '{') {
			buf_add(&out, at, 3);
			at += 2;
		} else if (end) {
			buf_text(&out, HIDDEN);
			*is_hidden = true;
			at = end;
		} else {
			buf_char(&out, *at);
		}
	}
	const char *copy = arena_text(arena, buf_string(&out));
	buf_finish(&out);
	return copy;
}

static const char *json_at(struct side *side, struct arena *arena, size_t at)
{
	struct buf json = {0};

	side->r.at = at;
	json_compact(&side->r, &json);
	const char *copy = arena_text(arena, buf_string(&json));
	buf_finish(&json);
	return copy;
}

static bool is_left_to_the_shell(const struct side *side, enum key key)
{
	return key == KEY_COMMAND && side->job->process.shell &&
	       side->job->executor == EXECUTOR_PROCESS;
}

/* As it was written, in the job, in "defaults", or nowhere. */
static const char *value_of(struct side *side, struct arena *arena, enum key key, bool *is_hidden)
{
	size_t at;

	if (!side->job)
		return NULL;
	if (!find_key(&side->own, key, &at) && !find_key(&side->defaults, key, &at))
		return keys[key].default_json;
	const char *json = json_at(side, arena, at);
	return keys[key].is_expanded && !is_left_to_the_shell(side, key)
		       ? hide(arena, json, is_hidden)
		       : json;
}

static struct key_change *add(struct comparison *c, const char *path)
{
	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : 8;
		struct key_change *items = arena_array(c->arena, struct key_change, capacity);

		if (c->count)
			memcpy(items, c->items, c->count * sizeof(*items));
		c->items = items;
		c->capacity = capacity;
	}
	c->items[c->count] = (struct key_change){.path = path};
	return &c->items[c->count++];
}

static void add_key(struct comparison *c, enum key key, const char *before, const char *after,
		    bool is_hidden)
{
	struct key_change *change = add(c, keys[key].path + strlen("jobs[]."));

	change->before = before;
	change->after = after;
	change->is_hidden = is_hidden;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* ---- env, by name ---- */

static const struct env_var *env_find(const struct job *job, const char *name)
{
	for (size_t i = 0; i < job->env_count; i++)
		if (strcmp(job->env[i].name, name) == 0)
			return &job->env[i];
	return NULL;
}

static const char *env_shown(struct arena *arena, const struct env_var *var)
{
	struct buf json = {0};

	if (!var)
		return NULL;
	if (var->from_environment)
		return HIDDEN_JSON;
	buf_json_string(&json, var->value, strlen(var->value));
	const char *copy = arena_text(arena, buf_string(&json));
	buf_finish(&json);
	return copy;
}

static void compare_variable(struct comparison *c, const struct env_var *old,
			     const struct env_var *var)
{
	assert(old || var);
	if (old && var && strcmp(old->value, var->value) == 0 &&
	    old->from_environment == var->from_environment)
		return;
	struct key_change *change =
		add(c, arena_format(c->arena, "env.%s", var ? var->name : old->name));
	change->before = env_shown(c->arena, old);
	change->after = env_shown(c->arena, var);
	change->is_hidden = (old && old->from_environment) || (var && var->from_environment);
}

static void compare_env(struct comparison *c)
{
	const struct job *old = c->before.job, *job = c->after.job;

	for (size_t i = 0; old && i < old->env_count; i++)
		compare_variable(c, &old->env[i], env_find(job, old->env[i].name));
	for (size_t i = 0; i < job->env_count; i++)
		if (!old || !env_find(old, job->env[i].name))
			compare_variable(c, NULL, &job->env[i]);
}

/* ---- all keys ---- */

/* Passed through and never read: what was written is all there is to compare. */
static bool is_only_text(enum key key)
{
	for (; key != KEY_JOBS && key != KEY_NONE; key = keys[key].parent)
		if (key == KEY_DOCKER || key == KEY_FLY || key == KEY_HTTP || key == KEY_ALERT)
			return true;
	return false;
}

static bool is_changed(const struct comparison *c, enum key key)
{
	return hash_key(c->before.job, around_of(&c->before), key) !=
	       hash_key(c->after.job, around_of(&c->after), key);
}

static bool is_alias(enum key key)
{
	return key == KEY_COMMAND_TIMEOUT || key == KEY_APP_NAME || key == KEY_REGION ||
	       key == KEY_CONFIG;
}

/* A zone that is not written is the file's. */
static const char *zone_of(struct comparison *c, const struct side *side)
{
	return side->job ? arena_format(c->arena, "\"%s\"", side->job->timezone) : NULL;
}

/* Whether the key is worth a look at its text at all. */
static bool may_be_told(const struct comparison *c, enum key key)
{
	size_t at;

	if (!c->before.job)
		return key == KEY_TIMEZONE || find_key(&c->after.own, key, &at);
	return is_only_text(key) || is_changed(c, key);
}

static void compare_leaf(struct comparison *c, enum key key)
{
	bool is_hidden = false;

	if (!may_be_told(c, key))
		return;
	const char *before = value_of(&c->before, c->arena, key, &is_hidden);
	const char *after = value_of(&c->after, c->arena, key, &is_hidden);
	if (key == KEY_TIMEZONE) {
		before = zone_of(c, &c->before);
		after = zone_of(c, &c->after);
	}
	if (!c->before.job || !is_only_text(key) || !is_same_text(before, after))
		add_key(c, key, before, after, is_hidden);
}

static void compare_members(struct comparison *c, enum key parent)
{
	for (int i = (int)parent + 1; i < KEY_COUNT; i++) {
		enum key key = (enum key)i;

		if (keys[key].parent != parent || is_alias(key) || key == KEY_NAME)
			continue;
		if (key == KEY_ENV)
			compare_env(c);
		else if (keys[key].kind == KIND_OBJECT)
			compare_members(c, key);
		else
			compare_leaf(c, key);
	}
}

/* A remote executor's value that came through ${NAME} and is another one now: no text
 * tells, its hash does. */
static void compare_remote(struct comparison *c)
{
	static const enum key remotes[] = {KEY_DOCKER, KEY_FLY, KEY_HTTP};

	for (size_t i = 0; i < sizeof(remotes) / sizeof(remotes[0]); i++) {
		const char *path = keys[remotes[i]].path + strlen("jobs[].");
		bool is_told = false;

		for (size_t k = 0; k < c->count; k++)
			is_told |= strncmp(c->items[k].path, path, strlen(path)) == 0;
		if (!is_told && is_changed(c, remotes[i]))
			add_key(c, remotes[i], HIDDEN_JSON, HIDDEN_JSON, true);
	}
}

size_t config_differences(const struct config *before, const struct job *old,
			  const struct config *after, const struct job *job, struct arena *arena,
			  struct key_change **changes)
{
	struct comparison c = {.arena = arena};

	side_init(&c.before, before, old);
	side_init(&c.after, after, job);
	compare_members(&c, KEY_JOBS);
	if (old)
		compare_remote(&c);
	if (old)
		json_finish(&c.before.r);
	json_finish(&c.after.r);
	*changes = c.items;
	return c.count;
}
