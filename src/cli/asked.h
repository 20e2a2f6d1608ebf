/*
 * asked.h - the schedule that `next` and `explain` are asked about: a cron
 * expression, a calendar form as JSON text, or that of a job in schedules.json.
 */
#ifndef BELFRY_ASKED_H
#define BELFRY_ASKED_H

#include "jobs_file.h"
#include "schedule.h"

struct asked {
	const struct schedule *schedule;
	const char *text;     /* as written */
	const char *timezone; /* the name it follows */
	const char *job;      /* NULL: an expression */
	struct jobs_file file;
	struct zoneinfo *zones;
	struct arena arena;
};

/* The rows of these options, for the tables of both verbs. */
#define ASKED_OPTIONS                                                                              \
	{"tz", 0, "ZONE", "the zone that EXPR follows (UTC)", COMPLETE_NOTHING, NULL},             \
		{"name", 0, "JOB", "the job's name, for H in EXPR", COMPLETE_NOTHING, NULL},       \
		{"job", 'j', "JOB", "the schedule of that job, whole", COMPLETE_JOB, NULL},        \
		{"config", 'c', "FILE", "where the job is (" JOBS_FILE_DEFAULT ")", COMPLETE_FILE, \
		 NULL}

/* Returns an exit code; what is wrong is said, with --json as {"error": …}. To be
 * finished in any case. */
int asked_init(struct asked *asked, const struct args *args);
void asked_finish(struct asked *asked);

/* An instant of --from: RFC 3339, or a date or date-time in the schedule's zone. */
bool asked_instant(const struct asked *asked, const char *text, struct utc *instant);
/* An error about a text of the command line. Returns CLI_USAGE. */
int asked_refuse(const struct args *args, const char *where, const char *text,
		 const struct schedule_error *error);

#endif
