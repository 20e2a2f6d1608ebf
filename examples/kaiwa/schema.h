/*
 * schema.h - the tables of kaiwa's database. Times are seconds since 1970, UTC.
 */
#ifndef KAIWA_SCHEMA_H
#define KAIWA_SCHEMA_H

enum { SCHEMA_VERSION = 1 }; /* kept in PRAGMA user_version */

extern const char schema_sql[];

#endif
