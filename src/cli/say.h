/*
 * say.h - what goes to standard error: mistakes and remarks of the command line.
 */
#ifndef BELFRY_SAY_H
#define BELFRY_SAY_H

#include <jansson.h>

#include "args.h"
#include "err.h"

/* "belfry list: …" in red on a terminal. Returns CLI_FAILED. */
int say_failed(const struct args *args, const struct err *err);
/* The same for wrong usage, with where to read on. Returns CLI_USAGE. */
int say_usage(const struct args *args, const struct err *err);

/* Prints JSON and a line break to standard output; steals the reference. */
int say_json(json_t *json);

#endif
