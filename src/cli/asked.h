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
	{.name = "tz",                                                                             \
	 .value = "ZONE",                                                                          \
	 .summary = "the zone that SCHEDULE follows (UTC)",                                        \
	 .complete = COMPLETE_ZONE},                                                               \
		{.name = "name", .value = "JOB", .summary = "the job's name, for H in SCHEDULE"},  \
		{.name = "job",                                                                    \
		 .letter = 'j',                                                                    \
		 .value = "JOB",                                                                   \
		 .summary = "the schedule of that job, whole",                                     \
		 .complete = COMPLETE_JOB},                                                        \
	{                                                                                          \
		.name = "config", .letter = 'c', .value = "FILE",                                  \
		.summary = "where the job is (" JOBS_FILE_DEFAULT ")", .complete = COMPLETE_FILE   \
	}

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
