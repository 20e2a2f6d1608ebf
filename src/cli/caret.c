/* caret.c - a text with a mark under the piece that is meant; see caret.h. */
#include "caret.h"

#include <string.h>

/* A long text is shown around the piece only. In bytes. */
enum { AROUND_MAX = 60, AROUND_LEAST = 6, QUOTES = 4 };

/* How much is shown of the piece, and before and after it: a third each where the
 * terminal is narrow, so that it does not break the line above the mark. */
static size_t around(const struct caret *caret)
{
	size_t width = terminal_width(), taken = strlen(caret->lead) + QUOTES;
	size_t third = width > taken ? (width - taken) / 3 : 0;

	if (width == 0 || third > AROUND_MAX || taken + strlen(caret->text) <= width)
		return AROUND_MAX;
	return third > AROUND_LEAST ? third : AROUND_LEAST;
}

static bool is_inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Columns of a piece of the text: a control character is shown as one "?". */
static size_t columns(const char *text, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += !is_inside_character(text[i]);
	return count;
}

static void repeat(struct buf *out, char c, size_t count)
{
	while (count--)
		buf_char(out, c);
}

struct window {
	size_t from, to; /* of the text's bytes */
	bool is_cut_before, is_cut_after;
};

static struct window choose(const char *text, size_t at, size_t length, size_t most)
{
	struct window w = {0, strlen(text), false, false};

	if (at > most) {
		w.from = at - most;
		while (is_inside_character(text[w.from]))
			w.from++;
		w.is_cut_before = true;
	}
	size_t end = at + (length > most ? most : length) + most;
	if (end < w.to) {
		w.to = end;
		while (is_inside_character(text[w.to]))
			w.to--;
		w.is_cut_after = true;
	}
	return w;
}

static void add_text(struct buf *out, enum output output, const struct caret *caret,
		     const struct window *w)
{
	struct buf piece = {0};

	if (w->is_cut_before)
		buf_text(&piece, "…");
	buf_add(&piece, caret->text + w->from, w->to - w->from);
	if (w->is_cut_after)
		buf_text(&piece, "…");
	terminal_add(out, output, STYLE_PLAIN, caret->lead);
	buf_char(out, '"');
	terminal_add(out, output, STYLE_PLAIN, buf_string(&piece));
	buf_text(out, "\"\n");
	buf_finish(&piece);
}

void caret_add(struct buf *out, enum output output, const struct caret *caret)
{
	size_t text_length = strlen(caret->text);
	size_t at = caret->column ? caret->column - 1 : 0;
	struct buf mark = {0};

	if (at > text_length)
		at = text_length;
	size_t length = caret->length < text_length - at ? caret->length : text_length - at;
	struct window w = choose(caret->text, at, length, around(caret));
	size_t marked = columns(caret->text + at, length < w.to - at ? length : w.to - at);

	add_text(out, output, caret, &w);
	repeat(out, ' ',
	       columns(caret->lead, strlen(caret->lead)) + 1 + w.is_cut_before +
		       columns(caret->text + w.from, at - w.from));
	buf_char(&mark, '^');
	repeat(&mark, '~', marked > 1 ? marked - 1 : 0);
	terminal_add(out, output, caret->style, buf_string(&mark));
	if (caret->message) {
		buf_char(out, ' ');
		terminal_add(out, output, STYLE_PLAIN, caret->message);
	}
	buf_char(out, '\n');
	buf_finish(&mark);
}
