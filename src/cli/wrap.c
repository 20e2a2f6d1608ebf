/* wrap.c - lines broken between words; see wrap.h. */
#include "wrap.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "terminal.h"

/* How far a line without columns is indented where it goes on. */
enum { HANGING = 4 };

size_t wrap_line(const char *text, size_t length, size_t most, size_t *next)
{
	size_t fit = terminal_fit(text, length, most), end = fit;

	if (fit < length && text[fit] != ' ')
		while (end > 0 && text[end - 1] != ' ')
			end--;
	if (end == 0) /* one long word */
		end = fit;
	*next = end;
	while (*next < length && text[*next] == ' ')
		++*next;
	while (end > 0 && text[end - 1] == ' ')
		end--;
	return end > 0 ? end : *next;
}

/* ---- a line with colours in it ---- */

/* The length of an escape sequence that begins here; 0: none does. */
static size_t escape_length(const char *text, size_t length)
{
	size_t at = 2;

	if (length < 3 || text[0] != '\033' || text[1] != '[')
		return 0;
	while (at < length && text[at] != 'm')
		at++;
	return at < length ? at + 1 : 0;
}

/* A line without its colours, and where each of its bytes comes from. */
struct bare {
	struct buf text;
	size_t *origins; /* one more than text has bytes */
};

static struct bare strip(const char *line, size_t length)
{
	struct bare bare = {.origins = mem_alloc((length + 1) * sizeof(size_t))};
	size_t at = 0, skipped;

	while (at < length) {
		if ((skipped = escape_length(line + at, length - at))) {
			at += skipped;
			continue;
		}
		bare.origins[bare.text.length] = at;
		buf_char(&bare.text, line[at++]);
	}
	bare.origins[bare.text.length] = length;
	return bare;
}

/* Where the second column begins, if that is in the left half. */
static size_t indent_of(const struct buf *text, size_t width)
{
	const char *line = buf_string(text);
	size_t lead = strspn(line, " ");
	const char *gap = strstr(line + lead, "  ");
	size_t second = 0;

	if (gap) {
		size_t bytes = (size_t)(gap - line) + strspn(gap, " ");

		/* Characters, not bytes: what is before is short and has no wide ones. */
		for (size_t i = 0; i < bytes; i++)
			second += ((unsigned char)line[i] & 0xc0) != 0x80;
	}
	if (second > 0 && second <= width / 2)
		return second;
	return lead > 0 && lead + 2 <= width / 2 ? lead + 2 : HANGING;
}

static void add_wrapped(struct buf *out, const char *line, size_t length, size_t width)
{
	struct bare bare = strip(line, length);
	const char *text = buf_string(&bare.text);
	size_t indent = 0, hanging = indent_of(&bare.text, width), from = 0;

	/* The lead of the first line is no place to break at. */
	for (size_t at = 0, lead = strspn(text, " "); at < bare.text.length || at == 0;) {
		size_t next, taken = indent + lead;
		size_t room = taken + HANGING < width ? width - taken : HANGING;

		wrap_line(text + at + lead, bare.text.length - at - lead, room, &next);
		at += lead + next;
		size_t end = at, to = bare.origins[at];
		while (at < bare.text.length && end > 0 && text[end - 1] == ' ')
			end--;
		for (size_t i = 0; i < indent; i++)
			buf_char(out, ' ');
		buf_add(out, line + from, bare.origins[end] - from);
		for (size_t i = bare.origins[end]; i < to; i++) /* colours between blanks */
			if (line[i] != ' ')
				buf_char(out, line[i]);
		from = to;
		indent = hanging;
		lead = 0;
		if (at >= bare.text.length)
			break;
		buf_char(out, '\n');
	}
	buf_finish(&bare.text);
	free(bare.origins);
}

static size_t columns_of(const char *line, size_t length)
{
	struct bare bare = strip(line, length);
	size_t columns = terminal_columns(buf_string(&bare.text));

	buf_finish(&bare.text);
	free(bare.origins);
	return columns;
}

void wrap_text(struct buf *text, size_t width)
{
	struct buf out = {0};
	const char *at = buf_string(text), *end = at + text->length;

	if (width <= 2 * HANGING)
		return;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline ? newline : end) - at);

		if (length > width && columns_of(at, length) > width)
			add_wrapped(&out, at, length, width);
		else
			buf_add(&out, at, length);
		if (newline)
			buf_char(&out, '\n');
		at += length + (newline != NULL);
	}
	buf_finish(text);
	*text = out;
}
