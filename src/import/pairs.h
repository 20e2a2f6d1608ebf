/* pairs.h - environment variables while they are gathered: each name once, its last value. */
#ifndef BELFRY_IMPORT_PAIRS_H
#define BELFRY_IMPORT_PAIRS_H

#include "buf.h"
#include "mem.h"

/* VALUE_MAX: what Linux hands to a program as one variable (MAX_ARG_STRLEN). */
enum { PAIRS_MAX = 500, VALUE_MAX = 128 << 10 };

struct pairs {
	struct {
		const char *name, *value; /* borrowed */
	} items[PAIRS_MAX];
	size_t count;
};

/* False where there are too many, or the value is too long. */
bool pairs_set(struct pairs *pairs, const char *name, const char *value);
const char *pairs_value(const struct pairs *pairs, const char *name); /* NULL: not there */
/* As an object; values are literal, belfry takes nothing in them from its environment. */
const char *pairs_json(const struct pairs *pairs, struct arena *arena);
/* "PATH, LANG, …", cut for a report. */
const char *pairs_names(const struct pairs *pairs, struct arena *arena);

#endif
