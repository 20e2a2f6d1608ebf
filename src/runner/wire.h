/*
 * wire.h - numbers and texts as bytes: little-endian, texts with their length.
 *
 * Reading never goes beyond the end: a reader that ran out, or met a text that
 * does not fit, is_bad from then on and answers zeros and "".
 */
#ifndef BELFRY_WIRE_H
#define BELFRY_WIRE_H

#include "buf.h"
#include "mem.h"

void wire_put_u32(struct buf *buf, uint32_t value);
void wire_put_u64(struct buf *buf, uint64_t value);
void wire_put_bytes(struct buf *buf, const void *data, size_t length);
void wire_put_text(struct buf *buf, const char *text); /* NULL travels */
/* Writes over the 4 bytes at `place`, counted from the start of buf. */
void wire_patch_u32(struct buf *buf, size_t place, uint32_t value);

struct wire {
	const char *at, *end;
	bool is_bad;
};

uint32_t wire_u32(struct wire *wire);
uint64_t wire_u64(struct wire *wire);
/* Copied into the arena, NUL-terminated; a NUL inside is bad. */
const char *wire_text(struct wire *wire, struct arena *arena);
/* How many items follow, each of at least `least` bytes: more than could be there
 * is bad, so that no count makes anybody allocate beyond the message's own size. */
uint32_t wire_count(struct wire *wire, size_t least);

static inline void wire_put_i32(struct buf *buf, int32_t value)
{
	wire_put_u32(buf, (uint32_t)value);
}

static inline void wire_put_i64(struct buf *buf, int64_t value)
{
	wire_put_u64(buf, (uint64_t)value);
}

static inline int32_t wire_i32(struct wire *wire)
{
	return (int32_t)wire_u32(wire);
}

static inline int64_t wire_i64(struct wire *wire)
{
	return (int64_t)wire_u64(wire);
}

#endif
