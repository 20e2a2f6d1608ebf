/* value.c - one value by its row in the table of keys: which reader takes it, and the
 * members of objects; see keys.h and value.h. */
#include "value.h"

#include <string.h>

#include "str.h"

void *value_target(const struct slot *s)
{
	return (char *)s->d + s->row->offset;
}

bool value_wrong(const struct slot *s, const char *wanted)
{
	const struct json_reader *r = &s->l->json;
	char piece[SHOWN_MAX];

	return loader_tell(s->l, SEVERITY_ERROR, s->at, r->at - s->at,
			   "%s is not right here; it is %s",
			   shown(r->text + s->at, r->at - s->at, piece), wanted);
}

const char *value_article(const char *type)
{
	static const char *const without[] = {"one of", "true or", "octal", "hour,"};

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (strncmp(type, without[i], strlen(without[i])) == 0)
			return "";
	return strchr("aeiou", *type) ? "an " : "a ";
}

static void read_switch(struct slot *s)
{
	bool value = false;

	json_bool(&s->l->json, &value);
	if (s->row->is_kept)
		memcpy(value_target(s), &value, sizeof(value));
}

static void read_skipped(struct slot *s)
{
	json_skip(&s->l->json);
}

static void read_object(struct slot *s)
{
	value_members(s->l, s->d, (enum key)(s->row - keys));
}

static value_read_fn *const readers[KIND_COUNT] = {
	[KIND_TEXT] = value_read_text,
	[KIND_ZONE] = value_read_zone,
	[KIND_DURATION] = value_read_duration,
	[KIND_INTEGER] = value_read_integer,
	[KIND_SIZE] = value_read_size,
	[KIND_FRACTION] = value_read_fraction,
	[KIND_SWITCH] = read_switch,
	[KIND_WORD] = value_read_word,
	[KIND_OUTCOMES] = value_read_outcomes,
	[KIND_TEXTS] = value_read_texts,
	[KIND_NAMES] = value_read_texts,
	[KIND_INTEGERS] = value_read_integers,
	[KIND_MAP] = value_read_map,
	[KIND_UMASK] = value_read_umask,
	[KIND_STATUS] = value_read_status,
	[KIND_CALENDAR] = value_read_calendar,
	[KIND_OBJECT] = read_object,
	/* Read when the rest of the job is known, or not at all. */
	[KIND_COMMAND] = read_skipped,
	[KIND_SCHEDULE] = read_skipped,
	[KIND_ANY] = read_skipped,
	[KIND_DEFAULTS] = read_skipped,
	[KIND_JOBS] = read_skipped,
};

/* Words such as None were told by the checking pass and read as null. */
static void wrong_type(const struct slot *s, enum json_kind kind)
{
	const struct json_reader *r = &s->l->json;
	size_t length = r->at - s->at;

	if (kind == JSON_NULL && (length != 4 || memcmp(r->text + s->at, "null", 4) != 0))
		return;
	loader_tell(s->l, SEVERITY_ERROR, s->at, length, "\"%s\" cannot be %s; it takes %s%s",
		    s->row->name, json_kind_words(kind), value_article(s->row->type), s->row->type);
}

void value_read(struct loader *l, struct draft *d, enum key key)
{
	struct json_reader *r = &l->json;
	enum json_kind kind = json_peek(r);
	struct slot slot = {l, d, &keys[key], r->at};

	d->spots[key].at = r->at;
	d->spots[key].is_default = l->in_defaults;
	if (1u << kind & kind_takes(keys[key].kind)) {
		readers[keys[key].kind](&slot);
	} else {
		json_skip(r);
		wrong_type(&slot, kind);
	}
	d->spots[key].length = r->at - d->spots[key].at;
}

static void unknown_member(struct loader *l, enum key parent, struct json_piece piece)
{
	char copy[SHOWN_MAX];
	size_t length;
	const char *name = json_piece_text(&l->json, piece, &l->scratch, &length);
	const char *near =
		report_has_room(&l->report) ? key_nearest(parent, l->in_defaults, name) : NULL;

	shown(name, length, copy);
	if (near)
		loader_tell(l, SEVERITY_ERROR, piece.at - 1, piece.length + 2,
			    "unknown key \"%s\"; did you mean \"%s\"?", copy, near);
	else
		loader_tell(l, SEVERITY_ERROR, piece.at - 1, piece.length + 2,
			    "unknown key \"%s\"; `belfry keys` lists those there are", copy);
}

static void read_member(struct loader *l, struct draft *d, enum key parent, struct json_piece piece)
{
	enum key key = key_find(parent, &l->json, piece);

	if (key == KEY_NONE) {
		unknown_member(l, parent, piece);
		json_skip(&l->json);
		return;
	}
	if (l->in_defaults && keys[key].is_job_only) {
		loader_tell(l, SEVERITY_ERROR, piece.at - 1, piece.length + 2,
			    "\"%s\" says what one job is and cannot be a default; move it into the "
			    "jobs",
			    keys[key].name);
		json_skip(&l->json);
		return;
	}
	d->spots[key].key_at = piece.at - 1;
	d->spots[key].key_length = piece.length + 2;
	value_read(l, d, key);
}

/* Something has to be asked. */
static void check_verify(struct loader *l, const struct draft *d, size_t at)
{
	if (!is_written(d, KEY_VERIFY_URL) && !is_written(d, KEY_VERIFY_FLY))
		loader_tell(l, SEVERITY_ERROR, at, 1,
			    "\"url\" is missing: the address that is asked; or \"fly\", the app on "
			    "Fly whose Machines are asked for; or both");
}

void value_members(struct loader *l, struct draft *d, enum key parent)
{
	struct json_piece piece = {0};
	size_t at = l->json.at;

	json_open(&l->json);
	while (json_next_member(&l->json, &piece))
		read_member(l, d, parent, piece);
	for (int i = (int)parent + 1; i < KEY_COUNT && !l->in_defaults; i++)
		if (keys[i].parent == parent && keys[i].is_required && !is_written(d, (enum key)i))
			loader_tell(l, SEVERITY_ERROR, at, 1, "\"%s\" is missing: %s", keys[i].name,
				    keys[i].summary);
	if (parent == KEY_VERIFY && !l->in_defaults)
		check_verify(l, d, at);
}
