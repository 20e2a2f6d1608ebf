/*
 * db.h - kaiwa's database: opening it, and statements in one line.
 *
 * Failures are sticky: after the first one every call does nothing and returns
 * false or NULL, so that a caller may ask once, at the end, with db_check.
 */
#ifndef KAIWA_DB_H
#define KAIWA_DB_H

#include <sqlite3.h>
#include <stdint.h>

#include "problem.h"

struct db {
	sqlite3 *handle;
	char *path;
	bool failed;
	struct problem problem;
};

/* Opens an existing database of kaiwa's. db_close accepts a zeroed struct. */
bool db_open(struct db *db, const char *path, struct problem *problem);
/* Makes a new, empty one with the schema; the file must not exist. */
bool db_create(struct db *db, const char *path, struct problem *problem);
void db_close(struct db *db);

/* Types say what follows: 'i' int64_t, 't' text (copied). Finalize what you get. */
sqlite3_stmt *db_query(struct db *db, const char *sql, const char *types, ...);
/* True: there is a row. False: no more rows, or a failure. */
bool db_row(struct db *db, sqlite3_stmt *query);
/* A statement without rows, run to its end. db_changes tells how many rows it changed. */
bool db_run(struct db *db, const char *sql, const char *types, ...);
int db_changes(const struct db *db);
/* The number in the first column of the first row; 0 if there is none. */
int64_t db_number(struct db *db, const char *sql, const char *types, ...);
/* A column's text, cleaned (text_clean); "" for NULL. Free it. */
char *db_text(sqlite3_stmt *query, int column);

/* False and the problem if anything failed since db_open. */
bool db_check(const struct db *db, struct problem *problem);

#endif
