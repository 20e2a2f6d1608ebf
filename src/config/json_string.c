/* json_string.c - strings of a JSON text: scanned, decoded, compared; see json_read.h. */
#include <stdio.h>
#include <string.h>

#include "json_read.h"
#include "str.h"
#include "utf8.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX at `at` (behind the u); -1 where they are not. */
static int32_t hex4(const char *text, size_t at, size_t end)
{
	int32_t value = 0;

	if (end - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static bool is_high(int32_t unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int32_t unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

static size_t encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

static size_t replace(char out[4], size_t *out_length, size_t taken)
{
	/* U+FFFD */
	out[0] = '\xef';
	out[1] = '\xbf';
	out[2] = '\xbd';
	*out_length = 3;
	return taken;
}

/* \uXXXX, or two of them that are one character. */
static size_t decode_unicode(const char *text, size_t at, size_t end, char out[4],
			     size_t *out_length)
{
	int32_t unit = hex4(text, at + 2, end);

	if (unit < 0)
		return replace(out, out_length, 2);
	if (is_low(unit))
		return replace(out, out_length, 6);
	if (!is_high(unit)) {
		*out_length = encode((uint32_t)unit, out);
		return 6;
	}
	if (end - at < 12 || text[at + 6] != '\\' || text[at + 7] != 'u' ||
	    !is_low(hex4(text, at + 8, end)))
		return replace(out, out_length, 6);
	int32_t low = hex4(text, at + 8, end);
	*out_length = encode((uint32_t)(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)), out);
	return 12;
}

static char escaped(char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = c ? strchr(from, c) : NULL;

	return found ? to[found - from] : '\0';
}

size_t json_decode_one(const char *text, size_t at, size_t end, char out[4], size_t *out_length)
{
	if (text[at] != '\\') {
		size_t n = utf8_length(text + at, end - at);

		if (!n)
			return replace(out, out_length, 1);
		memcpy(out, text + at, n);
		*out_length = n;
		return n;
	}
	if (end - at < 2)
		return replace(out, out_length, 1);
	if (text[at + 1] == 'u')
		return decode_unicode(text, at, end, out, out_length);
	out[0] = escaped(text[at + 1]);
	if (!out[0])
		return replace(out, out_length, 1);
	*out_length = 1;
	return 2;
}

/* What is wrong with the escape at `at`, NULL for nothing; *length of the piece. */
static const char *escape_problem(const char *text, size_t at, size_t end, size_t *length)
{
	*length = 2;
	if (end - at < 2)
		return "a lone backslash";
	if (text[at + 1] != 'u')
		return escaped(text[at + 1])
			       ? NULL
			       : "no such escape; there are \\\" \\\\ \\/ \\b \\f \\n "
				 "\\r \\t \\uXXXX, and \\\\ is a backslash";
	int32_t unit = hex4(text, at + 2, end);
	if (unit < 0)
		return "\\u needs four hexadecimal digits, as in \\u00e9";
	*length = 6;
	if (unit == 0)
		return "a NUL character has no place in a text; remove it";
	char out[4];
	size_t out_length;
	size_t taken = decode_unicode(text, at, end, out, &out_length);
	if ((is_high(unit) && taken == 6) || is_low(unit))
		return "half of a surrogate pair; write both halves, or the character itself";
	*length = taken;
	return NULL;
}

static const char *byte_problem(unsigned char c)
{
	if (c == 0)
		return "a NUL byte has no place in a text; remove it";
	if (c == '\t')
		return "a tab inside a text is written \\t";
	return c < 0x20 ? "a control character inside a text is written \\u00XX" : NULL;
}

/* One fault at `at`, if there is one; returns the bytes to go on by. */
static size_t check_one(struct json_reader *r, size_t at)
{
	size_t length = 1;
	const char *problem = NULL;
	unsigned char c = (unsigned char)r->text[at];

	if (c == '\\') {
		/* A quote behind the backslash is part of the escape. */
		problem = escape_problem(r->text, at, r->length, &length);
	} else if (c < 0x20) {
		problem = byte_problem(c);
	} else if (c >= 0x80) {
		length = utf8_length(r->text + at, r->length - at);
		if (!length) {
			length = 1;
			problem = "no valid UTF-8; save the file as UTF-8";
		}
	}
	if (problem)
		json_fault(r, at, length, problem);
	return length;
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS    EACH_BYTE(0x80)

/* Whether any of eight bytes ends a plain run: a quote, a backslash, below 0x20 or not
 * ASCII. A byte minus one borrows into its high bit just if it was 0 (Mycroft). */
static bool has_special(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	uint64_t quote = word ^ EACH_BYTE('"'), backslash = word ^ EACH_BYTE('\\');
	uint64_t found = (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1)) |
			 (word - EACH_BYTE(0x20)) | word;
	return (found & HIGH_BITS) != 0;
}

/* What is looked at twice is looked at byte by byte. */
static size_t plain_run(const struct json_reader *r, size_t at)
{
	while (r->length - at >= sizeof(uint64_t) && !has_special(r->text + at))
		at += sizeof(uint64_t);
	while (at < r->length) {
		unsigned char c = (unsigned char)r->text[at];

		if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80)
			break;
		at++;
	}
	return at;
}

bool json_scan_string(struct json_reader *r, struct json_piece *piece)
{
	size_t from = r->at + 1, at = from;

	piece->has_escapes = false;
	for (;;) {
		at = plain_run(r, at);
		if (at >= r->length || r->text[at] == '\n' || r->text[at] == '\r')
			return json_broken(r, from - 1, 1,
					   "the text that begins here is not closed on its line; "
					   "close it with \", and write a line break as \\n");
		if (r->text[at] == '"')
			break;
		piece->has_escapes |= r->text[at] == '\\' || (unsigned char)r->text[at] >= 0x80;
		if (r->fault)
			at += check_one(r, at);
		else
			at += r->text[at] == '\\' && at + 1 < r->length ? 2 : 1;
		if (at > r->length)
			at = r->length;
	}
	piece->at = from;
	piece->length = at - from;
	r->at = at + 1;
	return true;
}

bool json_piece_equals(const struct json_reader *r, struct json_piece piece, const char *text)
{
	size_t at = piece.at, end = piece.at + piece.length, index = 0, length = strlen(text);

	if (!piece.has_escapes)
		return piece.length == length && memcmp(r->text + at, text, length) == 0;
	while (at < end) {
		char out[4];
		size_t n;

		at += json_decode_one(r->text, at, end, out, &n);
		if (length - index < n || memcmp(text + index, out, n) != 0)
			return false;
		index += n;
	}
	return index == length;
}

char *json_piece_text(const struct json_reader *r, struct json_piece piece, struct arena *arena,
		      size_t *length)
{
	size_t at = piece.at, end = piece.at + piece.length;
	struct buf decoded = {0};

	if (!piece.has_escapes) {
		if (length)
			*length = piece.length;
		return arena_copy(arena, r->text + at, piece.length);
	}
	while (at < end) {
		char out[4];
		size_t n;

		at += json_decode_one(r->text, at, end, out, &n);
		buf_add(&decoded, out, n);
	}
	if (length)
		*length = decoded.length;
	char *copy = arena_copy(arena, buf_string(&decoded), decoded.length);
	buf_finish(&decoded);
	return copy;
}

uint64_t json_piece_hash(const struct json_reader *r, struct json_piece piece, uint64_t hash)
{
	size_t at = piece.at, end = piece.at + piece.length;
	struct buf decoded = {0};

	if (!piece.has_escapes)
		return str_quick_hash(hash, r->text + at, piece.length);
	while (at < end) {
		char out[4];
		size_t n;

		at += json_decode_one(r->text, at, end, out, &n);
		buf_add(&decoded, out, n);
	}
	hash = str_quick_hash(hash, decoded.data, decoded.length);
	buf_finish(&decoded);
	return hash;
}

size_t json_piece_offset(const struct json_reader *r, struct json_piece piece, size_t index)
{
	size_t at = piece.at, end = piece.at + piece.length, decoded = 0;

	if (!piece.has_escapes)
		return index < piece.length ? at + index : end;
	while (at < end) {
		char out[4];
		size_t n, taken = json_decode_one(r->text, at, end, out, &n);

		if (decoded + n > index) /* inside an unescaped character: its very byte */
			return r->text[at] == '\\' ? at : at + (index - decoded);
		decoded += n;
		at += taken;
	}
	return end;
}
