/*
 * environment.h - ${NAME} in values: taken from the environment as the file is read.
 *
 * $${ stands for a literal ${. A $ before anything else is itself.
 */
#ifndef BELFRY_ENVIRONMENT_H
#define BELFRY_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "config.h"

/* What is wrong with the ${…} at text[at..at+length). */
typedef void environment_fault_fn(void *context, size_t at, size_t length, const char *message);

/* Whether text has anything to expand. */
bool environment_is_named(const char *text);
/* Adds the expanded text to out; true unless something is wrong, all of which is
 * told. *is_secret is set where a value came from the environment. Values never
 * show in messages. */
bool environment_expand(const char *text, const struct config_world *world, struct buf *out,
			bool *is_secret, environment_fault_fn *fault, void *context);

#endif
