/* http_target.c - splitting and decoding request targets; see http_target.h. */
#include "http_target.h"

#include <ctype.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decoded copy, NULL where an escape is broken or gives a NUL. */
static const char *decode(struct arena *arena, const char *text, size_t length, bool plus_is_space)
{
	char *out = arena_copy(arena, text, length);
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '%') {
			int high = length - i < 3 ? -1 : hex_value(text[i + 1]);
			int low = length - i < 3 ? -1 : hex_value(text[i + 2]);

			if (high < 0 || low < 0 || (high == 0 && low == 0))
				return NULL;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

static bool split_path(struct arena *arena, const char *path, size_t length,
		       struct http_target *target)
{
	const char *at = path + 1, *end = path + length;

	while (at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t n = (size_t)((slash ? slash : end) - at);

		if (target->segment_count == HTTP_SEGMENTS_MAX)
			return false;
		const char *segment = decode(arena, at, n, false);
		if (!segment)
			return false;
		target->segments[target->segment_count++] = segment;
		at += n + 1;
	}
	return true;
}

static bool split_query(struct arena *arena, const char *text, struct http_target *target)
{
	while (*text) {
		size_t n = strcspn(text, "&");
		size_t name = strcspn(text, "&=");

		if (n > 0) {
			size_t i = target->query_count;
			const char *value = name < n ? text + name + 1 : text + n;

			if (i == HTTP_QUERY_MAX)
				return false;
			target->query[i].name = decode(arena, text, name, true);
			target->query[i].value =
				decode(arena, value, (size_t)(text + n - value), true);
			if (!target->query[i].name || !target->query[i].value)
				return false;
			target->query_count++;
		}
		text += n + (text[n] == '&');
	}
	return true;
}

bool http_target_parse(struct arena *arena, const char *raw, struct http_target *target)
{
	size_t length = strcspn(raw, "?");

	*target = (struct http_target){0};
	if (raw[0] != '/')
		return false;
	target->path = arena_copy(arena, raw, length);
	return split_path(arena, raw, length, target) &&
	       (raw[length] == '\0' || split_query(arena, raw + length + 1, target));
}

const char *http_target_query(const struct http_target *target, const char *name)
{
	for (size_t i = 0; i < target->query_count; i++)
		if (strcmp(target->query[i].name, name) == 0)
			return target->query[i].value;
	return NULL;
}

void http_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
			buf_char(out, *text);
		else
			buf_format(out, "%%%02X", c);
	}
}
