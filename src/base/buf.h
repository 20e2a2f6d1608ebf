/*
 * buf.h - a growing byte buffer, and JSON text written into it.
 *
 * A zeroed struct buf is an empty buffer. Always NUL-terminated once anything
 * was added, so data can be used as text. JSON out is written here piece by
 * piece: shapes are known at compile time, so no tree has to be built.
 */
#ifndef BELFRY_BUF_H
#define BELFRY_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instant.h"

struct buf {
	char *data; /* owned; NULL while empty */
	size_t length, capacity;
};

void buf_add(struct buf *buf, const void *data, size_t length);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vformat(struct buf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
void buf_clear(struct buf *buf);  /* keeps the memory */
void buf_finish(struct buf *buf); /* frees it */
/* The text, "" while empty; borrowed. */
const char *buf_string(const struct buf *buf);
/* Drops the first `length` bytes. */
void buf_drop_front(struct buf *buf, size_t length);

/* A JSON string with its quotes. Invalid UTF-8 becomes U+FFFD, control
 * characters are escaped, so the output is always valid JSON (RFC 8259). */
void buf_json_string(struct buf *buf, const char *text, size_t length);

/* Members of an object or items of an array. The separator is placed where
 * the text before is not an opening bracket, colon or comma; key NULL writes an
 * array item. _text with NULL and _time with an unset instant write null. */
void buf_json_open(struct buf *buf, const char *key, char bracket); /* '{' or '[' */
void buf_json_close(struct buf *buf, char bracket);                 /* '}' or ']' */
void buf_json_text(struct buf *buf, const char *key, const char *text);
void buf_json_bytes(struct buf *buf, const char *key, const char *text, size_t length);
void buf_json_int(struct buf *buf, const char *key, int64_t value);
void buf_json_bool(struct buf *buf, const char *key, bool value);
void buf_json_null(struct buf *buf, const char *key);
void buf_json_time(struct buf *buf, const char *key, struct utc t);
/* Text that is JSON already. */
void buf_json_raw(struct buf *buf, const char *key, const char *json);

#endif
