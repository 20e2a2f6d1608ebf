/* buf.c - a growing byte buffer, and JSON out; see buf.h. */
#include "buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "utf8.h"

static void reserve(struct buf *buf, size_t more)
{
	size_t need = buf->length + more + 1;

	if (need <= buf->capacity)
		return;
	size_t capacity = buf->capacity ? buf->capacity : 64;
	while (capacity < need)
		capacity *= 2;
	buf->data = mem_resize(buf->data, capacity);
	buf->capacity = capacity;
}

void buf_add(struct buf *buf, const void *data, size_t length)
{
	reserve(buf, length);
	if (length)
		memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_vformat(struct buf *buf, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	assert(n >= 0);
	reserve(buf, (size_t)n);
	vsnprintf(buf->data + buf->length, (size_t)n + 1, format, args);
	buf->length += (size_t)n;
}

void buf_format(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vformat(buf, format, args);
	va_end(args);
}

void buf_clear(struct buf *buf)
{
	buf->length = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void buf_finish(struct buf *buf)
{
	if (!buf)
		return;
	free(buf->data);
	*buf = (struct buf){0};
}

const char *buf_string(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

void buf_drop_front(struct buf *buf, size_t length)
{
	assert(length <= buf->length);
	if (!length)
		return;
	memmove(buf->data, buf->data + length, buf->length - length);
	buf->length -= length;
	buf->data[buf->length] = '\0';
}

static void json_char(struct buf *buf, unsigned char c)
{
	switch (c) {
	case '"': buf_text(buf, "\\\""); break;
	case '\\': buf_text(buf, "\\\\"); break;
	case '\n': buf_text(buf, "\\n"); break;
	case '\r': buf_text(buf, "\\r"); break;
	case '\t': buf_text(buf, "\\t"); break;
	default:
		if (c < 0x20 || c == 0x7f)
			buf_format(buf, "\\u%04x", c);
		else
			buf_char(buf, (char)c);
	}
}

/* Bytes at the beginning that stand for themselves: nearly all there are. */
static size_t plain_length(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length && text[i] >= ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\')
		i++;
	return i;
}

void buf_json_string(struct buf *buf, const char *text, size_t length)
{
	reserve(buf, length + 2);
	buf_char(buf, '"');
	for (size_t i = 0; i < length;) {
		size_t plain = plain_length(text + i, length - i);

		buf_add(buf, text + i, plain);
		i += plain;
		if (i == length)
			break;
		size_t n = utf8_length(text + i, length - i);
		if (n == 0) {
			buf_text(buf, "\xef\xbf\xbd");
			i++;
		} else if (n == 1) {
			json_char(buf, (unsigned char)text[i++]);
		} else {
			buf_add(buf, text + i, n);
			i += n;
		}
	}
	buf_char(buf, '"');
}

static void begin(struct buf *buf, const char *key)
{
	char last = buf->length ? buf->data[buf->length - 1] : '[';

	if (last != '{' && last != '[' && last != ':' && last != ',' && last != '\n')
		buf_char(buf, ',');
	if (key) {
		buf_json_string(buf, key, strlen(key));
		buf_char(buf, ':');
	}
}

void buf_json_open(struct buf *buf, const char *key, char bracket)
{
	begin(buf, key);
	buf_char(buf, bracket);
}

void buf_json_close(struct buf *buf, char bracket)
{
	buf_char(buf, bracket);
}

void buf_json_bytes(struct buf *buf, const char *key, const char *text, size_t length)
{
	begin(buf, key);
	buf_json_string(buf, text, length);
}

void buf_json_text(struct buf *buf, const char *key, const char *text)
{
	if (text)
		buf_json_bytes(buf, key, text, strlen(text));
	else
		buf_json_null(buf, key);
}

void buf_json_int(struct buf *buf, const char *key, int64_t value)
{
	/* Most of what is told is numbers: printf takes three times as long. */
	char text[20], *at = text + sizeof(text);
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	begin(buf, key);
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (value < 0)
		buf_char(buf, '-');
	buf_add(buf, at, (size_t)(text + sizeof(text) - at));
}

void buf_json_bool(struct buf *buf, const char *key, bool value)
{
	begin(buf, key);
	buf_text(buf, value ? "true" : "false");
}

void buf_json_null(struct buf *buf, const char *key)
{
	begin(buf, key);
	buf_text(buf, "null");
}

void buf_json_time(struct buf *buf, const char *key, struct utc t)
{
	char text[UTC_TEXT_MAX];

	buf_json_text(buf, key, utc_is_set(t) ? utc_format(t, text) : NULL);
}

void buf_json_raw(struct buf *buf, const char *key, const char *json)
{
	begin(buf, key);
	buf_text(buf, json);
}
