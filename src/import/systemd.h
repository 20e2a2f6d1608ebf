/*
 * systemd.h - systemd's unit files: what systemd.c and the files beside it share.
 */
#ifndef BELFRY_IMPORT_SYSTEMD_H
#define BELFRY_IMPORT_SYSTEMD_H

#include "entry.h"

enum { UNIT_LINES_MAX = 10000, UNITS_MAX = 5000 };

/* One assignment. */
struct unit_line {
	const char *section, *key, *value;
	struct import_place at;       /* of the key */
	struct import_place value_at; /* of the value */
};

/* A unit with its drop-ins, in the order in which systemd reads them. */
struct unit {
	const char *name; /* "backup.timer" */
	struct unit_line *lines;
	size_t count, capacity;
};

/* unit_file.c: adds what a file has. What is wrong is a fault. */
void unit_read(struct unit *unit, struct import *im, const struct import_source *source);
/* The assignments of a key that count, behind the last empty one, which resets a list. */
size_t unit_values(const struct unit *unit, const char *section, const char *key,
		   const struct unit_line **lines, size_t max);
/* The last one; NULL where there is none, or an empty one. */
const struct unit_line *unit_last(const struct unit *unit, const char *section, const char *key);
bool unit_is_true(const char *value);

/* Belfry's longest duration, a hundred years: what is longer is no limit at all. */
#define TIME_SPAN_MAX_MS (INT64_C(36600) * 86400 * 1000)
/* time_span.c: "5min 20s"; a bare number counts seconds; *ms INT64_MAX for infinity. */
bool time_span_parse(const char *text, int64_t *ms);

/* calendar_spec.c: OnCalendar's text as a cron expression. */
struct calendar_spec {
	const char *expression;
	const char *zone;  /* named in it; NULL */
	bool has_fraction; /* of seconds, which is cut off */
};
struct calendar_spec_error {
	size_t column; /* 1-based */
	const char *message;
};
bool calendar_spec_parse(struct arena *arena, const char *text, struct calendar_spec *spec,
			 struct calendar_spec_error *error);

/* The expression that fires when either does, where one field alone tells them apart;
 * NULL where it takes two. */
const char *calendar_spec_join(struct arena *arena, const char *a, const char *b);

/* exec_line.c: words as systemd divides them, % specifiers replaced. */
struct exec_context {
	struct arena *arena;
	const char *unit; /* name of the service, for specifiers */
	const char *user; /* that it runs as; NULL: root */
};
struct exec_word {
	const char *text;
	bool has_variables; /* ${NAME} in it, or $NAME alone */
};
struct exec_command {
	struct exec_word *words;
	size_t count;
	bool may_fail;      /* - */
	bool is_literal;    /* : */
	bool is_privileged; /* + or ! */
};
struct exec_problem {
	size_t column;
	const char *message;
};
/* Several commands where ";" stands between them. */
bool exec_parse(const struct exec_context *context, const char *text,
		struct exec_command **commands, size_t *count, struct exec_problem *problem);
/* One text with its specifiers replaced; NULL with a problem. */
const char *exec_specifiers(const struct exec_context *context, const char *text,
			    struct exec_problem *problem);
/* Divides without specifiers, for Environment=. */
bool exec_words(const struct exec_context *context, const char *text, const char ***words,
		size_t *count, struct exec_problem *problem);
/* One command for a POSIX shell. */
void exec_add_shell(struct buf *out, const struct exec_command *command);
/* As a list in JSON, without variables. */
void exec_add_json(struct arena *arena, struct buf *out, const struct exec_command *command);

/* service.c: all that the service says of the job. */
void service_translate(struct import_entry *e, const struct unit *unit);
/* The rest of a unit's keys in one note. */
void unit_leave_rest(struct import_entry *e, const struct unit *unit, const char *section,
		     const char *const *known);

#endif
