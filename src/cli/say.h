/*
 * say.h - what every verb says in the same way: mistakes, remarks, answers.
 */
#ifndef BELFRY_SAY_H
#define BELFRY_SAY_H

#include <jansson.h>

#include "args.h"
#include "buf.h"
#include "err.h"

/* "belfry list: …" on standard error, in red on a terminal; args NULL: "belfry: …".
 * Returns CLI_FAILED. */
int say_failed(const struct args *args, const struct err *err);
/* The same for wrong usage, with where to read on. Returns CLI_USAGE. */
int say_usage(const struct args *args, const struct err *err);
/* A remark on standard error, without a name in front ("no runs yet"). */
void say_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints to standard output; the buffer is finished. CLI_OK, or CLI_FAILED with
 * what is wrong (quietly where nobody reads any more). */
int say_print(const struct args *args, struct buf *out);
/* The same for what people read: on a terminal lines are broken between words. */
int say_text(const struct args *args, struct buf *out);
/* Prints JSON and a line break to standard output, indented for a terminal; steals
 * the reference. Returns as say_print. */
int say_json(const struct args *args, json_t *json);

#endif
