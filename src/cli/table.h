/*
 * table.h - rows in columns for people: a head, two spaces between columns, cut to
 * the terminal's width; never cut in a pipe.
 */
#ifndef BELFRY_TABLE_H
#define BELFRY_TABLE_H

#include "buf.h"
#include "mem.h"
#include "terminal.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
	const char *title;
	bool is_right;   /* numbers */
	bool may_shrink; /* cut with "…" when the terminal is too narrow */
};

struct table_cell {
	const char *text; /* copied */
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
void table_format(struct table *table, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t table_rows(const struct table *table);
void table_write(const struct table *table, struct buf *out);
void table_finish(struct table *table);

#endif
