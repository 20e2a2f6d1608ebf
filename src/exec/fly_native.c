/* fly_native.c - Machines of Fly's own schedule; see fly_native.h. */
#include "fly_native.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fly_machine.h"
#include "str.h"

/* Where nothing is said it runs once each time: Fly's default is up to ten times. Destroyed
 * by itself it would not come again. */
static void set_life(json_t *config, struct buf *notes)
{
	json_t *restart = json_object_get(config, "restart");

	if (!json_is_string(json_object_get(restart, "policy")))
		fly_config_text(fly_config_object(config, "restart"), "policy", "no");
	if (json_is_true(json_object_get(config, "auto_destroy")))
		buf_text(notes, "config.auto_destroy is left out: the Machine would be gone after "
				"its first run\n");
	json_object_set_new(config, "auto_destroy", json_false());
}

static void set_env(json_t *config, const struct job *job)
{
	if (!job->env_count)
		return;
	json_t *env = fly_config_object(config, "env");

	for (size_t i = 0; i < job->env_count; i++)
		fly_config_text(env, job->env[i].name, job->env[i].value);
}

static void hash_config(const json_t *config, char hash[FLY_HASH_MAX])
{
	unsigned char digest[(FLY_HASH_MAX - 1) / 2];
	char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);

	crypto_generichash(digest, sizeof(digest), (const unsigned char *)text, strlen(text), NULL,
			   0);
	sodium_bin2hex(hash, FLY_HASH_MAX, digest, sizeof(digest));
	free(text);
}

json_t *fly_native_config(const struct job *job, const char *image, char hash[FLY_HASH_MAX],
			  struct buf *notes)
{
	json_t *fly = json_loads(job->remote.json, 0, NULL);
	json_t *config = json_object_get(fly, "config"), *guest = json_object_get(fly, "guest");

	config = json_is_object(config) ? json_deep_copy(config) : json_object();
	fly_config_leave_out(config, true, notes);
	set_life(config, notes);
	if (image)
		fly_config_text(config, "image", image);
	fly_config_command(config, job, false);
	set_env(config, job);
	if (guest)
		json_object_set(config, "guest", guest);
	fly_config_text(config, "schedule", job->remote.native);
	fly_config_text(fly_config_object(config, "metadata"), FLY_META_NATIVE, job->name);
	json_object_del(json_object_get(config, "metadata"), FLY_META_HASH);
	hash_config(config, hash);
	fly_config_text(json_object_get(config, "metadata"), FLY_META_HASH, hash);
	json_decref(fly);
	return config;
}

const char *fly_native_name(const struct job *job, const struct fly_spec *spec,
			    char text[FLY_NAME_MAX])
{
	uint64_t hash = str_hash(STR_HASH_INIT, job->name, strlen(job->name) + 1);
	char slug[FLY_SLUG_MAX];

	for (size_t i = 0; i < spec->region_count; i++)
		hash = str_hash(hash, spec->regions[i], strlen(spec->regions[i]) + 1);
	fly_slug(job->name, slug);
	snprintf(text, FLY_NAME_MAX, "belfry-%s%s%08x", slug, *slug ? "-" : "",
		 (unsigned)(hash ^ hash >> 32));
	return text;
}
