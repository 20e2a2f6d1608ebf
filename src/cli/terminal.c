/* terminal.c - who reads: a person at a terminal, or a program; see terminal.h. */
#include "terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "str.h"
#include "utf8.h"

/* Where the terminal does not tell. */
enum { USUAL_WIDTH = 80 };

static const char *const style_codes[] = {
	[STYLE_PLAIN] = NULL, [STYLE_BOLD] = "1",  [STYLE_DIM] = "2",
	[STYLE_GOOD] = "32",  [STYLE_WARN] = "33", [STYLE_BAD] = "31",
};

static int fd_of(enum output output)
{
	return output == OUTPUT_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
}

bool terminal_is(enum output output)
{
	return isatty(fd_of(output));
}

bool terminal_has_colour(enum output output)
{
	const char *term = getenv("TERM");

	return terminal_is(output) && str_empty(getenv("NO_COLOR")) && !str_empty(term) &&
	       strcmp(term, "dumb") != 0;
}

size_t terminal_width(void)
{
	struct winsize size = {0};

	if (!terminal_is(OUTPUT_STDOUT))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return USUAL_WIDTH;
	return size.ws_col;
}

/* ---- characters ---- */

static uint32_t code_point(const char *text, size_t length)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = (unsigned char)text[0] & first_bits[length];

	for (size_t i = 1; i < length; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	return code;
}

/* The next character's bytes; 1 and *is_bad for what must not reach a terminal:
 * control characters (C0, DEL, C1) and what is no UTF-8. */
static size_t next_character(const char *text, size_t length, bool *is_bad, size_t *columns)
{
	size_t bytes = utf8_length(text, length);

	*columns = 1;
	*is_bad = bytes == 0;
	if (*is_bad)
		return 1;
	uint32_t code = code_point(text, bytes);
	*is_bad = code < 0x20 || (code >= 0x7f && code < 0xa0);
	if (code >= 0x300) { /* combining and wide ones begin here */
		int width = wcwidth((wchar_t)code);

		*columns = width < 0 ? 1 : (size_t)width;
	}
	return bytes;
}

size_t terminal_columns(const char *text)
{
	size_t length = strlen(text), total = 0, columns;
	bool is_bad;

	for (size_t at = 0; at < length; total += columns)
		at += next_character(text + at, length - at, &is_bad, &columns);
	return total;
}

size_t terminal_fit(const char *text, size_t length, size_t most)
{
	size_t at = 0, total = 0, columns;
	bool is_bad;

	while (at < length) {
		size_t bytes = next_character(text + at, length - at, &is_bad, &columns);

		if (at > 0 && total + columns > most)
			break;
		at += bytes;
		total += columns;
	}
	return at;
}

/* Adds the text up to so many columns. Returns the columns taken. */
static size_t add_clean(struct buf *out, const char *text, size_t most)
{
	size_t length = strlen(text), total = 0, columns;
	bool is_bad;

	for (size_t at = 0, bytes; at < length; at += bytes, total += columns) {
		bytes = next_character(text + at, length - at, &is_bad, &columns);
		if (total + columns > most)
			break;
		if (is_bad)
			buf_char(out, '?');
		else
			buf_add(out, text + at, bytes);
	}
	return total;
}

size_t terminal_add_cut(struct buf *out, enum output output, enum style style, const char *text,
			size_t most)
{
	const char *code = terminal_has_colour(output) ? style_codes[style] : NULL;
	size_t columns = terminal_columns(text);

	if (code)
		buf_format(out, "\033[%sm", code);
	if (columns <= most) {
		add_clean(out, text, columns);
	} else {
		columns = add_clean(out, text, most - 1) + 1;
		buf_text(out, "…");
	}
	if (code)
		buf_text(out, "\033[0m");
	return columns;
}

void terminal_add(struct buf *out, enum output output, enum style style, const char *text)
{
	terminal_add_cut(out, output, style, text, SIZE_MAX);
}

/* ---- output ---- */

bool terminal_write(enum output output, const char *data, size_t length)
{
	for (size_t at = 0; at < length;) {
		ssize_t n = write(fd_of(output), data + at, length - at);

		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

bool terminal_print(struct buf *out)
{
	return terminal_write(OUTPUT_STDOUT, buf_string(out), out->length);
}
