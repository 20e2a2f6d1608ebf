/*
 * show.h - jobs and runs of the API's answers, as cells of tables.
 */
#ifndef BELFRY_SHOW_H
#define BELFRY_SHOW_H

#include <jansson.h>

#include "args.h"
#include "buf.h"
#include "instant.h"
#include "terminal.h"

/* Green, yellow or red for an outcome, or for the state of a run that has none yet. */
enum style show_style(const char *word);
/* A run's outcome, or its state while it has none. */
const char *show_outcome(const json_t *run);
/* "0 9 * * *" as it stands, "Monday 10:00" for a calendar object. */
void show_schedule(struct buf *out, const json_t *job);
/* The run's message, else what ended it ("exit code 3", "SIGTERM"), else nothing. */
void show_why(struct buf *out, const json_t *run);
/* How a run ended, the same wherever it is told: "succeeded in 0.2s", "partial in 4.1s:
 * 2 addresses bounced", "failed: exit code 3, after 0.1s", "timed out after 5m00s". why
 * may be NULL or empty; took_ms is -1 for a run that did not start. */
struct verdict_text {
	const char *outcome, *why;
	int64_t took_ms;
};
void show_verdict(struct buf *out, const struct verdict_text *verdict);
/* That line on standard error, in the outcome's colour. */
void show_say_verdict(const struct verdict_text *verdict);
/* On standard error, before a dry run of a job that does not say how it is run dry. */
void show_say_no_dry_run(const char *job);
/* On standard error, if the file as it is now is not the one in force. */
void show_say_refused(const struct args *args);

/* "succeeded 12m ago", "running 3s", "-". */
void show_last(struct buf *out, const json_t *run, struct utc now);

/* Adds the table of runs, newest first as they came; with_job false leaves the column
 * of jobs out. */
void show_runs(struct buf *out, const json_t *runs, bool with_job, struct utc now);

#endif
