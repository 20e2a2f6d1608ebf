/* json_value.c - whole values: compact, and as an order-free hash; see json_read.h. */
#include <string.h>

#include "json_read.h"
#include "str.h"

static void compact_object(struct json_reader *r, struct buf *out)
{
	struct json_piece key;
	bool is_first = true;

	buf_char(out, '{');
	json_open(r);
	while (json_next_member(r, &key)) {
		if (!is_first)
			buf_char(out, ',');
		is_first = false;
		buf_add(out, r->text + key.at - 1, key.length + 2);
		buf_char(out, ':');
		json_compact(r, out);
	}
	buf_char(out, '}');
}

static void compact_array(struct json_reader *r, struct buf *out)
{
	bool is_first = true;

	buf_char(out, '[');
	json_open(r);
	while (json_next_item(r)) {
		if (!is_first)
			buf_char(out, ',');
		is_first = false;
		json_compact(r, out);
	}
	buf_char(out, ']');
}

void json_compact(struct json_reader *r, struct buf *out)
{
	enum json_kind kind = json_peek(r);
	size_t from = r->at;

	if (kind == JSON_OBJECT) {
		compact_object(r, out);
	} else if (kind == JSON_ARRAY) {
		compact_array(r, out);
	} else {
		json_skip(r);
		buf_add(out, r->text + from, r->at - from);
	}
}

/* Members are added up, so that their order does not count; each is mixed well
 * before, so that sums of different sets differ. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t json_hash_value(struct json_reader *r)
{
	enum json_kind kind = json_peek(r);
	uint64_t hash = str_quick_hash(STR_HASH_INIT, &kind, sizeof(kind)), part;
	struct json_piece piece;
	size_t from = r->at;

	switch (kind) {
	case JSON_OBJECT:
		json_open(r);
		while (json_next_member(r, &piece)) {
			part = json_piece_hash(r, piece, STR_HASH_INIT);
			hash += mix(part ^ (json_hash_value(r) * 3));
		}
		return mix(hash);
	case JSON_ARRAY:
		json_open(r);
		while (json_next_item(r)) {
			part = json_hash_value(r);
			hash = str_quick_hash(hash, &part, sizeof(part));
		}
		return mix(hash);
	case JSON_STRING: json_take_string(r, &piece); return json_piece_hash(r, piece, hash);
	case JSON_NUMBER:
	case JSON_BOOL:
	case JSON_NULL: json_skip(r); return str_quick_hash(hash, r->text + from, r->at - from);
	case JSON_NONE: break;
	}
	return hash;
}
