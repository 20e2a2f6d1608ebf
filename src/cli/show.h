/*
 * show.h - jobs and runs of the API's answers, as cells of tables.
 */
#ifndef BELFRY_SHOW_H
#define BELFRY_SHOW_H

#include <jansson.h>

#include "buf.h"
#include "instant.h"
#include "terminal.h"

/* Green, yellow or red for an outcome, or for the state of a run that has none yet. */
enum style show_style(const char *word);
/* A run's outcome, or its state while it has none. */
const char *show_outcome(const json_t *run);
/* "0 9 * * *" as it stands, "Monday 10:00" for a calendar object. */
void show_schedule(struct buf *out, const json_t *job);
/* The run's message, else what ended it ("exit code 3", "signal 9"), else nothing. */
void show_why(struct buf *out, const json_t *run);
/* "succeeded 12m ago", "running 3s", "-". */
void show_last(struct buf *out, const json_t *run, struct utc now);

/* Adds the table of runs, newest first as they came; with_job false leaves the column
 * of jobs out. */
void show_runs(struct buf *out, const json_t *runs, bool with_job, struct utc now);

#endif
