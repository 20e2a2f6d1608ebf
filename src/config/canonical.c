/*
 * canonical.c - a text in the one form that everybody writes the same: keys in the
 * order of their table, two spaces a level, short values on one line.
 *
 * What is written is what was read: the same values, ${NAME} unexpanded, defaults
 * where they were. The canonical form of a canonical text is itself.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

enum { LINE_COLUMNS = 100, STEP_COLUMNS = 2 };

struct writer {
	struct json_reader r;
	struct buf *out;
	unsigned depth; /* of the lines */
};

/* A member of an object as it stands in the text. */
struct member {
	struct json_piece key;
	enum key row; /* KEY_NONE: not one of the table's */
	size_t order, at;
};

struct members {
	struct member *items;
	size_t count, capacity;
};

static void write_value(struct writer *w, enum key key);

static void write_string(struct writer *w, struct json_piece piece)
{
	struct arena arena = {0};
	size_t length;
	const char *text = json_piece_text(&w->r, piece, &arena, &length);

	buf_json_string(w->out, text, length);
	arena_finish(&arena);
}

static int in_order(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* The members of the object that comes next, which is taken. */
static struct members collect(struct writer *w, enum key parent, bool is_sorted)
{
	struct members members = {0};
	struct json_piece key;

	json_open(&w->r);
	while (json_next_member(&w->r, &key)) {
		if (members.count == members.capacity) {
			members.capacity = members.capacity ? members.capacity * 2 : 16;
			members.items = mem_resize(members.items,
						   members.capacity * sizeof(*members.items));
		}
		json_peek(&w->r);
		members.items[members.count] =
			(struct member){key, is_sorted ? key_find(parent, &w->r, key) : KEY_NONE,
					members.count, w->r.at};
		members.count++;
		json_skip(&w->r);
	}
	if (members.count)
		qsort(members.items, members.count, sizeof(*members.items), in_order);
	return members;
}

static void new_line(struct writer *w)
{
	buf_char(w->out, '\n');
	for (unsigned i = 0; i < w->depth * STEP_COLUMNS; i++)
		buf_char(w->out, ' ');
}

/* What the members of a value of this key are looked up under. */
static enum key family_of(enum key key)
{
	return key == KEY_DEFAULTS ? KEY_JOBS : key;
}

static bool has_rows(enum key key)
{
	return key == KEY_NONE || keys[key].kind == KIND_OBJECT ||
	       keys[key].kind == KIND_SCHEDULE || key == KEY_DEFAULTS || key == KEY_JOBS;
}

static void write_object(struct writer *w, enum key key)
{
	enum key parent = family_of(key);
	struct members members = collect(w, parent, has_rows(key));
	size_t end = w->r.at;

	buf_char(w->out, '{');
	w->depth++;
	for (size_t i = 0; i < members.count; i++) {
		if (i)
			buf_char(w->out, ',');
		new_line(w);
		write_string(w, members.items[i].key);
		buf_text(w->out, ": ");
		w->r.at = members.items[i].at;
		/* Below what is passed through nothing is looked up any more. */
		write_value(w,
			    members.items[i].row == KEY_NONE ? KEY_CONFIG : members.items[i].row);
	}
	w->depth--;
	if (members.count)
		new_line(w);
	buf_char(w->out, '}');
	free(members.items);
	w->r.at = end;
}

static void write_array(struct writer *w, enum key key)
{
	bool is_first = true;

	buf_char(w->out, '[');
	json_open(&w->r);
	w->depth++;
	while (json_next_item(&w->r)) {
		if (!is_first)
			buf_char(w->out, ',');
		is_first = false;
		new_line(w);
		write_value(w, key);
	}
	w->depth--;
	if (!is_first)
		new_line(w);
	buf_char(w->out, ']');
}

/* Lines and the blanks that begin them become one blank, the outermost ones none. */
static void join_lines(const char *text, size_t length, struct buf *out)
{
	bool is_text = false;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"')
			is_text = !is_text;
		else if (is_text && text[i] == '\\')
			buf_char(out, text[i++]); /* what it escapes is no quote */
		if (text[i] != '\n') {
			buf_char(out, text[i]);
			continue;
		}
		bool is_outer = strchr("[{", text[i - 1]) != NULL;
		i += strspn(text + i + 1, " ");
		if (!is_outer && !strchr("]}", text[i + 1]))
			buf_char(out, ' ');
	}
}

static bool stays_open(enum key key)
{
	return key == KEY_NONE || key == KEY_DEFAULTS || key == KEY_JOBS;
}

/* On one line where it fits behind what stands there already. */
static void fold(struct writer *w, size_t from)
{
	const char *text = w->out->data;
	size_t line = from;
	struct buf flat = {0};

	while (line > 0 && text[line - 1] != '\n')
		line--;
	join_lines(text + from, w->out->length - from, &flat);
	if (from - line + flat.length < LINE_COLUMNS) {
		w->out->length = from;
		buf_add(w->out, flat.data, flat.length);
	}
	buf_finish(&flat);
}

static void write_value(struct writer *w, enum key key)
{
	enum json_kind kind = json_peek(&w->r);
	size_t at = w->r.at, from = w->out->length;
	struct json_piece piece;

	if (kind == JSON_OBJECT) {
		write_object(w, key);
	} else if (kind == JSON_ARRAY) {
		write_array(w, key);
	} else if (kind == JSON_STRING) {
		json_take_string(&w->r, &piece);
		write_string(w, piece);
	} else {
		json_skip(&w->r);
		buf_add(w->out, w->r.text + at, w->r.at - at);
	}
	bool is_nested = kind == JSON_OBJECT || kind == JSON_ARRAY;
	if (is_nested && !stays_open(key))
		fold(w, from);
}

void config_canonical(const struct config *config, struct buf *out)
{
	struct writer w = {.out = out};
	bool has_bom = config->length >= 3 && memcmp(config->text, "\xef\xbb\xbf", 3) == 0;

	if (config->is_empty)
		return;
	assert(config->text);
	json_init(&w.r, config->text, config->length, CONFIG_DEPTH_MAX, NULL, NULL);
	w.r.at = has_bom ? 3 : 0;
	/* cron-manager's form is a list of jobs, or one. */
	write_value(&w, config->is_cron_manager ? KEY_JOBS : KEY_NONE);
	buf_char(out, '\n');
	json_finish(&w.r);
}
