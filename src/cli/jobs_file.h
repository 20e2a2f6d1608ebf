/*
 * jobs_file.h - a schedules.json as a verb reads it: its findings, and its jobs if
 * there is no error.
 */
#ifndef BELFRY_JOBS_FILE_H
#define BELFRY_JOBS_FILE_H

#include "args.h"
#include "config.h"
#include "terminal.h"
#include "zoneinfo.h"

#define JOBS_FILE_DEFAULT "schedules.json"

struct jobs_file {
	const char *path; /* borrowed */
	struct zoneinfo *zones;
	struct arena arena; /* of the findings */
	struct findings findings;
	struct config *config; /* NULL while there is an error */
};

/* False if it cannot be read; the file is to be finished in any case. "-" is
 * standard input. */
bool jobs_file_load(struct jobs_file *file, const char *path, struct err *err);
void jobs_file_finish(struct jobs_file *file);

/* For verbs that need its jobs: what is wrong is said. Returns an exit code. */
int jobs_file_open(struct jobs_file *file, const struct args *args, const char *path);
/* NULL if there is none of that name, which is said with the nearest one. */
const struct job *jobs_file_find(const struct jobs_file *file, const struct args *args,
				 const char *name);

/* "schedules.json:3:14: error: jobs[0].schedule: …" with the expression and a mark
 * where the finding points into one. */
void jobs_file_add_finding(struct buf *out, enum output output, const char *path,
			   const struct finding *finding);
/* As people call the file. */
const char *jobs_file_name(const char *path);

#endif
