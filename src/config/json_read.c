/* json_read.c - the pull reader: structure, tokens, one checking pass; see json_read.h. */
#include "json_read.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "utf8.h"

enum { MESSAGE_MAX = 256, FEW_KEYS = 12, LINE_STEP = 1024 };

void json_init(struct json_reader *r, const char *text, size_t length, unsigned depth_max,
	       json_fault_fn *fault, void *context)
{
	assert(depth_max < JSON_PATH_MAX);
	*r = (struct json_reader){.text = text,
				  .length = length,
				  .depth_max = depth_max,
				  .fault = fault,
				  .context = context};
}

void json_finish(struct json_reader *r)
{
	free(r->seen);
	free(r->lines);
	r->seen = NULL;
	r->lines = NULL;
	r->seen_count = r->seen_capacity = 0;
}

bool json_fault(struct json_reader *r, size_t at, size_t length, const char *message)
{
	if (r->fault)
		r->fault(r->context, at, length ? length : 1, message);
	return false;
}

bool json_broken(struct json_reader *r, size_t at, size_t length, const char *message)
{
	if (!r->is_broken)
		json_fault(r, at, length, message);
	r->is_broken = true;
	return false;
}

static void skip_space(struct json_reader *r)
{
	while (r->at < r->length && (r->text[r->at] == ' ' || r->text[r->at] == '\t' ||
				     r->text[r->at] == '\n' || r->text[r->at] == '\r'))
		r->at++;
}

/* Lines are counted once for every LINE_STEP bytes, then from the nearest of these. */
static void index_lines(struct json_reader *r)
{
	size_t count = r->length / LINE_STEP + 1;
	uint32_t line = 1;

	r->lines = mem_alloc(count * sizeof(*r->lines));
	for (size_t i = 0; i < count; i++) {
		size_t from = i * LINE_STEP, left = r->length - from;

		r->lines[i] = line;
		line += str_count(r->text + from, left < LINE_STEP ? left : LINE_STEP, '\n');
	}
}

uint32_t json_line(struct json_reader *r, size_t at)
{
	if (!r->length)
		return 1;
	if (at >= r->length)
		at = r->length - 1;
	if (!r->lines)
		index_lines(r);
	size_t from = at / LINE_STEP * LINE_STEP;
	return r->lines[at / LINE_STEP] + str_count(r->text + from, at - from, '\n');
}

static struct json_step *top(struct json_reader *r)
{
	return &r->path.steps[r->path.depth - 1];
}

/* The text is over, but something is open. */
static bool ends_early(struct json_reader *r)
{
	char message[MESSAGE_MAX];

	if (!r->path.depth)
		return json_broken(r, r->length, 1, "the file ends where a value should be");
	const struct json_step *step = top(r);
	snprintf(message, sizeof(message),
		 "the file ends inside the %s that began on line %u; a %c is missing",
		 step->is_array ? "list" : "object", json_line(r, step->opened_at),
		 step->is_array ? ']' : '}');
	return json_broken(r, r->length, 1, message);
}

/* A character that begins nothing: say the likely reason. */
static bool unexpected(struct json_reader *r, const char *wanted)
{
	char message[MESSAGE_MAX];
	const char *at = r->text + r->at;

	if (r->at >= r->length)
		return ends_early(r);
	unsigned char c = (unsigned char)*at;
	size_t length = utf8_length(at, r->length - r->at);
	if (c == '/' || c == '#')
		return json_broken(r, r->at, 1, "JSON has no comments; remove it");
	if (c == '\'')
		return json_broken(r, r->at, 1, "texts and keys are in double quotes, \"");
	if (c == 0)
		return json_broken(r, r->at, 1, "a NUL byte has no place in JSON; remove it");
	if (!length)
		return json_broken(r, r->at, 1, "no valid UTF-8; save the file as UTF-8");
	if (c < 0x20 || c == 0x7f)
		snprintf(message, sizeof(message), "control character 0x%02x, expected %s", c,
			 wanted);
	else
		snprintf(message, sizeof(message), "unexpected %.*s, expected %s", (int)length, at,
			 wanted);
	return json_broken(r, r->at, length, message);
}

enum json_kind json_peek(struct json_reader *r)
{
	skip_space(r);
	if (r->is_broken || r->at >= r->length)
		return JSON_NONE;
	char c = r->text[r->at];
	switch (c) {
	case '{': return JSON_OBJECT;
	case '[': return JSON_ARRAY;
	case '"': return JSON_STRING;
	case 't':
	case 'f': return JSON_BOOL;
	case 'n': return JSON_NULL;
	default: break;
	}
	if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.')
		return JSON_NUMBER;
	/* Words such as None or yes are read over as null, and told. */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? JSON_NULL : JSON_NONE;
}

const char *json_kind_words(enum json_kind kind)
{
	static const char *const words[] = {"an object",     "a list", "a text", "a number",
					    "true or false", "null",   "nothing"};

	return words[kind];
}

/* Structure. */

bool json_open(struct json_reader *r)
{
	enum json_kind kind = json_peek(r);
	char message[MESSAGE_MAX];

	assert(r->is_broken || kind == JSON_OBJECT || kind == JSON_ARRAY);
	if (r->is_broken)
		return false;
	if (r->path.depth >= r->depth_max) {
		snprintf(message, sizeof(message),
			 "nested deeper than %u levels; the rest is not read", r->depth_max);
		return json_broken(r, r->at, 1, message);
	}
	r->path.steps[r->path.depth++] = (struct json_step){
		.is_array = kind == JSON_ARRAY, .opened_at = r->at, .seen_from = r->seen_count};
	r->at++;
	return true;
}

/* Keys by hash; equal ones in the order of the file. */
static int by_hash(const void *a, const void *b)
{
	const struct json_seen_key *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->piece.at > y->piece.at) - (x->piece.at < y->piece.at);
}

static bool same_key(const struct json_reader *r, const struct json_seen_key *a,
		     const struct json_seen_key *b)
{
	char left[4], right[4];
	size_t at = a->piece.at, end = at + a->piece.length;
	size_t to = b->piece.at, to_end = to + b->piece.length;

	if (a->hash != b->hash)
		return false;
	while (at < end && to < to_end) {
		size_t n, m;

		at += json_decode_one(r->text, at, end, left, &n);
		to += json_decode_one(r->text, to, to_end, right, &m);
		if (n != m || memcmp(left, right, n) != 0)
			return false;
	}
	return at == end && to == to_end;
}

static void tell_duplicate(struct json_reader *r, const struct json_seen_key *first,
			   const struct json_seen_key *again)
{
	char message[MESSAGE_MAX];
	size_t shown = again->piece.length;

	while (shown > 60 || (shown < again->piece.length && shown &&
			      ((unsigned char)r->text[again->piece.at + shown] & 0xc0) == 0x80))
		shown--;
	snprintf(message, sizeof(message),
		 "the key \"%.*s\" stands here a second time (first on line %u); remove one",
		 (int)shown, r->text + again->piece.at, json_line(r, first->piece.at));
	json_fault(r, again->piece.at - 1, again->piece.length + 2, message);
}

/* Among the keys of the object that closes. */
static void tell_duplicates(struct json_reader *r, size_t from)
{
	struct json_seen_key *keys = r->seen + from;
	size_t count = r->seen_count - from, first = 0;

	if (count > FEW_KEYS)
		qsort(keys, count, sizeof(*keys), by_hash);
	for (size_t i = 1; i < count; i++) {
		if (count > FEW_KEYS) {
			if (keys[i].hash != keys[first].hash)
				first = i;
			else if (same_key(r, &keys[first], &keys[i]))
				tell_duplicate(r, &keys[first], &keys[i]);
			continue;
		}
		for (size_t j = 0; j < i; j++) {
			if (!same_key(r, &keys[j], &keys[i]))
				continue;
			tell_duplicate(r, &keys[j], &keys[i]);
			break;
		}
	}
}

static bool see_key(struct json_reader *r, struct json_piece key)
{
	if (r->seen_count - top(r)->seen_from >= JSON_MEMBERS_MAX)
		return json_broken(r, key.at - 1, key.length + 2,
				   "more than 100000 members in one object; the rest is not read");
	if (r->seen_count == r->seen_capacity) {
		r->seen_capacity = r->seen_capacity ? r->seen_capacity * 2 : 64;
		r->seen = mem_resize(r->seen, r->seen_capacity * sizeof(*r->seen));
	}
	uint64_t hash = json_piece_hash(r, key, STR_HASH_INIT);
	r->seen[r->seen_count++] =
		(struct json_seen_key){.piece = key, .hash = (uint32_t)(hash ^ hash >> 32)};
	return true;
}

static bool close_step(struct json_reader *r)
{
	struct json_step *step = top(r);

	r->at++;
	if (r->fault && !step->is_array) {
		/* The path of a duplicate is that of its object. */
		step->count = 0;
		tell_duplicates(r, step->seen_from);
		r->seen_count = step->seen_from;
	}
	r->path.depth--;
	return false;
}

/* Past the comma to the next member or item; false where the bracket closed. */
static bool next_element(struct json_reader *r)
{
	const struct json_step *step = top(r);
	char close = step->is_array ? ']' : '}';
	const char *wanted = step->is_array ? "a comma or ]" : "a comma or }";

	skip_space(r);
	if (r->at < r->length && r->text[r->at] == close)
		return close_step(r);
	if (!step->count)
		return true;
	enum json_kind kind = json_peek(r);
	if (r->at < r->length && r->text[r->at] != ',')
		return kind != JSON_NONE
			       ? json_broken(r, r->at, 1, "a comma is missing before this")
			       : unexpected(r, wanted);
	if (r->at >= r->length)
		return ends_early(r);
	size_t comma = r->at++;
	skip_space(r);
	if (r->at < r->length && r->text[r->at] == close) {
		json_fault(r, comma, 1, "a comma before the closing bracket; remove it");
		return close_step(r);
	}
	return true;
}

bool json_next_item(struct json_reader *r)
{
	if (r->is_broken || !next_element(r))
		return false;
	if (json_peek(r) == JSON_NONE)
		return unexpected(r, "a value or ]");
	if (top(r)->count >= JSON_ITEMS_MAX)
		return json_broken(r, r->at, 1,
				   "more than 250000 items in one list; the rest is not read");
	top(r)->count++;
	return true;
}

bool json_next_member(struct json_reader *r, struct json_piece *key)
{
	if (r->is_broken || !next_element(r))
		return false;
	if (r->at >= r->length || r->text[r->at] != '"') {
		enum json_kind kind = json_peek(r);
		return kind != JSON_NONE
			       ? json_broken(r, r->at, 1, "a key in double quotes should be here")
			       : unexpected(r, "a key in double quotes or }");
	}
	if (!json_scan_string(r, key))
		return false;
	struct json_step *step = top(r);
	step->count++;
	step->key = key->at;
	step->key_length = key->length;
	if (r->fault && !see_key(r, *key))
		return false;
	skip_space(r);
	if (r->at >= r->length)
		return ends_early(r);
	if (r->text[r->at] != ':')
		return json_broken(r, r->at, 1, "a colon is missing between key and value");
	r->at++;
	return json_peek(r) != JSON_NONE || unexpected(r, "a value");
}

/* Tokens. */

bool json_take_string(struct json_reader *r, struct json_piece *piece)
{
	enum json_kind kind = json_peek(r);

	assert(r->is_broken || kind == JSON_STRING);
	return !r->is_broken && json_scan_string(r, piece);
}

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '.' || c == '+' || c == '-';
}

static struct json_piece token(struct json_reader *r)
{
	struct json_piece piece = {.at = r->at};

	while (r->at < r->length && is_token_char(r->text[r->at]))
		r->at++;
	piece.length = r->at - piece.at;
	return piece;
}

static size_t digits(const char *text, size_t at, size_t length)
{
	while (at < length && text[at] >= '0' && text[at] <= '9')
		at++;
	return at;
}

/* What is wrong with a number; NULL for nothing. */
static const char *number_problem(const char *text, size_t length)
{
	size_t at = length && text[0] == '-', whole = at;

	if (length && text[0] == '+')
		return "a number has no + before it";
	at = digits(text, at, length);
	if (at == whole)
		return at < length && text[at] == '.' ? "a number has a digit before its point, "
							"as in 0.5"
						      : "no number";
	if (text[whole] == '0' && at > whole + 1)
		return "a number does not begin with 0; write it in quotes if it is a text";
	if (at < length && text[at] == '.') {
		whole = at + 1;
		at = digits(text, whole, length);
		if (at == whole)
			return "a number has a digit behind its point";
	}
	if (at < length && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		at += at < length && (text[at] == '+' || text[at] == '-');
		whole = at;
		at = digits(text, at, length);
		if (at == whole)
			return "a number has digits behind its e";
	}
	return at == length ? NULL : "no number; texts such as \"15m\" are in double quotes";
}

bool json_number(struct json_reader *r, struct json_piece *piece)
{
	enum json_kind kind = json_peek(r);

	assert(r->is_broken || kind == JSON_NUMBER);
	if (r->is_broken)
		return false;
	*piece = token(r);
	const char *problem = number_problem(r->text + piece->at, piece->length);
	return !problem || json_fault(r, piece->at, piece->length, problem);
}

static bool token_is(const struct json_reader *r, struct json_piece piece, const char *word)
{
	return piece.length == strlen(word) && memcmp(r->text + piece.at, word, piece.length) == 0;
}

static void tell_word(struct json_reader *r, struct json_piece piece)
{
	static const char *const literals[] = {"true", "false", "null"};
	char message[MESSAGE_MAX], word[32];
	size_t shown = piece.length < sizeof(word) - 1 ? piece.length : sizeof(word) - 1;

	memcpy(word, r->text + piece.at, shown);
	word[shown] = '\0';
	const char *near = strcmp(word, "None") == 0 ? "null" : str_nearest(word, literals, 3);
	if (near)
		snprintf(message, sizeof(message), "%s is no JSON; did you mean %s?", word, near);
	else
		snprintf(message, sizeof(message), "%s is no JSON; texts are in double quotes",
			 word);
	json_fault(r, piece.at, piece.length, message);
}

bool json_bool(struct json_reader *r, bool *value)
{
	enum json_kind kind = json_peek(r);

	assert(r->is_broken || kind == JSON_BOOL);
	if (r->is_broken)
		return false;
	struct json_piece piece = token(r);
	*value = token_is(r, piece, "true");
	if (r->fault && !*value && !token_is(r, piece, "false"))
		tell_word(r, piece);
	return true;
}

static bool skip_object(struct json_reader *r)
{
	struct json_piece key;

	json_open(r);
	while (json_next_member(r, &key))
		json_skip(r);
	return !r->is_broken;
}

static bool skip_array(struct json_reader *r)
{
	size_t from = r->at;

	if (!r->fault && from == r->long_from && r->long_to) {
		r->at = r->long_to;
		return true;
	}
	json_open(r);
	while (json_next_item(r))
		json_skip(r);
	if (r->fault && r->path.depth == 1 && r->at - from > r->long_to - r->long_from) {
		r->long_from = from;
		r->long_to = r->at;
	}
	return !r->is_broken;
}

/* Recursion is as deep as the path, which is bounded. */
bool json_skip(struct json_reader *r)
{
	struct json_piece piece;
	bool value;

	switch (json_peek(r)) {
	case JSON_OBJECT: return skip_object(r);
	case JSON_ARRAY: return skip_array(r);
	case JSON_STRING: return json_take_string(r, &piece);
	case JSON_NUMBER: json_number(r, &piece); return true;
	case JSON_BOOL: return json_bool(r, &value);
	case JSON_NULL:
		piece = token(r);
		if (r->fault && !token_is(r, piece, "null"))
			tell_word(r, piece);
		return true;
	case JSON_NONE: return unexpected(r, "a value");
	}
	return false;
}

bool json_check(struct json_reader *r)
{
	if (r->length >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0) {
		json_fault(r, 0, 3, "a byte order mark; save the file as UTF-8 without one");
		r->at = 3;
	} else if (r->length >= 2 &&
		   (memcmp(r->text, "\xff\xfe", 2) == 0 || memcmp(r->text, "\xfe\xff", 2) == 0)) {
		return json_broken(r, 0, 2, "the file is UTF-16; save it as UTF-8");
	}
	if (!json_skip(r))
		return false;
	skip_space(r);
	if (r->at < r->length)
		return json_broken(r, r->at, 1, "text behind the end of the JSON value; remove it");
	return true;
}
