/*
 * report.h - what a job has done, counted, and its two forms in JSON.
 */
#ifndef KAIWA_REPORT_H
#define KAIWA_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "letter.h"

enum report_what {
	REPORT_SENT,
	REPORT_WOULD_SEND, /* dry run */
	REPORT_BOUNCED,    /* refused now, or known to be refused */
	REPORT_REFUSED,    /* the mail, not the address */
	REPORT_PUT_OFF,    /* to be tried again by the next run */
	REPORT_UNKNOWN,    /* perhaps sent; not to be sent again */
	REPORT_WHAT_COUNT,
};

struct report {
	const char *job;
	bool dry_run;
	int counts[REPORT_WHAT_COUNT];
	json_t *mails; /* one object a mail, in order */
};

void report_init(struct report *report, const char *job, bool dry_run);
void report_finish(struct report *report);

/* Counts it and writes a log line. detail may be "". */
void report_add(struct report *report, enum report_what what, const struct letter *letter,
		const char *message_id, const char *detail);
/* Letters that an earlier run, which died, has left in doubt. */
void report_add_unknown(struct report *report, int count);

int report_processed(const struct report *report);
int report_failed(const struct report *report);

/* The line belfry reads: {"event":"result","processed":120,"failed":2,"message":…} */
json_t *report_result(const struct report *report);
/* The web app's answer: the same and each mail. */
json_t *report_json(const struct report *report);

#endif
