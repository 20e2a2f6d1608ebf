/*
 * log.h - log lines: one JSON object a line, with `time`, `level` and `msg`.
 */
#ifndef KAIWA_LOG_H
#define KAIWA_LOG_H

#include <jansson.h>

#include "problem.h"

/* To stdout. The format and what follows are json_pack's, an object's inside:
 *	log_info("sent", "{s:s}", "to", address);
 * NULL: no more fields. */
void log_info(const char *msg, const char *format, ...);
void log_warn(const char *msg, const char *format, ...);

/* To stderr: what happened, to which program or job, the cause and the remedy. */
void log_problem(const char *msg, const char *name, const struct problem *problem);

/* To stdout, as it is; steals the reference. */
void log_json(json_t *object);

#endif
