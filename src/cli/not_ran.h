/*
 * not_ran.h - due instants for which nothing was started: skipped and missed ones.
 */
#ifndef BELFRY_NOT_RAN_H
#define BELFRY_NOT_RAN_H

#include <jansson.h>

#include "args.h"
#include "buf.h"
#include "err.h"

/* The latest ones of the job, newest first, at most so many; NULL with err. */
json_t *not_ran_ask(const struct args *args, const char *job, size_t limit, struct err *err);
void not_ran_show(struct buf *out, const json_t *occurrences);

#endif
