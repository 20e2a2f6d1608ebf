/* value_text.c - texts: their rules, ${NAME} in them, zones; see value.h. */
#include "value.h"

#include <string.h>

#include "environment.h"
#include "zone_offer.h"

static void keep_text(const struct slot *s, const char *text)
{
	bool is_unique = s->row == &keys[KEY_NAME];

	if (s->row->is_kept)
		*(const char **)value_target(s) =
			is_unique ? arena_text(s->l->arena, text)
				  : intern_text(&s->l->texts, s->l->arena, text);
}

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

	if (!json_take_string(&l->json, &piece))
		return NULL;
	const char *text = json_piece_text(&l->json, piece, &l->scratch, NULL);
	return is_expanded ? value_expand(l, piece, 0, text, is_secret ? is_secret : &ignored)
			   : text;
}

/* The length and form that the row asks for, of the text as it was written. */
static bool check_text(const struct slot *s, const char *text, size_t length)
{
	const struct key_row *row = s->row;
	const struct rule_row *rule = &text_rules[row->rule];

	if (row->least && length == 0)
		return loader_tell(s->l, SEVERITY_ERROR, s->at, 2,
				   "an empty text; give it, or leave the "
				   "key out");
	if (row->most && length > (size_t)row->most)
		return loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
				   "%zu bytes are too many; at most %lld", length,
				   (long long)row->most);
	return rule->is_met(text) || value_wrong(s, rule->wanted);
}

/* A string by the row's rules, ready to be kept; NULL with a finding. */
const char *value_checked_text(struct slot *s)
{
	struct json_piece piece = {0};
	struct json_reader *r = &s->l->json;

	json_peek(r);
	s->at = r->at;
	if (!json_take_string(r, &piece))
		return NULL;
	size_t length;
	const char *text = json_piece_text(r, piece, &s->l->scratch, &length);
	bool is_secret = false;

	if (!check_text(s, text, length))
		return NULL;
	return s->row->is_expanded ? value_expand(s->l, piece, 0, text, &is_secret) : text;
}

/* As it was written, for people. */
static void keep_shown(const struct slot *s)
{
	const char **shown = (const char **)(void *)((char *)s->d + s->row->shown_offset);

	s->l->json.at = s->at;
	*shown = intern_text(&s->l->texts, s->l->arena, value_text(s->l, false, NULL));
}

void value_read_text(struct slot *s)
{
	const char *text = value_checked_text(s);

	if (!text)
		return;
	keep_text(s, text);
	if (s->row->shown_offset)
		keep_shown(s);
}

void value_read_zone(struct slot *s)
{
	const struct zone_source *zones = &s->l->zones;
	const char *name = value_text(s->l, false, NULL);
	struct err err = {{0}};
	char piece[SHOWN_MAX], text[ZONE_OFFER_MAX];

	const struct zone *zone = zones->get(zones->context, name, &err);
	if (zone) {
		s->d->zone = zone;
		return;
	}
	const char *offer = zone_offer(zones, name, text);
	shown(name, strlen(name), piece);
	if (offer)
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "unknown zone \"%s\"; %s", piece, offer);
	else
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "unknown zone \"%s\": %.200s", piece, err.text);
}
