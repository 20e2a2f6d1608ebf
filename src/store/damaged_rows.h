/*
 * damaged_rows.h - rows that SQLite finds whole and that mean nothing here: a byte of a
 * word was hit, or of what has to go with it.
 */
#ifndef BELFRY_DAMAGED_ROWS_H
#define BELFRY_DAMAGED_ROWS_H

#include <sqlite3.h>
#include <stdint.h>

/* Of all tables, a row once for each thing that is wrong with it; what cannot be asked
 * is not counted. */
int64_t damaged_rows_count(sqlite3 *db);
/* Of one table. Returns how many are gone; -1: the database cannot be written. */
int64_t damaged_rows_delete(sqlite3 *db, const char *table);

#endif
