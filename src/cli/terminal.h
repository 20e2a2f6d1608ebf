/*
 * terminal.h - who reads: a person at a terminal, or a program in a pipe.
 *
 * Colour only where standard output is a terminal, TERM is not "dumb" and NO_COLOR
 * (no-color.org) is unset or empty.
 */
#ifndef BELFRY_TERMINAL_H
#define BELFRY_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GOOD, /* green */
	STYLE_WARN, /* yellow */
	STYLE_BAD,  /* red */
};

enum output { OUTPUT_STDOUT, OUTPUT_STDERR };

bool terminal_is(enum output output);
bool terminal_has_colour(enum output output);
/* Columns of standard output; 0 if it is no terminal. */
size_t terminal_width(void);
/* Columns that text takes as terminal_add writes it. */
size_t terminal_columns(const char *text);
/* Bytes of the longest beginning of text[0..length) that takes at most so many columns;
 * at least one character, if there is one. */
size_t terminal_fit(const char *text, size_t length, size_t most);
/* Adds text in that style, plain where there is no colour. Control characters
 * become "?" so that no name or message can drive the terminal. */
void terminal_add(struct buf *out, enum output output, enum style style, const char *text);

/* The same, cut to `most` columns (at least 1), the last one then "…". Returns the
 * columns taken. */
size_t terminal_add_cut(struct buf *out, enum output output, enum style style, const char *text,
			size_t most);

/* Writes all of it at once; false with errno if that failed (EPIPE: nobody reads). */
bool terminal_write(enum output output, const char *data, size_t length);
bool terminal_print(struct buf *out); /* to standard output */

#endif
