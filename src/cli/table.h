/*
 * table.h - rows in columns for people: a head, two spaces between columns. In a pipe
 * nothing is ever cut; a terminal of 40 columns or more never has to break a line.
 *
 * Where the terminal is too narrow, in this order: columns that shrink give way down to
 * their least, those of the highest rank first; cells and titles with a brief form take
 * it; a last column that wraps goes below its row; columns that may go are left out,
 * the highest rank first; and at last all give way, the widest first.
 */
#ifndef BELFRY_TABLE_H
#define BELFRY_TABLE_H

#include "buf.h"
#include "mem.h"
#include "terminal.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
	const char *title;
	const char *brief; /* the title where cells are brief; NULL: the same */
	uint8_t rank;      /* who gives way first: 9 before 1 */
	uint8_t least;     /* columns that it keeps while others can give way; 0: all */
	bool is_right;     /* numbers */
	bool wraps;        /* goes on in lines below, where others are cut with "…" */
	bool may_go;
};

struct table_cell {
	const char *text;  /* copied */
	const char *brief; /* for narrow terminals; NULL: the same */
	enum style style;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct arena arena;
	struct table_cell *cells; /* row by row */
	size_t count, capacity;
};

void table_init(struct table *table, const struct table_column *columns, size_t column_count);
/* The next cell of the row begun, or of the next row; NULL is shown as "-". */
void table_add(struct table *table, enum style style, const char *text);
/* The same, with what stands for it where there is little room. */
void table_add_brief(struct table *table, enum style style, const char *text, const char *brief);
void table_format(struct table *table, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t table_rows(const struct table *table);
/* For the terminal's width. */
void table_write(const struct table *table, struct buf *out);
/* For that width; 0: nothing is cut. */
void table_write_to(const struct table *table, size_t room, struct buf *out);
void table_finish(struct table *table);

#endif
