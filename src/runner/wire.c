/* wire.c - numbers and texts as bytes; see wire.h. */
#include "wire.h"

#include <string.h>

enum { NO_TEXT = 0xffffffff };

static void set(char *data, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		data[i] = (char)(value >> (8 * i) & 0xff);
}

static void put(struct buf *buf, uint64_t value, size_t bytes)
{
	char data[8];

	set(data, value, bytes);
	buf_add(buf, data, bytes);
}

void wire_patch_u32(struct buf *buf, size_t place, uint32_t value)
{
	set(buf->data + place, value, 4);
}

void wire_put_u32(struct buf *buf, uint32_t value)
{
	put(buf, value, 4);
}

void wire_put_u64(struct buf *buf, uint64_t value)
{
	put(buf, value, 8);
}

void wire_put_bytes(struct buf *buf, const void *data, size_t length)
{
	wire_put_u32(buf, (uint32_t)length);
	buf_add(buf, data, length);
}

void wire_put_text(struct buf *buf, const char *text)
{
	if (text)
		wire_put_bytes(buf, text, strlen(text));
	else
		wire_put_u32(buf, NO_TEXT);
}

static size_t left(const struct wire *wire)
{
	return (size_t)(wire->end - wire->at);
}

static uint64_t get(struct wire *wire, size_t bytes)
{
	uint64_t value = 0;

	if (wire->is_bad || left(wire) < bytes) {
		wire->is_bad = true;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)(unsigned char)wire->at[i] << (8 * i);
	wire->at += bytes;
	return value;
}

uint32_t wire_u32(struct wire *wire)
{
	return (uint32_t)get(wire, 4);
}

uint64_t wire_u64(struct wire *wire)
{
	return get(wire, 8);
}

const char *wire_text(struct wire *wire, struct arena *arena)
{
	uint32_t length = wire_u32(wire);

	if (wire->is_bad)
		return "";
	if (length == NO_TEXT)
		return NULL;
	if (length > left(wire) || memchr(wire->at, '\0', length)) {
		wire->is_bad = true;
		return "";
	}
	const char *text = arena_copy(arena, wire->at, length);
	wire->at += length;
	return text;
}

uint32_t wire_count(struct wire *wire, size_t least)
{
	uint32_t count = wire_u32(wire);

	if (wire->is_bad || count > left(wire) / least) {
		wire->is_bad = true;
		return 0;
	}
	return count;
}
