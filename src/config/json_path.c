/* json_path.c - paths as people read them; see json_path.h. */
#include "json_path.h"

#include <string.h>

#include "utf8.h"

enum { KEY_SHOWN_MAX = 60 };

static bool is_plain(const char *key, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = key[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
		      c == '-' || (c >= '0' && c <= '9')))
			return false;
	}
	return length > 0 && length <= KEY_SHOWN_MAX;
}

static size_t cut(const char *key, size_t length)
{
	size_t at = 0;

	while (at < length) {
		size_t n = utf8_length(key + at, length - at);

		n = n ? n : 1;
		if (at + n > KEY_SHOWN_MAX)
			break;
		at += n;
	}
	return at;
}

static void write_key(const char *key, size_t length, struct buf *out)
{
	if (is_plain(key, length)) {
		if (out->length)
			buf_char(out, '.');
		buf_add(out, key, length);
		return;
	}
	buf_char(out, '[');
	buf_json_string(out, key, cut(key, length));
	buf_char(out, ']');
}

void json_path_write(const struct json_path *path, const char *text, struct buf *out)
{
	for (unsigned i = 0; i < path->depth; i++) {
		const struct json_step *step = &path->steps[i];

		if (!step->count)
			return;
		if (step->is_array)
			buf_format(out, "[%zu]", step->count - 1);
		else
			write_key(text + step->key, step->key_length, out);
	}
}
