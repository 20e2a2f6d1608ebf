/*
 * wrap.h - lines broken between words, so that no terminal breaks them inside.
 */
#ifndef BELFRY_WRAP_H
#define BELFRY_WRAP_H

#include "buf.h"

/* The bytes of text[0..length) that make its first line: up to the last blank within
 * `most` columns, or as much of a longer word as fits. *next is where the next line
 * begins. */
size_t wrap_line(const char *text, size_t length, size_t most, size_t *next);

/* Breaks every line that is wider than that; 0 leaves all as they are. What goes on
 * is indented as far as the line's second column, where it has one. Escape sequences
 * of colours take no room. */
void wrap_text(struct buf *text, size_t width);

#endif
