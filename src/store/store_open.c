/*
 * store_open.c - from a location to a store: the one place that knows every backend,
 * apart from store.c so that a program may link the memory store alone.
 */
#include <string.h>

#include "memory.h"
#include "sqlite.h"
#include "store.h"

static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

struct store *store_open(const char *location, struct err *err)
{
	const char *directory = after(location, "sqlite:");

	if (directory && *directory)
		return sqlite_open(directory, err);
	if (strcmp(location, "memory:") == 0)
		return memory_create();
	err_set(err, "\"%s\" is no place for a store; use sqlite:DIRECTORY or memory:", location);
	return NULL;
}
