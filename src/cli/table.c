/* table.c - rows in columns for people; see table.h. */
#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "wrap.h"

enum {
	GAP = 2,
	BELOW_INDENT = 4,
	CUT_LEAST = 4,   /* where everything gives way */
	WRAP_LEAST = 20, /* of a column that wraps, beside others */
};

void table_init(struct table *table, const struct table_column *columns, size_t column_count)
{
	assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
	*table = (struct table){.columns = columns, .column_count = column_count};
}

void table_add_brief(struct table *table, enum style style, const char *text, const char *brief)
{
	if (table->count == table->capacity) {
		table->capacity = table->capacity ? table->capacity * 2 : 64;
		table->cells = mem_resize(table->cells, table->capacity * sizeof(table->cells[0]));
	}
	table->cells[table->count++] =
		(struct table_cell){.text = arena_text(&table->arena, text ? text : "-"),
				    .brief = brief ? arena_text(&table->arena, brief) : NULL,
				    .style = style};
}

void table_add(struct table *table, enum style style, const char *text)
{
	table_add_brief(table, style, text, NULL);
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

/* How the table is laid out for a width. */
struct layout {
	const struct table *table;
	size_t room; /* 0: as much as it takes */
	size_t widths[TABLE_COLUMNS_MAX];
	bool is_shown[TABLE_COLUMNS_MAX];
	bool is_brief;
	size_t below; /* the column under its row; column_count: none */
};

static const char *title_of(const struct layout *l, size_t column)
{
	const struct table_column *c = &l->table->columns[column];

	return l->is_brief && c->brief ? c->brief : c->title;
}

static const char *text_of(const struct layout *l, const struct table_cell *cell)
{
	return l->is_brief && cell->brief ? cell->brief : cell->text;
}

static void measure(struct layout *l)
{
	const struct table *table = l->table;

	for (size_t i = 0; i < table->column_count; i++)
		l->widths[i] = terminal_columns(title_of(l, i));
	for (size_t i = 0; i < table->count; i++) {
		size_t width = terminal_columns(text_of(l, &table->cells[i]));
		size_t column = i % table->column_count;

		if (width > l->widths[column])
			l->widths[column] = width;
	}
}

/* A column that is empty throughout takes no room. */
static bool is_beside(const struct layout *l, size_t column)
{
	return l->is_shown[column] && column != l->below && l->widths[column] > 0;
}

static bool fits(const struct layout *l)
{
	size_t total = 0;

	for (size_t i = 0; i < l->table->column_count; i++)
		if (is_beside(l, i))
			total += (total ? GAP : 0) + l->widths[i];
	return total <= l->room;
}

static size_t least_of(const struct table_column *column)
{
	if (column->wraps)
		return WRAP_LEAST;
	return column->least ? column->least : SIZE_MAX;
}

/* The column of the highest rank that may give way still; column_count: none. */
static size_t next_to_shrink(const struct layout *l)
{
	const struct table_column *columns = l->table->columns;
	size_t best = l->table->column_count;

	for (size_t i = 0; i < l->table->column_count; i++)
		if (is_beside(l, i) && l->widths[i] > least_of(&columns[i]) &&
		    (best == l->table->column_count || columns[i].rank > columns[best].rank))
			best = i;
	return best;
}

static bool shrink(struct layout *l)
{
	measure(l);
	while (!fits(l)) {
		size_t column = next_to_shrink(l);

		if (column == l->table->column_count)
			return false;
		l->widths[column]--;
	}
	return true;
}

/* The last column, if it may stand below. */
static bool put_below(struct layout *l)
{
	size_t last = l->table->column_count - 1;

	if (!l->table->columns[last].wraps)
		return false;
	l->below = last;
	return true;
}

static bool leave_out(struct layout *l)
{
	const struct table_column *columns = l->table->columns;
	size_t best = l->table->column_count;

	for (size_t i = 0; i < l->table->column_count; i++)
		if (is_beside(l, i) && columns[i].may_go &&
		    (best == l->table->column_count || columns[i].rank > columns[best].rank))
			best = i;
	if (best == l->table->column_count)
		return false;
	l->is_shown[best] = false;
	return true;
}

static void squeeze(struct layout *l)
{
	while (!fits(l)) {
		size_t widest = 0;

		for (size_t i = 0; i < l->table->column_count; i++)
			if (is_beside(l, i) &&
			    (!is_beside(l, widest) || l->widths[i] > l->widths[widest]))
				widest = i;
		if (l->widths[widest] <= CUT_LEAST)
			return;
		l->widths[widest]--;
	}
}

static struct layout lay_out(const struct table *table, size_t room)
{
	struct layout l = {.table = table, .room = room, .below = table->column_count};

	for (size_t i = 0; i < table->column_count; i++)
		l.is_shown[i] = true;
	measure(&l);
	if (room == 0 || shrink(&l))
		return l;
	l.is_brief = true;
	bool is_fitting = shrink(&l);
	if (!is_fitting && put_below(&l))
		is_fitting = shrink(&l);
	while (!is_fitting && leave_out(&l))
		is_fitting = shrink(&l);
	if (!is_fitting)
		squeeze(&l);
	return l;
}

/* ---- writing ---- */

static void pad(struct buf *out, size_t columns)
{
	while (columns-- > 0)
		buf_char(out, ' ');
}

/* Blanks that are owed are written before the next text only, so that no line ends
 * in them. */
static void write_piece(struct buf *out, const struct table_column *column, size_t width,
			enum style style, const char *text, size_t *owed)
{
	size_t columns = terminal_columns(text);
	size_t blanks = columns < width ? width - columns : 0;

	if (columns == 0) {
		*owed += width + GAP;
		return;
	}
	pad(out, *owed + (column->is_right ? blanks : 0));
	columns = terminal_add_cut(out, OUTPUT_STDOUT, style, text, width);
	*owed = GAP + (column->is_right || columns > width ? 0 : width - columns);
}

/* What of a cell that wraps stands in this line; moves on to the rest. */
static const char *take_line(struct arena *arena, const char **rest, size_t width)
{
	size_t next, length = wrap_line(*rest, strlen(*rest), width, &next);
	const char *line = arena_format(arena, "%.*s", (int)length, *rest);

	*rest += next;
	return line;
}

/* A row of texts, a line for each piece of the cells that wrap. */
static void write_row(const struct layout *l, const char *const *texts, const enum style *styles,
		      struct buf *out)
{
	const struct table_column *columns = l->table->columns;
	const char *rest[TABLE_COLUMNS_MAX];
	struct arena arena = {0};
	bool is_more = true;

	memcpy(rest, texts, l->table->column_count * sizeof(rest[0]));
	while (is_more) {
		size_t owed = 0;

		is_more = false;
		for (size_t i = 0; i < l->table->column_count; i++) {
			const char *text = rest[i];

			if (!is_beside(l, i))
				continue;
			if (l->room && columns[i].wraps)
				text = take_line(&arena, &rest[i], l->widths[i]);
			else
				rest[i] = "";
			write_piece(out, &columns[i], l->widths[i], styles[i], text, &owed);
			is_more |= *rest[i] != '\0';
		}
		buf_char(out, '\n');
	}
	arena_finish(&arena);
}

static void write_below(const struct layout *l, const struct table_cell *cell, struct buf *out)
{
	const char *rest = text_of(l, cell);
	struct arena arena = {0};

	while (*rest && strcmp(rest, "-") != 0) {
		pad(out, BELOW_INDENT);
		terminal_add(out, OUTPUT_STDOUT, cell->style,
			     take_line(&arena, &rest, l->room - BELOW_INDENT));
		buf_char(out, '\n');
	}
	arena_finish(&arena);
}

void table_write_to(const struct table *table, size_t room, struct buf *out)
{
	assert(table->column_count > 0);
	struct layout l = lay_out(table, room);
	const char *texts[TABLE_COLUMNS_MAX];
	enum style styles[TABLE_COLUMNS_MAX] = {0};

	assert(table->count % table->column_count == 0);
	for (size_t i = 0; i < table->column_count; i++) {
		texts[i] = title_of(&l, i);
		styles[i] = STYLE_BOLD;
	}
	write_row(&l, texts, styles, out);
	for (size_t row = 0; row < table->count; row += table->column_count) {
		for (size_t i = 0; i < table->column_count; i++) {
			texts[i] = text_of(&l, &table->cells[row + i]);
			styles[i] = table->cells[row + i].style;
		}
		write_row(&l, texts, styles, out);
		if (l.below < table->column_count)
			write_below(&l, &table->cells[row + l.below], out);
	}
}

void table_write(const struct table *table, struct buf *out)
{
	table_write_to(table, terminal_width(), out);
}

void table_finish(struct table *table)
{
	arena_finish(&table->arena);
	free(table->cells);
	*table = (struct table){0};
}
