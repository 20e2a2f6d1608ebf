/*
 * crontab_line.h - the lines of a crontab: comments, settings, entries.
 *
 * The grammar that Vixie's cron, its descendants and supercronic share.
 */
#ifndef BELFRY_IMPORT_CRONTAB_LINE_H
#define BELFRY_IMPORT_CRONTAB_LINE_H

#include "import.h"

enum { LINE_FIELDS_MAX = 7 };

struct line_reader {
	const struct import_source *source;
	size_t at;
	uint32_t number;
};

struct crontab_line {
	const char *text; /* in the arena, without the line break */
	uint32_t number;
};

/* False behind the last. */
bool line_next(struct line_reader *reader, struct arena *arena, struct crontab_line *line);

/* NAME = value, with the quotes around the value taken off. */
struct crontab_setting {
	const char *name, *value;
};
bool line_setting(const struct crontab_line *line, struct arena *arena,
		  struct crontab_setting *setting);

/* One word of a line. */
struct line_word {
	const char *at;
	size_t length;
};
/* The word at or behind `at`; length 0 where the line ends. */
struct line_word line_word(const char *at);
/* Whether it could be a field of a time: digits, names and signs, no path. */
bool line_is_field(struct line_word word);
/* Whether it names a year, or any: the last field of supercronic's longer forms. */
bool line_is_year(struct line_word word);

/* The command as cron hands it to the shell, and what follows the first bare %: its
 * standard input, each further % a line break; NULL where there is none. */
void line_percent(struct arena *arena, const char *text, const char **command, const char **input);
/* A shell command that gives `input` to the whole of `command`. */
const char *line_with_input(struct arena *arena, const char *command, const char *input);

#endif
