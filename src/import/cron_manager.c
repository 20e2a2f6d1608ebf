/* cron_manager.c - cron-manager's schedules.json; see cron_manager.h. */
#include "cron_manager.h"

#include <stdlib.h>
#include <string.h>

#include "argv.h"
#include "config.h"
#include "json_read.h"

enum { TIMEOUT_USUAL_S = 30 };

/* ---- one schedule as a job ---- */

static void set_enabled(struct import_entry *e, const struct cm_schedule *s)
{
	if (s->has_enabled && s->enabled)
		return;
	entry_json(e, IMPORT_ENABLED, "false");
	if (s->has_enabled)
		entry_carried(e, "enabled");
	else
		entry_tell(e, IMPORT_DIFFERS, s->at, "enabled",
			   "an absent \"enabled\" means false in cron-manager and true in belfry: "
			   "it is written out");
}

static void set_timeout(struct import_entry *e, const struct cm_schedule *s)
{
	int64_t seconds = s->timeout_s ? s->timeout_s : TIMEOUT_USUAL_S;

	entry_duration(e, IMPORT_TIMEOUT, seconds * 1000);
	if (s->timeout_s)
		entry_carried(e, "command_timeout");
	else
		entry_tell(e, IMPORT_DIFFERS, s->at, "timeout",
			   "none is written, which cron-manager takes for %ds: it is written out",
			   TIMEOUT_USUAL_S);
}

static bool set_command(struct import_entry *e, const struct cm_schedule *s)
{
	struct argv_problem problem;
	struct text_list words;

	if (s->command_json) {
		entry_json(e, IMPORT_COMMAND, s->command_json);
		entry_tell(e, IMPORT_DIFFERS, s->at, "command",
			   "cron-manager cannot read a list of words; it is kept");
		return true;
	}
	if (!s->command || !s->command[strspn(s->command, " \t\n")])
		return true;
	if (!argv_split(s->command, &e->im->arena, &words, NULL, &problem))
		return import_fault(e->im, s->at, s->command, "command: %s", problem.message);
	if (argv_shell_word(&words))
		entry_tell(e, IMPORT_DIFFERS, s->at, "shell",
			   "%s is an ordinary word of the command there as here: neither runs "
			   "a shell",
			   argv_shell_word(&words));
	entry_literal(e, IMPORT_COMMAND, s->command);
	entry_carried(e, "command");
	return true;
}

static void set_fly(struct import_entry *e, const struct cm_schedule *s)
{
	struct buf json = {0};

	buf_json_open(&json, NULL, '{');
	buf_json_text(&json, "app", text_literal(&e->im->arena, s->app));
	if (s->region && *s->region)
		buf_json_text(&json, "region", text_literal(&e->im->arena, s->region));
	if (s->config)
		buf_json_raw(&json, "config", s->config);
	buf_json_close(&json, '}');
	entry_json(e, IMPORT_FLY, buf_string(&json));
	entry_carried(e, "app, region, config");
	buf_finish(&json);
}

struct import_entry *cron_manager_add(struct import *im, const struct cm_schedule *s)
{
	struct import_entry *e = entry_add(im, IMPORT_CRON_MANAGER, s->at, s->name ? s->name : "");

	if (!e)
		return NULL;
	if (!s->name || !*s->name || !s->app || !*s->app || !s->schedule) {
		import_fault(im, s->at, NULL,
			     "a schedule has \"name\", \"app_name\" and "
			     "\"schedule\"");
		return NULL;
	}
	entry_name_as(e, s->name, s->at);
	if (!entry_schedule(e, s->schedule, NULL, s->schedule_at, s->is_verbatim) ||
	    !set_command(e, s))
		return NULL;
	set_enabled(e, s);
	set_timeout(e, s);
	set_fly(e, s);
	entry_text(e, IMPORT_OVERLAP, "allow");
	entry_text(e, IMPORT_CATCHUP, "none");
	return e;
}

void cron_manager_remark(struct import *im, struct import_place at)
{
	import_remark(im, IMPORT_CARRIED, at, "overlap",
		      "cron-manager starts a Machine while the one before still runs: kept by "
		      "\"overlap\": \"allow\"; \"forbid\", belfry's usual, would skip it");
	import_remark(im, IMPORT_CARRIED, at, "catch-up",
		      "cron-manager does not make up for what fell due while it was down: kept by "
		      "\"catchup\": \"none\"");
	import_remark(im, IMPORT_CARRIED, at, "time zone",
		      "its cron follows the clock of its Machine, taken to be %s%s",
		      kind_zone(im, IMPORT_CRON_MANAGER),
		      im->world.timezone ? "" : "; say --tz if that is another");
	import_remark(im, IMPORT_DIFFERS, at, "timeout",
		      "cron-manager destroys a Machine that is over time at once; belfry asks it "
		      "to end first, and waits for \"grace\"");
	import_remark(im, IMPORT_DIFFERS, at, "machine",
		      "runs of jobs with \"fly\" end as failed, \"not in this build yet\"; the "
		      "file is good all the same");
}

/* ---- its file ---- */

struct reading {
	struct import *im;
	const struct import_source *source;
	struct json_reader r;
	size_t line_at; /* where the line counted last begins */
	uint32_t line;
};

/* Places come in rising order mostly, so that lines are counted on from the last. */
static struct import_place place(struct reading *in, size_t at)
{
	const char *text = in->source->text;

	if (at < in->line_at)
		in->line_at = in->line = 0;
	for (const char *end; (end = memchr(text + in->line_at, '\n', at - in->line_at));)
		in->line_at = (size_t)(end - text) + 1, in->line++;
	return (struct import_place){in->source->path, in->line + 1,
				     (uint32_t)(at - in->line_at) + 1};
}

static void tell(void *context, size_t at, size_t length, const char *message)
{
	struct reading *in = context;

	(void)length;
	import_fault(in->im, place(in, at), NULL, "%s", message);
}

static bool wrong_kind(struct reading *in, size_t at, const char *key, const char *wanted)
{
	json_skip(&in->r);
	return import_fault(in->im, place(in, at), NULL, "\"%s\" is %s", key, wanted);
}

/* The offset at which the value that comes next begins. */
static size_t value_at(struct reading *in)
{
	json_peek(&in->r);
	return in->r.at;
}

static bool take_text(struct reading *in, const char *key, const char **text)
{
	size_t at = value_at(in);
	struct json_piece piece = {0};

	if (json_peek(&in->r) != JSON_STRING)
		return wrong_kind(in, at, key, "a text in double quotes");
	json_take_string(&in->r, &piece);
	*text = json_piece_text(&in->r, piece, &in->im->arena, NULL);
	return true;
}

static void take_schedule(struct reading *in, struct cm_schedule *s)
{
	size_t at = value_at(in);

	if (!take_text(in, "schedule", &s->schedule))
		return;
	s->schedule_at = place(in, at + 1);
	s->is_verbatim = in->r.at - at == strlen(s->schedule) + 2;
}

static void take_compact(struct reading *in, const char **json)
{
	struct buf out = {0};

	json_compact(&in->r, &out);
	*json = arena_text(&in->im->arena, buf_string(&out));
	buf_finish(&out);
}

/* The list with ${ made literal: each word anew. */
static void take_words(struct reading *in, struct cm_schedule *s)
{
	struct buf out = {0};

	buf_json_open(&out, NULL, '[');
	json_open(&in->r);
	while (json_next_item(&in->r)) {
		const char *text = "";

		if (take_text(in, "command", &text))
			buf_json_text(&out, NULL, text_literal(&in->im->arena, text));
	}
	buf_json_close(&out, ']');
	s->command_json = arena_text(&in->im->arena, buf_string(&out));
	buf_finish(&out);
}

static void take_command(struct reading *in, struct cm_schedule *s)
{
	if (json_peek(&in->r) == JSON_ARRAY)
		take_words(in, s);
	else
		take_text(in, "command", &s->command);
}

static void take_timeout(struct reading *in, struct cm_schedule *s)
{
	size_t at = value_at(in);
	struct json_piece piece = {0};

	if (json_peek(&in->r) != JSON_NUMBER) {
		wrong_kind(in, at, "command_timeout", "a whole number of seconds");
		return;
	}
	json_number(&in->r, &piece);
	if (piece.length > 9 || strspn(in->source->text + piece.at, "0123456789") < piece.length)
		import_fault(in->im, place(in, at), NULL,
			     "\"command_timeout\" is a whole number of seconds");
	else
		s->timeout_s = strtoll(in->source->text + piece.at, NULL, 10);
}

static void take_enabled(struct reading *in, struct cm_schedule *s)
{
	size_t at = value_at(in);

	if (json_peek(&in->r) != JSON_BOOL) {
		wrong_kind(in, at, "enabled", "true or false");
		return;
	}
	json_bool(&in->r, &s->enabled);
	s->has_enabled = true;
}

static void take_config(struct reading *in, struct cm_schedule *s)
{
	size_t at = value_at(in);

	if (json_peek(&in->r) == JSON_OBJECT)
		take_compact(in, &s->config);
	else
		wrong_kind(in, at, "config", "an object, the Machine's config");
}

static void take_member(struct reading *in, struct json_piece key, struct cm_schedule *s)
{
	const char *name = json_piece_text(&in->r, key, &in->im->arena, NULL);

	if (json_peek(&in->r) == JSON_NULL)
		json_skip(&in->r);
	else if (strcmp(name, "name") == 0)
		take_text(in, name, &s->name);
	else if (strcmp(name, "app_name") == 0)
		take_text(in, name, &s->app);
	else if (strcmp(name, "region") == 0)
		take_text(in, name, &s->region);
	else if (strcmp(name, "schedule") == 0)
		take_schedule(in, s);
	else if (strcmp(name, "command") == 0)
		take_command(in, s);
	else if (strcmp(name, "command_timeout") == 0)
		take_timeout(in, s);
	else if (strcmp(name, "enabled") == 0)
		take_enabled(in, s);
	else if (strcmp(name, "config") == 0)
		take_config(in, s);
	else
		json_skip(&in->r);
}

static bool is_known(const char *name)
{
	static const char *const names[] = {"id",       "name",    "app_name",        "region",
					    "schedule", "command", "command_timeout", "enabled",
					    "config"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

struct unknown {
	struct buf keys;
	struct import_place at;
};

static void note_unknown(struct reading *in, struct json_piece key, struct unknown *unknown)
{
	const char *name = json_piece_text(&in->r, key, &in->im->arena, NULL);

	if (is_known(name) || unknown->keys.length > 500)
		return;
	if (!unknown->keys.length)
		unknown->at = place(in, key.at);
	buf_format(&unknown->keys, "%s%s", unknown->keys.length ? ", " : "",
		   text_short(&in->im->arena, name, strlen(name)));
}

static void take_object(struct reading *in)
{
	struct cm_schedule s = {.at = place(in, value_at(in))};
	size_t faults = in->im->faults_told;
	struct unknown unknown = {0};
	struct json_piece key;

	json_open(&in->r);
	while (json_next_member(&in->r, &key)) {
		note_unknown(in, key, &unknown);
		take_member(in, key, &s);
	}
	struct import_entry *e =
		in->im->faults_told == faults ? cron_manager_add(in->im, &s) : NULL;
	if (e && unknown.keys.length)
		entry_tell(e, IMPORT_LEFT, unknown.at, "keys",
			   "%s: cron-manager does not know them either", buf_string(&unknown.keys));
	buf_finish(&unknown.keys);
}

static void take_item(struct reading *in)
{
	size_t at = value_at(in);

	if (json_peek(&in->r) == JSON_OBJECT) {
		take_object(in);
		return;
	}
	json_skip(&in->r);
	import_fault(in->im, place(in, at), NULL, "a schedule is an object");
}

static void take_root(struct reading *in)
{
	size_t at = value_at(in);

	switch (json_peek(&in->r)) {
	case JSON_OBJECT: take_object(in); return;
	case JSON_ARRAY:
		json_open(&in->r);
		while (!in->im->is_full && json_next_item(&in->r))
			take_item(in);
		return;
	case JSON_STRING:
	case JSON_NUMBER:
	case JSON_BOOL:
	case JSON_NULL:
	case JSON_NONE:
		import_fault(in->im, place(in, at), NULL,
			     "cron-manager's file is a list of schedules");
		return;
	}
}

void cron_manager_translate(struct import *im, const struct import_source *source)
{
	struct reading in = {.im = im, .source = source};
	size_t faults = im->faults_told;

	/* An empty file has no schedules. */
	if (!source->text[strspn(source->text, " \t\r\n")])
		return;
	json_init(&in.r, source->text, source->length, CONFIG_DEPTH_MAX, tell, &in);
	bool ok = json_check(&in.r);
	json_finish(&in.r);
	if (!ok || im->faults_told > faults)
		return;
	json_init(&in.r, source->text, source->length, CONFIG_DEPTH_MAX, NULL, NULL);
	take_root(&in);
	json_finish(&in.r);
	cron_manager_remark(im, (struct import_place){source->path, 0, 0});
}
