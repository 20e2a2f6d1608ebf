/*
 * migrations.h - the schema of the SQLite store, as numbered steps.
 *
 * The database's user_version says how many steps it has had. A step that was
 * released never changes; a new table or column is a new step.
 */
#ifndef BELFRY_MIGRATIONS_H
#define BELFRY_MIGRATIONS_H

#include <sqlite3.h>
#include <stddef.h>

#include "err.h"

/* "bell" in ASCII: marks a SQLite file as belfry's (PRAGMA application_id). */
enum { MIGRATIONS_APPLICATION_ID = 0x62656c6c };

struct migrations {
	const char *const *steps; /* SQL, any number of statements each */
	size_t count;
};
extern const struct migrations migrations_of_store;

/* Takes the steps that are missing, each in a transaction of its own, so that one
 * that fails leaves the database at the step before. */
bool migrations_apply(sqlite3 *db, const struct migrations *migrations, struct err *err);

/* A pragma with an integer answer. */
bool migrations_pragma(sqlite3 *db, const char *pragma, int *value, struct err *err);

#endif
