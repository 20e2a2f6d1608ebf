/*
 * env_file.h - files of NAME=value lines, for a job's environment.
 *
 * One variable a line. Blank lines and lines that begin with # are passed over, and
 * `export ` before a name. A value is taken as it stands, without blanks around it,
 * up to a # after a blank; in '…' everything is literal, in "…" \n, \t, \", \\ and \$
 * stand for what they do in a shell. Nothing is expanded.
 */
#ifndef BELFRY_ENV_FILE_H
#define BELFRY_ENV_FILE_H

#include "err.h"
#include "mem.h"

enum { ENV_FILE_MAX = 1 << 20 };

typedef void env_file_fn(void *context, const char *name, const char *value);

/* Pure. Names and values live in the arena. Errors begin with the line: "line 3: …". */
bool env_file_parse(const char *text, size_t length, struct arena *arena, env_file_fn *fn,
		    void *context, struct err *err);
/* Errors begin with the path as it may be shown. */
bool env_file_read(const char *path, const char *shown, struct arena *arena, env_file_fn *fn,
		   void *context, struct err *err);

#endif
