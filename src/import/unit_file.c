/* unit_file.c - systemd's unit files: sections, assignments, lines that go on; see
 * systemd.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crontab_line.h"
#include "systemd.h"

struct file {
	struct unit *unit;
	struct import *im;
	const struct import_source *source;
	const char *section;
	struct buf joined; /* of a line that goes on */
	uint32_t first;    /* line at which it began */
};

static struct import_place place(const struct file *f, size_t column)
{
	return (struct import_place){f->source->path, f->first, (uint32_t)column + 1};
}

static void add_line(struct file *f, struct unit_line line)
{
	struct unit *unit = f->unit;

	if (unit->count == unit->capacity) {
		unit->capacity = unit->capacity ? unit->capacity * 2 : 16;
		unit->lines = mem_resize(unit->lines, unit->capacity * sizeof(*unit->lines));
	}
	unit->lines[unit->count++] = line;
}

static const char *trimmed(struct arena *arena, const char *text, size_t length)
{
	while (length && strchr(" \t\r", text[length - 1]))
		length--;
	return arena_copy(arena, text, length);
}

static void take_section(struct file *f, const char *text, size_t column)
{
	const char *end = strchr(text, ']');

	if (!end || end[1 + strspn(end + 1, " \t")]) {
		import_fault(f->im, place(f, column), text, "a section is [Name] on a line");
		return;
	}
	f->section = arena_copy(&f->im->arena, text + 1, (size_t)(end - text) - 1);
}

static void take_assignment(struct file *f, const char *text, size_t column)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text) {
		import_fault(f->im, place(f, column), text,
			     "neither a section, an assignment (Key=value) nor a comment");
		return;
	}
	if (!f->section) {
		import_fault(f->im, place(f, column), text,
			     "an assignment before any section such as [Timer]");
		return;
	}
	const char *value = equals + 1 + strspn(equals + 1, " \t");
	if (f->unit->count == UNIT_LINES_MAX) {
		import_fault(f->im, place(f, column), NULL, "more than %d lines in one unit",
			     UNIT_LINES_MAX);
		return;
	}
	add_line(f, (struct unit_line){.section = f->section,
				       .key = trimmed(&f->im->arena, text, (size_t)(equals - text)),
				       .value = trimmed(&f->im->arena, value, strlen(value)),
				       .at = place(f, column),
				       .value_at = place(f, column + (size_t)(value - text))});
}

static void take_line(struct file *f, const char *text)
{
	size_t column = strspn(text, " \t");

	text += column;
	if (*text == '[')
		take_section(f, text, column);
	else if (*text && f->unit->count <= UNIT_LINES_MAX)
		take_assignment(f, text, column);
}

/* A backslash at the end goes on in the next line, comments between them left out. */
static void take_physical(struct file *f, const struct crontab_line *line)
{
	const char *first = line->text + strspn(line->text, " \t");
	size_t length = strlen(line->text);

	if (*first == '#' || *first == ';')
		return;
	if (!f->joined.length)
		f->first = line->number;
	if (length && line->text[length - 1] == '\\') {
		buf_add(&f->joined, line->text, length - 1);
		buf_char(&f->joined, ' ');
		return;
	}
	buf_add(&f->joined, line->text, length);
	take_line(f, arena_text(&f->im->arena, buf_string(&f->joined)));
	buf_clear(&f->joined);
}

void unit_read(struct unit *unit, struct import *im, const struct import_source *source)
{
	struct file file = {.unit = unit, .im = im, .source = source};
	struct line_reader reader = {.source = source};
	struct crontab_line line;

	while (line_next(&reader, &im->arena, &line))
		take_physical(&file, &line);
	if (file.joined.length)
		take_line(&file, arena_text(&im->arena, buf_string(&file.joined)));
	buf_finish(&file.joined);
}

size_t unit_values(const struct unit *unit, const char *section, const char *key,
		   const struct unit_line **lines, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; unit && i < unit->count; i++) {
		const struct unit_line *line = &unit->lines[i];

		if (strcmp(line->key, key) != 0 || strcmp(line->section, section) != 0)
			continue;
		if (!*line->value)
			count = 0;
		else if (count < max)
			lines[count++] = line;
	}
	return count;
}

const struct unit_line *unit_last(const struct unit *unit, const char *section, const char *key)
{
	const struct unit_line *last = NULL;

	for (size_t i = 0; unit && i < unit->count; i++) {
		const struct unit_line *line = &unit->lines[i];

		if (strcmp(line->key, key) == 0 && strcmp(line->section, section) == 0)
			last = *line->value ? line : NULL;
	}
	return last;
}

bool unit_is_true(const char *value)
{
	static const char *const words[] = {"1", "yes", "y", "true", "t", "on"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

/* Whether the word is one of a list with commas. */
static bool is_listed(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; *list; list += strcspn(list, " "), list += strspn(list, " "))
		if (strncmp(list, word, length) == 0 && (list[length] == ',' || !list[length]))
			return true;
	return false;
}

void unit_leave_rest(struct import_entry *e, const struct unit *unit, const char *section,
		     const char *const *known)
{
	struct import_place at = {0};
	struct buf keys = {0};

	for (size_t i = 0; i < unit->count; i++) {
		const struct unit_line *line = &unit->lines[i];
		const char *const *word = known;

		while (*word && strcmp(*word, line->key) != 0)
			word++;
		if (*word || strcmp(line->section, section) != 0 ||
		    strncmp(line->key, "X-", 2) == 0)
			continue;
		if (is_listed(buf_string(&keys), line->key) || keys.length > 500)
			continue;
		if (!keys.length)
			at = line->at;
		buf_format(&keys, "%s%s", keys.length ? ", " : "", line->key);
	}
	if (keys.length)
		entry_tell(e, IMPORT_LEFT, at, section, "%s: nothing like it in belfry",
			   buf_string(&keys));
	buf_finish(&keys);
}
