/* sqlite_rows.h - the answers of a query, row by row, column by column. */
#ifndef BELFRY_SQLITE_ROWS_H
#define BELFRY_SQLITE_ROWS_H

#include "sqlite.h"

/* Goes through a row, column by column. A value that is none of ours (somebody
 * changed the file by hand) turns ok false and is told once. */
struct reader {
	sqlite3_stmt *statement;
	int at;
	bool ok;
	struct err *err;
};

struct reader sqlite_reader(sqlite3_stmt *statement, struct err *err);
int64_t sqlite_get_int(struct reader *from);
int32_t sqlite_get_int32(struct reader *from);
int64_t sqlite_get_known(struct reader *from); /* NULL is -1 */
struct utc sqlite_get_time(struct reader *from);
const char *sqlite_get_text(struct reader *from);
const char *sqlite_get_bytes(struct reader *from, size_t *length); /* never NULL */
enum executor_kind sqlite_get_executor_kind(struct reader *from);
enum trigger sqlite_get_trigger(struct reader *from);
enum run_state sqlite_get_run_state(struct reader *from);
enum outcome sqlite_get_outcome(struct reader *from);
enum occurrence_state sqlite_get_occurrence_state(struct reader *from);
enum reason sqlite_get_reason(struct reader *from);
enum stream sqlite_get_stream(struct reader *from);
enum absence sqlite_get_absence(struct reader *from);

enum going {
	GOING_ON,
	GOING_ENOUGH, /* the call back wants no more */
	GOING_WRONG,  /* err is set */
};
/* Takes one row of a query. */
typedef enum going row_fn(sqlite3_stmt *statement, void *context, struct err *err);

/* From what a call back answered; from a reader that is through. */
enum going sqlite_handed(bool wants_more);
enum going sqlite_taken(const struct reader *from);

/* Hands each row over, and resets the statement. */
bool sqlite_each(struct sqlite *s, sqlite3_stmt *statement, row_fn *row, void *context,
		 struct err *err);
/* The same, and finalizes it: a query with a call back has a statement of its own, so
 * that the call back may ask the same question. */
bool sqlite_each_once(struct sqlite *s, sqlite3_stmt *statement, row_fn *row, void *context,
		      struct err *err);

/* SQLite's own "no limit" is -1. */
int64_t sqlite_limit(size_t limit);
/* An id beyond int64 was never given out: nothing equals it, all are before it. */
int64_t sqlite_id(uint64_t id);

#endif
