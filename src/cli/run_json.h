/* run_json.h - a run as the API's RUN, for verbs that carry it out themselves. */
#ifndef BELFRY_RUN_JSON_H
#define BELFRY_RUN_JSON_H

#include "buf.h"
#include "run.h"

/* The members, into an open object. */
void run_json_members(struct buf *out, const struct run *run);

#endif
