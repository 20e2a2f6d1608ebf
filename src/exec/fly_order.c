/* fly_order.c - what is asked of Fly for a run; see fly_order.h. */
#include "fly_order.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fly_machine.h"

#define CURRENT "current"

/* ---- what the job says ---- */

/* "cdg, ams": the second where the first has no room. */
static void take_regions(const char *text, struct arena *arena, struct fly_spec *spec)
{
	size_t most = 1;

	for (const char *at = text; *at; at++)
		most += *at == ',';
	const char **regions = arena_array(arena, const char *, most);
	while (*text) {
		text += strspn(text, ", \t");
		size_t length = strcspn(text, ", \t");

		if (length)
			regions[spec->region_count++] = arena_copy(arena, text, length);
		text += length;
	}
	spec->regions = regions;
}

static bool has_image(const json_t *fly)
{
	return json_is_string(json_object_get(json_object_get(fly, "config"), "image"));
}

bool fly_spec_read(const struct job *job, struct arena *arena, struct fly_spec *spec,
		   struct err *err)
{
	json_t *fly = json_loads(job->remote.json, 0, NULL);
	const char *app = json_string_value(json_object_get(fly, "app"));
	const char *region = json_string_value(json_object_get(fly, "region"));
	const char *image = json_string_value(json_object_get(fly, "image"));
	const char *group = json_string_value(json_object_get(fly, "process_group"));
	bool ok = true;

	*spec = (struct fly_spec){.app = app ? arena_text(arena, app) : NULL,
				  .image = image ? arena_text(arena, image) : NULL,
				  .group = group ? arena_text(arena, group) : NULL,
				  .is_cron_manager =
					  json_is_true(json_object_get(fly, "cron_manager"))};
	take_regions(region ? region : "", arena, spec);
	if (!app || !*app)
		ok = err_set(err, "the job names no Fly app");
	else if (!image && !has_image(fly))
		ok = err_set(err, "the job names no image; write \"image\": \"current\" in \"fly\" "
				  "for the app's own, or config.image");
	json_decref(fly);
	return ok;
}

bool fly_spec_is_current(const struct fly_spec *spec)
{
	return spec->image && strcmp(spec->image, CURRENT) == 0;
}

/* ---- the name ---- */

const char *fly_slug(const char *name, char text[FLY_SLUG_MAX])
{
	size_t length = 0;

	for (const char *at = name; *at && length < FLY_SLUG_MAX - 1; at++) {
		bool is_plain = isascii((unsigned char)*at) && isalnum((unsigned char)*at);

		if (is_plain)
			text[length++] = (char)tolower((unsigned char)*at);
		else if (length > 0 && text[length - 1] != '-')
			text[length++] = '-';
	}
	while (length > 0 && text[length - 1] == '-')
		length--;
	text[length] = '\0';
	return text;
}

const char *fly_order_name(const struct job *job, const struct run *run, char text[FLY_NAME_MAX])
{
	char name[FLY_SLUG_MAX], id[RUN_ID_TEXT_MAX];

	fly_slug(job->name, name);
	snprintf(text, FLY_NAME_MAX, "belfry-%s%s%s-%d", name, *name ? "-" : "",
		 run_id_format(run->id, id), run->attempt);
	return text;
}

/* ---- the config ---- */

/* What it was left out for. */
static const struct {
	const char *key, *why;
	bool may_native; /* a native job has one Machine, and that for good */
} left_out[] = {
	{"services", "the Machine would be sent the app's traffic", false},
	{"checks", "nothing answers them", false},
	{"schedule", "Fly would start it again by itself", false},
	{"standbys", "Fly would start it in place of another one", false},
	{"mounts", "a volume is one Machine's alone", true},
	{"statics", "they belong to services", false},
};

void fly_config_leave_out(json_t *config, bool is_native, struct buf *notes)
{
	json_t *metadata = json_object_get(config, "metadata");
	static const char *const platform[] = {"fly_platform_version", "fly_release_id",
					       "fly_release_version", "fly_flyctl_version"};

	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
		const json_t *value = json_object_get(config, left_out[i].key);

		if (!value || (is_native && left_out[i].may_native))
			continue;
		if (json_array_size(value) || json_object_size(value) || json_is_string(value))
			buf_format(notes, "config.%s is left out: %s\n", left_out[i].key,
				   left_out[i].why);
		json_object_del(config, left_out[i].key);
	}
	for (size_t i = 0; i < sizeof(platform) / sizeof(platform[0]); i++) {
		if (!json_object_get(metadata, platform[i]))
			continue;
		buf_format(notes,
			   "config.metadata.%s is left out: `fly deploy` would take the Machine "
			   "for one of the app's\n",
			   platform[i]);
		json_object_del(metadata, platform[i]);
	}
}

/* The object of that name; made, or put in place of what is none. */
json_t *fly_config_object(json_t *parent, const char *key)
{
	json_t *value = json_object_get(parent, key);

	if (!json_is_object(value)) {
		value = json_object();
		json_object_set_new(parent, key, value);
	}
	return value;
}

void fly_config_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);

	/* No JSON text: no UTF-8. What is shown of it elsewhere reads the same. */
	json_object_set_new(object, key, value ? value : json_string("?"));
}

static void add_words(json_t *array, const struct text_list *words)
{
	for (size_t i = 0; i < words->count; i++) {
		json_t *word = json_string(words->items[i]);

		json_array_append_new(array, word ? word : json_string("?"));
	}
}

/* init.exec, where the config has one, is all that runs: then it is that. */
void fly_config_command(json_t *config, const struct job *job, bool is_rehearsed)
{
	json_t *init, *words;
	const char *key;

	if (job->argv.count == 0 && !is_rehearsed)
		return; /* the image's own */
	init = fly_config_object(config, "init");
	key = json_array_size(json_object_get(init, "exec")) ? "exec" : "cmd";
	if (job->argv.count) {
		words = json_array();
		add_words(words, &job->argv);
	} else {
		const json_t *there = json_object_get(init, key);

		words = json_is_array(there) ? json_deep_copy(there) : json_array();
	}
	if (is_rehearsed)
		add_words(words, &job->dry_run);
	json_object_set_new(init, key, words);
}

static void set_env(json_t *config, const char *const *env)
{
	json_t *object = fly_config_object(config, "env");

	for (; env && *env; env++) {
		const char *sign = strchr(*env, '=');
		char *name = sign ? strndup(*env, (size_t)(sign - *env)) : NULL;

		if (name)
			fly_config_text(object, name, sign + 1);
		free(name);
	}
}

static void set_metadata(json_t *config, const struct fly_order *order)
{
	json_t *metadata = fly_config_object(config, "metadata");
	char text[RUN_ID_TEXT_MAX], number[16];

	fly_config_text(metadata, FLY_META_RUN, run_id_format(order->run->id, text));
	snprintf(number, sizeof(number), "%d", order->run->attempt);
	fly_config_text(metadata, FLY_META_ATTEMPT, number);
	fly_config_text(metadata, FLY_META_JOB, order->job->name);
	fly_config_text(metadata, FLY_META_HOME, order->home);
	if (order->is_cron_manager)
		fly_config_text(metadata, "managed-by-cron-manager", "true");
}

/* Fly's default would start it up to ten times again; and destroyed by Fly it could not
 * be asked how it ended. */
static void set_once(json_t *config, const struct fly_order *order, struct buf *notes)
{
	json_t *restart = json_object();
	const char *policy =
		json_string_value(json_object_get(json_object_get(config, "restart"), "policy"));

	if (policy && strcmp(policy, "no") != 0)
		buf_format(notes,
			   "config.restart.policy \"%s\" is \"no\" here: a run is one start; "
			   "\"retry\" is for the others\n",
			   policy);
	fly_config_text(restart, "policy", "no");
	json_object_set_new(config, "restart", restart);
	json_object_set_new(config, "auto_destroy", json_false());
	if (order->image)
		fly_config_text(config, "image", order->image);
}

char *fly_order_body(const struct fly_order *order, struct buf *notes)
{
	json_t *fly = json_loads(order->job->remote.json, 0, NULL);
	json_t *body = json_object(), *config = json_object_get(fly, "config");
	const json_t *guest = json_object_get(fly, "guest");
	char name[FLY_NAME_MAX];

	config = json_is_object(config) ? json_deep_copy(config) : json_object();
	fly_config_leave_out(config, false, notes);
	set_once(config, order, notes);
	fly_config_command(config, order->job, order->run->dry_run && order->job->dry_run.count);
	set_env(config, order->env);
	set_metadata(config, order);
	if (guest)
		json_object_set(config, "guest", (json_t *)(uintptr_t)guest);
	fly_config_text(body, "name", fly_order_name(order->job, order->run, name));
	if (order->region)
		fly_config_text(body, "region", order->region);
	json_object_set_new(body, "skip_launch", json_true());
	json_object_set_new(body, "config", config);
	char *text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	json_decref(fly);
	return text;
}
