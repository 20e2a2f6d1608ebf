/* db.c - opening kaiwa's database, and statements in one line; see db.h. */
#include "db.h"
#include "schema.h"
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY_TIMEOUT_MS = 10000 };

static const char *remedy_for(int code)
{
	switch (code & 0xff) {
	case SQLITE_CANTOPEN: return "correct KAIWA_DB, or make a database: kaiwa-db init PATH";
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT: return "restore the database from a backup, or correct KAIWA_DB";
	case SQLITE_READONLY:
	case SQLITE_PERM: return "let this user write the database and its folder";
	case SQLITE_FULL: return "make room on the disk";
	case SQLITE_BUSY: return "find out who holds the database locked";
	default: return "see whether the database is kaiwa's own and whole";
	}
}

static bool db_fail(struct db *db, const char *what)
{
	if (db->failed)
		return false;
	db->failed = true;
	int code = sqlite3_extended_errcode(db->handle);
	return problem_set(&db->problem, remedy_for(code), "%s %s: %s", what, db->path,
			   sqlite3_errmsg(db->handle));
}

static bool db_start(struct db *db, const char *path, int flags)
{
	*db = (struct db){.path = text_copy(path)};
	if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK)
		return db_fail(db, "cannot open the database");
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	/* FULL: a mail marked as sent stays marked through a power cut. */
	return db_run(db, "PRAGMA synchronous = FULL", "") &&
	       db_run(db, "PRAGMA foreign_keys = ON", "");
}

bool db_open(struct db *db, const char *path, struct problem *problem)
{
	if (db_start(db, path, SQLITE_OPEN_READWRITE)) {
		int64_t version = db_number(db, "PRAGMA user_version", "");
		if (!db->failed && version != SCHEMA_VERSION) {
			db->failed = true;
			problem_set(&db->problem, "make a database: kaiwa-db init PATH",
				    "%s is not a database of this kaiwa (schema %lld, not %d)",
				    path, (long long)version, SCHEMA_VERSION);
		}
	}
	if (!db_check(db, problem)) {
		db_close(db);
		return false;
	}
	return true;
}

bool db_create(struct db *db, const char *path, struct problem *problem)
{
	if (db_start(db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) &&
	    sqlite3_exec(db->handle, schema_sql, NULL, NULL, NULL) != SQLITE_OK)
		db_fail(db, "cannot write the schema into");
	if (!db_check(db, problem)) {
		db_close(db);
		return false;
	}
	return true;
}

void db_close(struct db *db)
{
	sqlite3_close(db->handle);
	free(db->path);
	*db = (struct db){0};
}

static bool bind_all(sqlite3_stmt *query, const char *types, va_list args)
{
	int result = SQLITE_OK;
	for (int i = 0; types[i] != '\0' && result == SQLITE_OK; i++) {
		if (types[i] == 'i')
			result = sqlite3_bind_int64(query, i + 1, va_arg(args, int64_t));
		else
			result = sqlite3_bind_text(query, i + 1, va_arg(args, const char *), -1,
						   SQLITE_TRANSIENT);
	}
	return result == SQLITE_OK;
}

static sqlite3_stmt *prepare(struct db *db, const char *sql, const char *types, va_list args)
{
	sqlite3_stmt *query = NULL;
	if (db->failed)
		return NULL;
	if (sqlite3_prepare_v2(db->handle, sql, -1, &query, NULL) == SQLITE_OK &&
	    bind_all(query, types, args))
		return query;
	db_fail(db, "cannot ask the database");
	sqlite3_finalize(query);
	return NULL;
}

sqlite3_stmt *db_query(struct db *db, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *query = prepare(db, sql, types, args);
	va_end(args);
	return query;
}

bool db_row(struct db *db, sqlite3_stmt *query)
{
	if (db->failed || query == NULL)
		return false;
	int result = sqlite3_step(query);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		db_fail(db, "cannot use the database");
	return result == SQLITE_ROW;
}

bool db_run(struct db *db, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *query = prepare(db, sql, types, args);
	va_end(args);
	while (db_row(db, query))
		;
	sqlite3_finalize(query);
	return !db->failed;
}

int db_changes(const struct db *db)
{
	return sqlite3_changes(db->handle);
}

int64_t db_number(struct db *db, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *query = prepare(db, sql, types, args);
	va_end(args);
	int64_t number = db_row(db, query) ? sqlite3_column_int64(query, 0) : 0;
	sqlite3_finalize(query);
	return number;
}

char *db_text(sqlite3_stmt *query, int column)
{
	const unsigned char *value = sqlite3_column_text(query, column);
	char *text = text_copy(value == NULL ? "" : (const char *)value);
	text_clean(text);
	return text;
}

bool db_check(const struct db *db, struct problem *problem)
{
	if (db->failed)
		*problem = db->problem;
	return !db->failed;
}
