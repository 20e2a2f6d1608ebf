/*
 * jobs.h - the three jobs, as kaiwa-job and kaiwa-web run them.
 */
#ifndef KAIWA_JOBS_H
#define KAIWA_JOBS_H

#include "problem.h"
#include "report.h"

extern const char jobs_names[]; /* "send-reminders, …", for messages */

/* The job's own constant name, or NULL if there is no such job. */
const char *jobs_find(const char *name);

/* Collects what there is to send and sends it; settings come from the environment.
 * True: done, perhaps with a few mails lost (report_failed). False: the job could
 * not be done, or not to its end; the report counts what was done until then. */
bool jobs_run(struct report *report, struct problem *problem);

/* Jobs that are running end after the mail in hand, as failed. May be called by
 * a signal handler and from any thread. */
void jobs_stop(void);

#endif
