/* value.c - one value by its row in the table of keys; see keys.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "loader.h"
#include "str.h"

/* The value being read: where it begins, and where it goes. */
struct slot {
	struct loader *l;
	struct draft *d;
	const struct key_row *row;
	size_t at;
};

static void *target(const struct slot *s)
{
	return (char *)s->d + s->row->offset;
}

static bool wrong(const struct slot *s, const char *wanted)
{
	const struct json_reader *r = &s->l->json;
	char piece[SHOWN_MAX];

	return loader_tell(s->l, SEVERITY_ERROR, s->at, r->at - s->at,
			   "%s is not right here; it is %s",
			   shown(r->text + s->at, r->at - s->at, piece), wanted);
}

static const char *article(const char *type)
{
	static const char *const without[] = {"one of", "true or", "octal", "hour,"};

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (strncmp(type, without[i], strlen(without[i])) == 0)
			return "";
	return strchr("aeiou", *type) ? "an " : "a ";
}

static void keep_text(const struct slot *s, const char *text)
{
	if (s->row->is_kept)
		*(const char **)target(s) = intern_text(&s->l->texts, s->l->arena, text);
}

static void keep_number(const struct slot *s, int64_t number)
{
	if (!s->row->is_kept)
		return;
	if (s->row->scale)
		number *= s->row->scale;
	int32_t narrow = (int32_t)number;
	if (s->row->width == sizeof(narrow))
		memcpy(target(s), &narrow, sizeof(narrow));
	else
		memcpy(target(s), &number, sizeof(number));
}

/* Texts. */

struct expansion_place {
	struct loader *l;
	struct json_piece piece;
	size_t from;
};

static void tell_expansion(void *context, size_t at, size_t length, const char *message)
{
	const struct expansion_place *p = context;
	const struct json_reader *r = &p->l->json;
	size_t begin = json_piece_offset(r, p->piece, p->from + at);
	size_t end = json_piece_offset(r, p->piece, p->from + at + length);

	loader_tell(p->l, SEVERITY_ERROR, begin, end - begin, "%s", message);
}

const char *value_expand(struct loader *l, struct json_piece piece, size_t from, const char *text,
			 bool *is_secret)
{
	struct expansion_place place = {l, piece, from};
	struct buf out = {0};

	if (!environment_is_named(text))
		return text;
	bool ok = environment_expand(text, l->world, &out, is_secret, tell_expansion, &place);
	const char *copy = ok ? arena_text(&l->scratch, buf_string(&out)) : NULL;
	buf_finish(&out);
	return copy;
}

const char *value_text(struct loader *l, bool is_expanded, bool *is_secret)
{
	struct json_piece piece = {0};
	bool ignored = false;

	if (!json_string(&l->json, &piece))
		return NULL;
	const char *text = json_piece_text(&l->json, piece, &l->scratch, NULL);
	return is_expanded ? value_expand(l, piece, 0, text, is_secret ? is_secret : &ignored)
			   : text;
}

/* The length and form that the row asks for, of the text as it was written. */
static bool check_text(const struct slot *s, struct json_piece piece)
{
	const struct key_row *row = s->row;
	const struct rule_row *rule = &text_rules[row->rule];
	size_t length;
	const char *text = json_piece_text(&s->l->json, piece, &s->l->scratch, &length);

	if (row->least && length == 0)
		return loader_tell(s->l, SEVERITY_ERROR, s->at, 2,
				   "an empty text; give it, or leave the "
				   "key out");
	if (row->most && length > (size_t)row->most)
		return loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
				   "%zu bytes are too many; at most %lld", length,
				   (long long)row->most);
	return rule->is_met(text) || wrong(s, rule->wanted);
}

/* A string by the row's rules, ready to be kept; NULL with a finding. */
static const char *checked_text(struct slot *s)
{
	struct json_piece piece = {0};
	struct json_reader *r = &s->l->json;

	json_peek(r);
	s->at = r->at;
	json_string(r, &piece);
	if (!check_text(s, piece))
		return NULL;
	r->at = s->at;
	return value_text(s->l, s->row->is_expanded, NULL);
}

/* As it was written, for people. */
static void keep_shown(const struct slot *s)
{
	const char **shown = (const char **)(void *)((char *)s->d + s->row->shown_offset);

	s->l->json.at = s->at;
	*shown = intern_text(&s->l->texts, s->l->arena, value_text(s->l, false, NULL));
}

static void read_text(struct slot *s)
{
	const char *text = checked_text(s);

	if (!text)
		return;
	keep_text(s, text);
	if (s->row->shown_offset)
		keep_shown(s);
}

static void read_zone(struct slot *s)
{
	const struct zone_source *zones = &s->l->zones;
	const char *name = value_text(s->l, false, NULL), *near;
	struct err err = {{0}};
	char piece[SHOWN_MAX];

	const struct zone *zone = zones->get(zones->context, name, &err);
	if (zone) {
		s->d->zone = zone;
		return;
	}
	near = zones->nearest(zones->context, name);
	shown(name, strlen(name), piece);
	if (near)
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "unknown zone \"%s\"; did you mean %s?", piece, near);
	else
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "unknown zone \"%s\": %.200s", piece, err.text);
}

/* Numbers. JSON knows no whole numbers: 5, 5.0 and 5e0 are one. */
static bool whole_number(const struct loader *l, struct json_piece piece, int64_t *number)
{
	char copy[64];
	double value;

	if (piece.length >= sizeof(copy))
		return false;
	memcpy(copy, l->json.text + piece.at, piece.length);
	copy[piece.length] = '\0';
	value = strtod(copy, NULL);
	if (!(value >= -9e15 && value <= 9e15) || value != (double)(int64_t)value)
		return false;
	*number = (int64_t)value;
	return true;
}

static bool out_of_range(const struct slot *s)
{
	return loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			   "out of range; it is a whole number from %lld to %lld",
			   (long long)s->row->least, (long long)s->row->most);
}

static bool read_whole(struct slot *s, int64_t *number)
{
	struct json_piece piece = {0};

	json_peek(&s->l->json);
	s->at = s->l->json.at;
	if (!json_number(&s->l->json, &piece))
		return false;
	if (!whole_number(s->l, piece, number))
		return wrong(s, "a whole number");
	return (*number >= s->row->least && *number <= s->row->most) || out_of_range(s);
}

static void read_integer(struct slot *s)
{
	int64_t number = 0;

	if (read_whole(s, &number))
		keep_number(s, number);
}

static bool has_unit(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && text[length - 1] >= 'a' && text[length - 1] <= 'z';
}

static bool duration_of_text(struct slot *s, int64_t *ms)
{
	const char *text = value_text(s->l, false, NULL);

	if (text && has_unit(text) && str_duration(text, strlen(text), ms))
		return true;
	return wrong(s, "a duration such as \"90s\", \"15m\", \"1h30m\" or \"2d\", or whole "
			"seconds");
}

static bool duration_of_number(struct slot *s, int64_t *ms)
{
	struct json_piece piece = {0};
	int64_t seconds = 0;

	if (!json_number(&s->l->json, &piece))
		return false;
	if (!whole_number(s->l, piece, &seconds) || seconds < 0 || seconds > s->row->most / 1000)
		return wrong(s, "a number of whole seconds, or a duration such as \"1h30m\"");
	*ms = seconds * 1000;
	return true;
}

static void read_duration(struct slot *s)
{
	bool is_text = json_peek(&s->l->json) == JSON_STRING;
	char least[DURATION_TEXT_MAX];
	int64_t ms = 0;

	if (!(is_text ? duration_of_text(s, &ms) : duration_of_number(s, &ms)))
		return;
	if (ms < s->row->least)
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "too short; at least %s", str_duration_format(s->row->least, least));
	else
		keep_number(s, ms);
}

static bool size_of_text(const char *text, int64_t *bytes)
{
	static const char units[] = "KMGT";
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 18)
		return false;
	*bytes = strtoll(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	if (!*end)
		return true;
	if (!unit || (end[1] && strcmp(end + 1, "B") != 0 && strcmp(end + 1, "iB") != 0))
		return false;
	return !__builtin_mul_overflow(*bytes, INT64_C(1) << (10 * (unit - units + 1)), bytes);
}

static void read_size(struct slot *s)
{
	int64_t bytes = 0;

	if (json_peek(&s->l->json) == JSON_NUMBER) {
		read_integer(s);
		return;
	}
	const char *text = value_text(s->l, false, NULL);
	if (!text || !size_of_text(text, &bytes))
		wrong(s, "a size such as \"512M\" or \"2G\" (units of 1024), or whole bytes");
	else if (bytes < s->row->least || bytes > s->row->most)
		out_of_range(s);
	else
		keep_number(s, bytes);
}

static void read_umask(struct slot *s)
{
	const char *text = value_text(s->l, false, NULL);
	size_t digits = text ? strspn(text, "01234567") : 0;
	long mask = text ? strtol(text, NULL, 8) : 0;

	if (!digits || text[digits] || digits > 4 || mask > 0777)
		wrong(s, "one to three octal digits in quotes, as in \"022\"");
	else
		keep_number(s, mask);
}

static void read_switch(struct slot *s)
{
	bool value = false;

	json_bool(&s->l->json, &value);
	if (s->row->is_kept)
		memcpy(target(s), &value, sizeof(value));
}

/* Words. */

static size_t count_words(const char *const *words)
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

/* The index of the string next; -1 with a finding that offers the nearest. */
static int read_index(struct slot *s)
{
	char piece[SHOWN_MAX];
	const char *const *words = s->row->words;

	json_peek(&s->l->json);
	s->at = s->l->json.at;
	const char *word = value_text(s->l, false, NULL);
	if (!word)
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	const char *near = report_has_room(&s->l->report)
				   ? str_nearest(word, words, count_words(words))
				   : NULL;
	shown(word, strlen(word), piece);
	if (near)
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "unknown word \"%s\"; did you mean \"%s\"?", piece, near);
	else
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "unknown word \"%s\"; it takes %s%s", piece, article(s->row->type),
			    s->row->type);
	return -1;
}

static void read_word(struct slot *s)
{
	int index = read_index(s);

	if (index >= 0)
		keep_number(s, index);
}

/* Lists. */

/* Whether the item that comes next is of the kind; else it is told and passed. */
static bool item_is(struct slot *s, unsigned kinds, const char *wanted)
{
	struct json_reader *r = &s->l->json;
	enum json_kind kind = json_peek(r);

	if (1u << kind & kinds)
		return true;
	s->at = r->at;
	json_skip(r);
	return loader_tell(s->l, SEVERITY_ERROR, s->at, r->at - s->at,
			   "%s should be here; this is %s", wanted, json_kind_words(kind));
}

static void read_outcomes(struct slot *s)
{
	unsigned bits = 0;
	enum outcome outcome = OUTCOME_NONE;

	json_open(&s->l->json);
	while (json_next_item(&s->l->json)) {
		int index = item_is(s, 1u << JSON_STRING, "a text") ? read_index(s) : -1;

		if (index < 0)
			continue;
		bool is_outcome = outcome_from_word(s->row->words[index], &outcome);
		assert(is_outcome);
		bits |= 1u << outcome;
	}
	memcpy(target(s), &bits, sizeof(bits));
}

struct growing {
	const char **items;
	size_t count, capacity;
};

static void grow(struct loader *l, struct growing *list, const char *item)
{
	if (list->count + 1 >= list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 8;
		const char **items = arena_array(&l->scratch, const char *, capacity);

		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

/* Into the generation's arena, with NULL behind. */
static const char *const *settle(struct loader *l, const struct growing *list)
{
	const char **items = arena_array(l->arena, const char *, list->count + 1);

	for (size_t i = 0; i < list->count; i++)
		items[i] = intern_text(&l->texts, l->arena, list->items[i]);
	return items;
}

static void read_texts(struct slot *s)
{
	struct growing list = {0};

	json_open(&s->l->json);
	while (json_next_item(&s->l->json)) {
		const char *text = item_is(s, 1u << JSON_STRING, "a text") ? checked_text(s) : NULL;

		if (text)
			grow(s->l, &list, text);
	}
	if (s->row->is_kept)
		*(struct text_list *)target(s) =
			(struct text_list){settle(s->l, &list), list.count};
}

static void read_integers(struct slot *s)
{
	struct json_reader *r = &s->l->json;
	bool is_list = json_peek(r) == JSON_ARRAY;
	uint8_t codes[256];
	size_t count = 0;
	int64_t number = 0;

	if (!is_list) {
		if (read_whole(s, &number))
			codes[count++] = (uint8_t)number;
	} else {
		json_open(r);
		while (json_next_item(r))
			if (item_is(s, 1u << JSON_NUMBER, "a whole number") &&
			    read_whole(s, &number) && !memchr(codes, (int)number, count))
				codes[count++] = (uint8_t)number;
	}
	if (!s->row->is_kept)
		return;
	uint8_t *items = arena_array(s->l->arena, uint8_t, count + 1);
	memcpy(items, codes, count);
	s->d->job.partial_codes.items = items;
	s->d->job.partial_codes.count = count;
}

/* A calendar member: the schedule's parser wants decimal text and lists. */
static const char *calendar_item(struct slot *s)
{
	struct json_reader *r = &s->l->json;
	enum json_kind kind = json_peek(r);
	struct json_piece piece = {0};
	int64_t number = 0;

	s->at = r->at;
	if (kind == JSON_STRING)
		return value_text(s->l, false, NULL);
	if (!json_number(r, &piece))
		return NULL;
	if (whole_number(s->l, piece, &number) && number >= 0)
		return arena_format(&s->l->scratch, "%lld", (long long)number);
	wrong(s, "a text or a whole number");
	return NULL;
}

static void read_calendar(struct slot *s)
{
	struct json_reader *r = &s->l->json;
	struct growing list = {0};
	const char *item;

	if (json_peek(r) != JSON_ARRAY) {
		item = calendar_item(s);
		if (item)
			grow(s->l, &list, item);
	} else {
		json_open(r);
		while (json_next_item(r)) {
			bool is_fit = item_is(s, 1u << JSON_STRING | 1u << JSON_NUMBER,
					      "a text or a whole number");
			item = is_fit ? calendar_item(s) : NULL;
			if (item)
				grow(s->l, &list, item);
		}
		if (!list.count)
			loader_tell(s->l, SEVERITY_ERROR, s->at, r->at - s->at,
				    "an empty list; give at least one, or leave the key out");
	}
	/* The pairs of struct calendar_form are pointer, count. */
	struct {
		const char *const *items;
		size_t count;
	} pair = {list.items, list.count};
	memcpy(target(s), &pair, sizeof(pair));
}

/* Maps of names to texts: env and headers. */

static struct env_var *add_env(struct loader *l, struct env_list *env)
{
	if (env->count == env->capacity) {
		size_t capacity = env->capacity ? env->capacity * 2 : 8;
		struct env_var *items = arena_array(l->in_defaults ? l->arena : &l->scratch,
						    struct env_var, capacity);
		if (env->count)
			memcpy(items, env->items, env->count * sizeof(*items));
		env->items = items;
		env->capacity = capacity;
	}
	return &env->items[env->count++];
}

/* Only what came from "defaults" can be there already: keys are unique in an object. */
static struct env_var *env_slot(struct loader *l, struct draft *d, const char *name)
{
	size_t inherited = l->in_defaults ? 0 : l->base.env.count;

	for (size_t i = 0; i < inherited && i < d->env.count; i++)
		if (strcmp(d->env.items[i].name, name) == 0)
			return &d->env.items[i];
	return add_env(l, &d->env);
}

/* Those of "defaults" first; they are copied before the first change. */
static void own_env(struct loader *l, struct draft *d)
{
	struct env_list own = {0};

	if (d->has_own_env || l->in_defaults)
		return;
	/* Beyond the bound, which job_read.c tells, nothing will come of it. */
	for (size_t i = 0; i < d->env.count && l->env_count <= ENV_MAX; i++)
		*add_env(l, &own) = d->env.items[i];
	d->env = own;
	d->has_own_env = true;
}

static bool check_map_name(struct slot *s, struct json_piece key, const char *name)
{
	const struct rule_row *rule = &text_rules[s->row->rule];
	char piece[SHOWN_MAX];

	if (!rule->is_met(name))
		return loader_tell(s->l, SEVERITY_ERROR, key.at - 1, key.length + 2,
				   "\"%s\" is not %s", shown(name, strlen(name), piece),
				   rule->wanted);
	if (s->row->is_kept && strncmp(name, "BELFRY_", 7) == 0)
		loader_tell(
			s->l, SEVERITY_WARNING, key.at - 1, key.length + 2,
			"belfry sets BELFRY_… variables itself and may overwrite this one; choose "
			"another name");
	return true;
}

static void read_map(struct slot *s)
{
	struct json_reader *r = &s->l->json;
	struct json_piece key = {0};

	if (s->row->is_kept)
		own_env(s->l, s->d);
	json_open(r);
	for (int count = 0; json_next_member(r, &key); count++) {
		bool is_secret = false;
		if (count == MAP_MAX)
			loader_tell(s->l, SEVERITY_ERROR, key.at - 1, key.length + 2,
				    "more than %d names", MAP_MAX);
		if (count >= MAP_MAX) {
			json_skip(r);
			continue;
		}
		const char *name = json_piece_text(r, key, &s->l->scratch, NULL);

		if (!item_is(s, 1u << JSON_STRING, "a text in double quotes"))
			continue;
		const char *text = value_text(s->l, true, &is_secret);
		if (!check_map_name(s, key, name) || !text || !s->row->is_kept)
			continue;
		name = intern_text(&s->l->texts, s->l->arena, name);
		*env_slot(s->l, s->d, name) =
			(struct env_var){.name = name,
					 .value = intern_text(&s->l->texts, s->l->arena, text),
					 .from_environment = is_secret};
	}
}

/* Objects. */

static void read_skipped(struct slot *s)
{
	json_skip(&s->l->json);
}

static void read_object(struct slot *s)
{
	value_members(s->l, s->d, (enum key)(s->row - keys));
}

typedef void read_fn(struct slot *s);
static read_fn *const readers[KIND_COUNT] = {
	[KIND_TEXT] = read_text,
	[KIND_ZONE] = read_zone,
	[KIND_DURATION] = read_duration,
	[KIND_INTEGER] = read_integer,
	[KIND_SIZE] = read_size,
	[KIND_SWITCH] = read_switch,
	[KIND_WORD] = read_word,
	[KIND_OUTCOMES] = read_outcomes,
	[KIND_TEXTS] = read_texts,
	[KIND_INTEGERS] = read_integers,
	[KIND_MAP] = read_map,
	[KIND_UMASK] = read_umask,
	[KIND_CALENDAR] = read_calendar,
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
		    s->row->name, json_kind_words(kind), article(s->row->type), s->row->type);
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
}
