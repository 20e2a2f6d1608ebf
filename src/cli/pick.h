/*
 * pick.h - from the words that people give, ids of runs and names of jobs, to what the
 * server has.
 */
#ifndef BELFRY_PICK_H
#define BELFRY_PICK_H

#include <jansson.h>

#include "args.h"
#include "err.h"

/* The run of that id, *run NULL if there is none. False: nobody could tell. */
bool pick_run(const struct args *args, const char *word, json_t **run, struct err *err);
/* Whether the server has that job; if not, the message says so, and what is near, or
 * that there is no such run where the word looks like the id of one. */
bool pick_job(const struct args *args, const char *word, struct err *err);
/* The latest runs of the job, in that state (NULL: any); NULL with err. */
json_t *pick_runs(const struct args *args, const char *job, const char *limit, const char *state,
		  struct err *err);

#endif
