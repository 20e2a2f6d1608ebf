/* argv.h - a command line as text, split into words as a POSIX shell would. */
#ifndef BELFRY_ARGV_H
#define BELFRY_ARGV_H

#include <stdbool.h>
#include <stddef.h>

#include "job.h"
#include "mem.h"

struct argv_problem {
	size_t at, length; /* in the text, bytes */
	const char *message;
};

/* Blanks divide words; '…' takes all as it is; "…" and \ as the shell has them.
 * Nothing is expanded, no operator means anything. `offsets`, where not NULL,
 * receives for each word where in the text it begins. */
bool argv_split(const char *text, struct arena *arena, struct text_list *words,
		const size_t **offsets, struct argv_problem *problem);
/* The first word that only a shell would obey (| && > 2>&1 …), or NULL: the text was
 * likely meant for one. */
const char *argv_shell_word(const struct text_list *words);

#endif
