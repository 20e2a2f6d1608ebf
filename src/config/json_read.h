/*
 * json_read.h - a pull reader of JSON (RFC 8259) that knows where everything is.
 *
 * Values are taken one after the other, straight from the text; nothing is built.
 * A reader that checks tells every fault: those of a single token are told and
 * read over, those of structure end the reading (is_broken). After one checking
 * pass the text can be read again from any place without being told twice.
 */
#ifndef BELFRY_JSON_READ_H
#define BELFRY_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json_path.h"
#include "mem.h"

enum json_kind {
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_BOOL,
	JSON_NULL,
	JSON_NONE /* nothing readable */
};

enum { JSON_MEMBERS_MAX = 100000, JSON_ITEMS_MAX = 250000 }; /* of one object, one list */

/* A piece of the text. Of a string: what is between the quotes. */
struct json_piece {
	size_t at, length;
	bool has_escapes;
};

struct json_seen_key {
	struct json_piece piece;
	uint32_t hash;
};

typedef void json_fault_fn(void *context, size_t at, size_t length, const char *message);

struct json_reader {
	const char *text;
	size_t length, at;
	bool is_broken;
	unsigned depth_max;
	struct json_path path;
	json_fault_fn *fault; /* NULL: not checking */
	void *context;
	struct json_seen_key *seen; /* keys of the objects that are open */
	size_t seen_count, seen_capacity;
	/* Where the longest list among the root's members begins and ends, known from the
	 * checking pass: whoever skips it later need not look at it. */
	size_t long_from, long_to;
	uint32_t *lines; /* the line number at every so many bytes; made when asked for */
};

/* fault NULL reads a text that was checked before. */
void json_init(struct json_reader *r, const char *text, size_t length, unsigned depth_max,
	       json_fault_fn *fault, void *context);
void json_finish(struct json_reader *r);

/* Reads the whole text and tells its faults; false if its structure is broken. */
bool json_check(struct json_reader *r);

/* The kind of the value that comes next; white space before it is passed over. */
enum json_kind json_peek(struct json_reader *r);
const char *json_kind_words(enum json_kind kind); /* "a list" */

/* Enters the object or array that comes next. Then each step stands before one
 * value, which must be taken; false behind the last, with the bracket taken. */
bool json_open(struct json_reader *r);
bool json_next_member(struct json_reader *r, struct json_piece *key);
bool json_next_item(struct json_reader *r);

bool json_take_string(struct json_reader *r, struct json_piece *piece);
/* False with a fault too where it is no number of JSON; it is taken all the same. */
bool json_number(struct json_reader *r, struct json_piece *piece);
bool json_bool(struct json_reader *r, bool *value);
/* The line of an offset. */
uint32_t json_line(struct json_reader *r, size_t at);
/* Any value, with all it holds. */
bool json_skip(struct json_reader *r);

/* Strings, see json_string.c. */
bool json_piece_equals(const struct json_reader *r, struct json_piece piece, const char *text);
/* The string itself; faulty bytes become U+FFFD. */
char *json_piece_text(const struct json_reader *r, struct json_piece piece, struct arena *arena,
		      size_t *length);
uint64_t json_piece_hash(const struct json_reader *r, struct json_piece piece, uint64_t hash);
/* Where byte `index` of the decoded string is in the file. */
size_t json_piece_offset(const struct json_reader *r, struct json_piece piece, size_t index);
/* One character decoded from text[at..end): its bytes in out (1-4); returns how
 * many bytes of text it took. */
size_t json_decode_one(const char *text, size_t at, size_t end, char out[4], size_t *out_length);
/* Scans the string whose opening quote is next. */
bool json_scan_string(struct json_reader *r, struct json_piece *piece);
/* For the reader's own files. Always false. */
bool json_fault(struct json_reader *r, size_t at, size_t length, const char *message);
bool json_broken(struct json_reader *r, size_t at, size_t length, const char *message);

/* Values as they are, see json_value.c: without white space; as a hash in which
 * the order of members does not count. Both take the value. */
void json_compact(struct json_reader *r, struct buf *out);
uint64_t json_hash_value(struct json_reader *r);

#endif
