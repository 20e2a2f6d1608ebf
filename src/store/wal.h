/*
 * wal.h - whether SQLite's write-ahead log is whole.
 *
 * SQLite reads the log up to the first frame that does not fit, as that is how a crash
 * leaves it, and silently passes over all that comes after. Where that is more than a
 * crash can leave, commits would be lost unseen, claims among them.
 */
#ifndef BELFRY_WAL_H
#define BELFRY_WAL_H

#include "err.h"

/* False: there is a log beside the database and it was damaged; or it cannot be read.
 * A log that is not there, or ends as a crash may have left it, is whole. */
bool wal_check(const char *database, struct err *err);

#endif
