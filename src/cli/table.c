/* table.c - rows in columns for people; see table.h. */
#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, SHRUNK_LEAST = 8 };

void table_init(struct table *table, const struct table_column *columns, size_t column_count)
{
	assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
	*table = (struct table){.columns = columns, .column_count = column_count};
}

void table_add(struct table *table, enum style style, const char *text)
{
	if (table->count == table->capacity) {
		table->capacity = table->capacity ? table->capacity * 2 : 64;
		table->cells = mem_resize(table->cells, table->capacity * sizeof(table->cells[0]));
	}
	table->cells[table->count++] = (struct table_cell){
		.text = arena_text(&table->arena, text ? text : "-"), .style = style};
}

void table_format(struct table *table, enum style style, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	table_add(table, style, buf_string(&text));
	buf_finish(&text);
}

size_t table_rows(const struct table *table)
{
	return table->count / table->column_count;
}

/* ---- widths ---- */

static void measure(const struct table *table, size_t widths[TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < table->column_count; i++)
		widths[i] = terminal_columns(table->columns[i].title);
	for (size_t i = 0; i < table->count; i++) {
		size_t width = terminal_columns(table->cells[i].text);
		size_t column = i % table->column_count;

		if (width > widths[column])
			widths[column] = width;
	}
}

static size_t total_of(const struct table *table, const size_t widths[TABLE_COLUMNS_MAX])
{
	size_t total = GAP * (table->column_count - 1);

	for (size_t i = 0; i < table->column_count; i++)
		total += widths[i];
	return total;
}

/* The widest column that may give way; column_count if none can any more. */
static size_t widest_shrinkable(const struct table *table, const size_t widths[TABLE_COLUMNS_MAX])
{
	size_t best = table->column_count;

	for (size_t i = 0; i < table->column_count; i++)
		if (table->columns[i].may_shrink && widths[i] > SHRUNK_LEAST &&
		    (best == table->column_count || widths[i] > widths[best]))
			best = i;
	return best;
}

static void shrink(const struct table *table, size_t widths[TABLE_COLUMNS_MAX], size_t room)
{
	for (size_t total = total_of(table, widths); total > room; total--) {
		size_t column = widest_shrinkable(table, widths);

		if (column == table->column_count)
			return;
		widths[column]--;
	}
}

/* ---- writing ---- */

static void pad(struct buf *out, size_t columns)
{
	while (columns-- > 0)
		buf_char(out, ' ');
}

/* Blanks that are owed are written before the next text only, so that no line ends
 * in them. */
static void write_cell(struct buf *out, const struct table_column *column, size_t width,
		       struct table_cell cell, size_t *owed)
{
	size_t columns = terminal_columns(cell.text);
	size_t blanks = columns < width ? width - columns : 0;

	if (columns == 0) {
		*owed += width + GAP;
		return;
	}
	pad(out, *owed + (column->is_right ? blanks : 0));
	columns = terminal_add_cut(out, OUTPUT_STDOUT, cell.style, cell.text, width);
	*owed = GAP + (column->is_right || columns > width ? 0 : width - columns);
}

void table_write(const struct table *table, struct buf *out)
{
	size_t widths[TABLE_COLUMNS_MAX], owed = 0, room = terminal_width();

	assert(table->count % table->column_count == 0);
	measure(table, widths);
	if (room)
		shrink(table, widths, room);
	for (size_t i = 0; i < table->column_count; i++)
		write_cell(out, &table->columns[i], widths[i],
			   (struct table_cell){table->columns[i].title, STYLE_BOLD}, &owed);
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->column_count;

		if (column == 0) {
			buf_char(out, '\n');
			owed = 0;
		}
		write_cell(out, &table->columns[column], widths[column], table->cells[i], &owed);
	}
	buf_char(out, '\n');
}

void table_finish(struct table *table)
{
	arena_finish(&table->arena);
	free(table->cells);
	*table = (struct table){0};
}
