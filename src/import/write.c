/* write.c - the jobs as schedules.json, what all have in common in "defaults". */
#include <assert.h>
#include <string.h>

#include "entry.h"

static const char *const key_names[IMPORT_KEY_COUNT] = {
	[IMPORT_NAME] = "name",         [IMPORT_DESCRIPTION] = "description",
	[IMPORT_SCHEDULE] = "schedule", [IMPORT_TIMEZONE] = "timezone",
	[IMPORT_JITTER] = "jitter",     [IMPORT_ENABLED] = "enabled",
	[IMPORT_COMMAND] = "command",   [IMPORT_SHELL] = "shell",
	[IMPORT_CWD] = "cwd",           [IMPORT_USER] = "user",
	[IMPORT_UMASK] = "umask",       [IMPORT_ENV] = "env",
	[IMPORT_ENV_FILE] = "env_file", [IMPORT_LIMITS] = "limits",
	[IMPORT_DOCKER] = "docker",     [IMPORT_FLY] = "fly",
	[IMPORT_TIMEOUT] = "timeout",   [IMPORT_GRACE] = "grace",
	[IMPORT_RETRY] = "retry",       [IMPORT_OVERLAP] = "overlap",
	[IMPORT_CATCHUP] = "catchup",   [IMPORT_CATCHUP_WINDOW] = "catchup_window",
	[IMPORT_KEEP] = "keep",
};

/* Keys that may stand in "defaults" and say the same there for every job. */
static bool may_be_default(enum import_key key)
{
	return key >= IMPORT_SHELL && key != IMPORT_DOCKER && key != IMPORT_FLY;
}

struct result {
	const char *timezone;
	const char *defaults[IMPORT_KEY_COUNT];
	size_t jobs;
};

static const char *common_value(const struct import *im, enum import_key key)
{
	const char *value = NULL;

	for (size_t i = 0; i < im->entry_count; i++) {
		const struct import_entry *e = im->entries[i];

		if (e->is_left)
			continue;
		if (!e->values[key] || (value && strcmp(value, e->values[key]) != 0))
			return NULL;
		value = e->values[key];
	}
	return value;
}

static struct result collect(const struct import *im)
{
	struct result result = {.jobs = import_jobs(im)};

	for (size_t i = 0; i < im->entry_count && !result.timezone; i++)
		if (!im->entries[i]->is_left)
			result.timezone = im->entries[i]->zone;
	for (int key = 0; result.jobs > 1 && key < IMPORT_KEY_COUNT; key++)
		if (may_be_default((enum import_key)key))
			result.defaults[key] = common_value(im, (enum import_key)key);
	return result;
}

/* Compact JSON with a blank behind each colon and comma. */
static void add_spaced(struct buf *out, const char *json)
{
	bool in_string = false;

	for (; *json; json++) {
		buf_char(out, *json);
		if (in_string && *json == '\\')
			buf_char(out, *++json);
		else if (*json == '"')
			in_string = !in_string;
		else if (!in_string && (*json == ',' || *json == ':'))
			buf_char(out, ' ');
	}
}

static void add_member(struct buf *out, const char *indent, const char *key, const char *json)
{
	buf_format(out, "%s\"%s\": ", indent, key);
	add_spaced(out, json);
}

static void add_job(struct buf *out, const struct import_entry *e, const struct result *result)
{
	const char *lead = "";

	buf_text(out, "    {\n");
	for (int key = 0; key < IMPORT_KEY_COUNT; key++) {
		if (!e->values[key] || result->defaults[key])
			continue;
		buf_text(out, lead);
		add_member(out, "      ", key_names[key], e->values[key]);
		lead = ",\n";
	}
	buf_text(out, "\n    }");
}

static void add_defaults(struct buf *out, const struct result *result)
{
	const char *lead = "  \"defaults\": {\n";

	for (int key = 0; key < IMPORT_KEY_COUNT; key++) {
		if (!result->defaults[key])
			continue;
		buf_text(out, lead);
		add_member(out, "    ", key_names[key], result->defaults[key]);
		lead = ",\n";
	}
	if (*lead == ',')
		buf_text(out, "\n  },\n");
}

static void add_jobs(struct import *im, struct buf *out, const struct result *result)
{
	const char *lead = "\n";

	buf_text(out, "  \"jobs\": [");
	for (size_t i = 0; i < im->entry_count && out->length < IMPORT_RESULT_MAX; i++) {
		struct import_entry *e = im->entries[i];

		if (e->is_left)
			continue;
		assert(e->zone && result->timezone);
		if (strcmp(e->zone, result->timezone) != 0)
			entry_text(e, IMPORT_TIMEZONE, e->zone);
		buf_text(out, lead);
		add_job(out, e, result);
		lead = ",\n";
	}
	buf_text(out, result->jobs ? "\n  ]\n" : "]\n");
}

bool import_write(struct import *im, struct buf *json, struct err *err)
{
	struct result result = collect(im);

	buf_text(json, "{\n");
	if (result.timezone) {
		buf_text(json, "  \"timezone\": ");
		buf_json_string(json, result.timezone, strlen(result.timezone));
		buf_text(json, ",\n");
	}
	add_defaults(json, &result);
	add_jobs(im, json, &result);
	buf_text(json, "}\n");
	if (json->length >= IMPORT_RESULT_MAX)
		return err_set(err, "the result is larger than %d MiB; import it in parts",
			       IMPORT_RESULT_MAX >> 20);
	return true;
}
