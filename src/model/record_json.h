/*
 * record_json.h - runs, attempts, occurrences and revisions as JSON: the one shape that
 * the API promises and the command line prints. Pure.
 *
 * Each writes one object; key NULL makes it an item of an array or a whole text.
 */
#ifndef BELFRY_RECORD_JSON_H
#define BELFRY_RECORD_JSON_H

#include "buf.h"
#include "record.h"

void record_json_run(struct buf *out, const char *key, const struct run *run);
/* The members alone, for an object with more in it. */
void record_json_run_members(struct buf *out, const struct run *run);
void record_json_attempt(struct buf *out, const char *key, const struct attempt *attempt);
void record_json_occurrence(struct buf *out, const char *key, const struct occurrence *occurrence);
void record_json_revision(struct buf *out, const char *key, const struct revision *revision);

/* A run's id; null for 0. */
void record_json_id(struct buf *out, const char *key, uint64_t id);

#endif
