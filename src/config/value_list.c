/* value_list.c - lists of texts, of numbers and of what a calendar form takes; see value.h. */
#include "value.h"

#include <string.h>

/* Whether the item that comes next is of the kind; else it is told and passed. */
bool value_item_is(struct slot *s, unsigned kinds, const char *wanted)
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

/* One text is a list of one, where the kind takes it. */
void value_read_texts(struct slot *s)
{
	struct growing list = {0};
	const char *alone;

	if (json_peek(&s->l->json) == JSON_STRING) {
		alone = value_checked_text(s);
		if (alone)
			grow(s->l, &list, alone);
		*(struct text_list *)value_target(s) =
			(struct text_list){settle(s->l, &list), list.count};
		return;
	}
	json_open(&s->l->json);
	while (json_next_item(&s->l->json)) {
		const char *text = value_item_is(s, 1u << JSON_STRING, "a text")
					   ? value_checked_text(s)
					   : NULL;

		if (text)
			grow(s->l, &list, text);
	}
	if (s->row->is_kept)
		*(struct text_list *)value_target(s) =
			(struct text_list){settle(s->l, &list), list.count};
}

void value_read_integers(struct slot *s)
{
	struct json_reader *r = &s->l->json;
	bool is_list = json_peek(r) == JSON_ARRAY;
	uint8_t codes[256];
	size_t count = 0;
	int64_t number = 0;

	if (!is_list) {
		if (value_read_whole(s, &number))
			codes[count++] = (uint8_t)number;
	} else {
		json_open(r);
		while (json_next_item(r))
			if (value_item_is(s, 1u << JSON_NUMBER, "a whole number") &&
			    value_read_whole(s, &number) && !memchr(codes, (int)number, count))
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
	if (value_whole_number(s->l, piece, &number) && number >= 0)
		return arena_format(&s->l->scratch, "%lld", (long long)number);
	value_wrong(s, "a text or a whole number");
	return NULL;
}

void value_read_calendar(struct slot *s)
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
			bool is_fit = value_item_is(s, 1u << JSON_STRING | 1u << JSON_NUMBER,
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
	memcpy(value_target(s), &pair, sizeof(pair));
}
