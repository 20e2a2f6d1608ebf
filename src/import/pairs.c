/* pairs.c - environment variables while they are gathered; see pairs.h. */
#include "pairs.h"

#include <string.h>

#include "entry.h"

static size_t find(const struct pairs *pairs, const char *name)
{
	size_t i = 0;

	while (i < pairs->count && strcmp(pairs->items[i].name, name) != 0)
		i++;
	return i;
}

bool pairs_set(struct pairs *pairs, const char *name, const char *value)
{
	size_t i = find(pairs, name);

	if (i == PAIRS_MAX || strlen(value) >= VALUE_MAX)
		return false;
	pairs->items[i].name = name;
	pairs->items[i].value = value;
	pairs->count += i == pairs->count;
	return true;
}

const char *pairs_value(const struct pairs *pairs, const char *name)
{
	size_t i = find(pairs, name);

	return i < pairs->count ? pairs->items[i].value : NULL;
}

const char *pairs_json(const struct pairs *pairs, struct arena *arena)
{
	struct buf json = {0};

	buf_json_open(&json, NULL, '{');
	for (size_t i = 0; i < pairs->count; i++)
		buf_json_text(&json, pairs->items[i].name,
			      text_literal(arena, pairs->items[i].value));
	buf_json_close(&json, '}');
	const char *copy = arena_text(arena, buf_string(&json));
	buf_finish(&json);
	return copy;
}

const char *pairs_names(const struct pairs *pairs, struct arena *arena)
{
	struct buf names = {0};

	for (size_t i = 0; i < pairs->count; i++)
		buf_format(&names, "%s%s", i ? ", " : "", pairs->items[i].name);
	const char *copy = text_short(arena, buf_string(&names), names.length);
	buf_finish(&names);
	return copy;
}
