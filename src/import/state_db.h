/*
 * state_db.h - cron-manager's state.db: its schedules, and its history for belfry's
 * store. Reads and writes, unlike the rest of this folder.
 */
#ifndef BELFRY_IMPORT_STATE_DB_H
#define BELFRY_IMPORT_STATE_DB_H

#include "import.h"

struct state_db;

/* Whether the file begins as an SQLite database does. */
bool state_db_is(const char *path);
/* Read only. NULL where it is no database of cron-manager. */
struct state_db *state_db_open(const char *path, struct err *err);
void state_db_close(struct state_db *db);

/* Its table of schedules, as cron_manager_translate reads its file. */
bool state_db_schedules(struct state_db *db, struct import *im, struct err *err);

struct history_count {
	size_t runs;       /* written */
	size_t known;      /* there already, from an import before */
	size_t unfinished; /* that cron-manager has not seen end */
	size_t unreadable; /* without a schedule, or with a time that is none */
};
/* Its table of jobs into the store in `directory`, made where it is not there; refused
 * while a daemon uses it. After state_db_schedules, whose names it takes. */
bool state_db_history(struct state_db *db, struct import *im, const char *directory,
		      struct history_count *count, struct err *err);

/* What became of the history, as remarks of the report. */
void import_remark_history(struct import *im, struct import_place at,
			   const struct history_count *count);

/* history.c: what both have to share. */
struct state_db_job {
	int64_t id, exit_code;
	bool has_exit_code;
	const char *status, *machine, *out, *errors;
	struct utc created, finished; /* UTC_NONE where not known */
	const struct import_entry *schedule;
};
typedef bool state_db_job_fn(void *context, const struct state_db_job *job, struct err *err);
/* Each row, oldest first; false from the call back ends it. */
bool state_db_jobs(struct state_db *db, struct import *im, state_db_job_fn *row, void *context,
		   size_t *unreadable, struct err *err);

/* A time as the drivers of SQLite for Go write it. */
bool state_db_time(const char *text, struct utc *time);

#endif
