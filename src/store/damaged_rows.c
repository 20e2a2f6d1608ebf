/* damaged_rows.c - finds rows by the words that their columns may hold; see damaged_rows.h. */
#include "damaged_rows.h"

#include <stdio.h>
#include <string.h>

#include "words.h"

/* The list begins with what is no text. */
#define QUOTED(name, word)       ", '" word "'"
#define IS_NONE_OF(column, rows) column " NOT IN (x''" rows(QUOTED) ")"

static const struct {
	const char *table, *where;
} damaged[] = {
	{"run", IS_NONE_OF("state", RUN_STATES)},
	{"run", IS_NONE_OF("outcome", OUTCOMES)},
	{"run", IS_NONE_OF("trigger", TRIGGERS)},
	{"run", IS_NONE_OF("executor", EXECUTORS)},
	{"run", "(state = 'finished') <> (finished_at IS NOT NULL)"},
	{"attempt", IS_NONE_OF("outcome", OUTCOMES)},
	{"occurrence", IS_NONE_OF("state", OCCURRENCE_STATES)},
	{"occurrence", IS_NONE_OF("reason", REASONS)},
	{"log", IS_NONE_OF("stream", STREAMS)},
	{"downtime", IS_NONE_OF("kind", ABSENCES)},
	{"token", IS_NONE_OF("scope", SCOPES)},
	{"token", "length(hash) <> 32"},
};

enum { DAMAGED = sizeof(damaged) / sizeof(damaged[0]), SQL_MAX = 1024 };

int64_t damaged_rows_count(sqlite3 *db)
{
	char sql[SQL_MAX];
	int64_t count = 0;

	for (size_t i = 0; i < DAMAGED; i++) {
		sqlite3_stmt *row = NULL;

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s NOT INDEXED WHERE %s",
			 damaged[i].table, damaged[i].where);
		if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
		    sqlite3_step(row) == SQLITE_ROW)
			count += sqlite3_column_int64(row, 0);
		sqlite3_finalize(row);
	}
	return count;
}

int64_t damaged_rows_delete(sqlite3 *db, const char *table)
{
	char sql[SQL_MAX];
	int64_t gone = 0;

	for (size_t i = 0; i < DAMAGED; i++) {
		if (strcmp(damaged[i].table, table) != 0)
			continue;
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s", table, damaged[i].where);
		if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
			return -1;
		gone += sqlite3_changes(db);
	}
	return gone;
}
