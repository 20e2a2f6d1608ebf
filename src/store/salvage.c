/*
 * salvage.c - a damaged table from both of its ends, by its indexes, and by the keys
 * that other tables know; see salvage.h.
 *
 * A page that cannot be read ends a walk. Walking from the other end gives what lies
 * behind it; what lies between two such pages is asked for by key. Where the way to them
 * is gone, each page of rows in the file is made the table's only one, and read.
 */
#include "salvage.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "damaged_rows.h"

/* One table being copied. */
struct copying {
	sqlite3 *from, *to;
	struct repair_table *table;
	const char *columns;   /* "a, b, c" */
	const char *up, *down; /* the primary key, as ORDER BY takes it */
	sqlite3_stmt *put;     /* INSERT of all columns */
	int column_count;
	bool has_rowid;
	struct arena *arena;
	struct err *err;
	bool is_failed; /* the new database cannot be written */
};

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	return statement;
}

static bool fail(sqlite3 *to, struct err *err)
{
	return err_set(err, "cannot write the new database: %s", sqlite3_errmsg(to));
}

static bool execute(sqlite3 *to, const char *sql, struct err *err)
{
	return sqlite3_exec(to, sql, NULL, NULL, NULL) == SQLITE_OK || fail(to, err);
}

static int64_t count(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = prepare(db, sql);
	int64_t n = statement && sqlite3_step(statement) == SQLITE_ROW
			    ? sqlite3_column_int64(statement, 0)
			    : 0;

	sqlite3_finalize(statement);
	return n;
}

/* ---- one row, one walk ---- */

/* A value that the table does not take is damage, too. */
static bool is_refusal(int code)
{
	return (code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISMATCH ||
	       (code & 0xff) == SQLITE_TOOBIG;
}

static bool put_row(struct copying *c, sqlite3_stmt *row)
{
	for (int i = 0; i < c->column_count; i++)
		sqlite3_bind_value(c->put, i + 1, sqlite3_column_value(row, i));
	int code = sqlite3_step(c->put);
	sqlite3_reset(c->put);
	if (is_refusal(code))
		c->table->lost++;
	else if (code != SQLITE_DONE)
		c->is_failed = !fail(c->to, c->err);
	return !c->is_failed;
}

/* True if it came to the end. */
static bool walk(struct copying *c, sqlite3_stmt *rows)
{
	int code;

	while ((code = sqlite3_step(rows)) == SQLITE_ROW)
		if (!put_row(c, rows))
			break;
	sqlite3_reset(rows);
	return code == SQLITE_DONE;
}

static sqlite3_stmt *select_rows(const struct copying *c, const char *where, const char *order)
{
	struct buf sql = {0};

	buf_format(&sql, "SELECT %s FROM %s %s ORDER BY %s", c->columns, c->table->name, where,
		   order);
	sqlite3_stmt *rows = prepare(c->from, buf_string(&sql));
	buf_finish(&sql);
	return rows;
}

/* ---- by key ---- */

/* For each value that the new database knows: the rows of it, from both ends. */
static void walk_by(struct copying *c, const char *column, const char *values)
{
	const char *where = arena_format(c->arena, "WHERE %s = ?", column);
	sqlite3_stmt *up = select_rows(c, where, c->up), *down = select_rows(c, where, c->down);
	sqlite3_stmt *value = prepare(c->to, values);

	while (up && down && !c->is_failed && sqlite3_step(value) == SQLITE_ROW) {
		sqlite3_bind_value(up, 1, sqlite3_column_value(value, 0));
		sqlite3_bind_value(down, 1, sqlite3_column_value(value, 0));
		if (!walk(c, up) && !c->is_failed)
			walk(c, down);
	}
	sqlite3_finalize(value);
	sqlite3_finalize(down);
	sqlite3_finalize(up);
}

/* The keys that an index of the table knows, into the new database's table `known`. */
static void note_known(struct copying *c, const char *order)
{
	const char *sql = arena_format(c->arena, "SELECT id FROM %s INDEXED BY %s ORDER BY %s",
				       c->table->name, "run_job", order);
	sqlite3_stmt *ids = prepare(c->from, sql);
	sqlite3_stmt *put = prepare(c->to, "INSERT OR IGNORE INTO known (id) VALUES (?)");

	while (ids && put && sqlite3_step(ids) == SQLITE_ROW) {
		sqlite3_bind_value(put, 1, sqlite3_column_value(ids, 0));
		sqlite3_step(put);
		sqlite3_reset(put);
	}
	sqlite3_finalize(put);
	sqlite3_finalize(ids);
}

static void walk_by_keys(struct copying *c)
{
	const char *name = c->table->name;

	if (strcmp(name, "run") == 0) {
		note_known(c, "job, id");
		note_known(c, "job DESC, id DESC");
		walk_by(c, "id", "SELECT id FROM known WHERE id NOT IN (SELECT id FROM run)");
	} else if (strcmp(name, "attempt") == 0 || strcmp(name, "log") == 0) {
		walk_by(c, "run", "SELECT id FROM run");
	} else if (strcmp(name, "occurrence") == 0) {
		walk_by(c, "job", "SELECT DISTINCT job FROM run");
	}
}

/* ---- by page ---- */

enum { PAGE = 4096, ROWS_BY_ID = 0x0d, ROWS_BY_KEY = 0x0a, HEADER = 8 };

/* SQLite's variable-length number, of up to nine bytes. */
static size_t get_number(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
	size_t n = 0;

	for (*value = 0; at + n < end && n < 9; n++) {
		*value = n == 8 ? *value << 8 | at[n] : *value << 7 | (at[n] & 0x7f);
		if (n == 8 || !(at[n] & 0x80))
			return n + 1;
	}
	return 0;
}

/* How many columns the first row of a page has; 0: there is none to be seen. */
static int count_columns(const uint8_t page[PAGE])
{
	const uint8_t *end = page + PAGE;
	size_t cell = (size_t)page[HEADER] << 8 | page[HEADER + 1];
	uint64_t ignored, length;
	int columns = 0;
	size_t n;

	if ((page[3] == 0 && page[4] == 0) || cell < HEADER || cell >= PAGE)
		return 0;
	const uint8_t *at = page + cell;
	at += get_number(at, end, &ignored); /* the row's size */
	if (page[0] == ROWS_BY_ID)
		at += get_number(at, end, &ignored);
	n = get_number(at, end, &length); /* of the types of its columns, this one included */
	if (n == 0 || length > (size_t)(end - at) || length < n)
		return 0;
	const uint8_t *types_end = at + length;
	for (at += n; at < types_end; at += n, columns++)
		if ((n = get_number(at, types_end, &ignored)) == 0)
			return 0;
	return columns;
}

static bool may_be_ours(const struct copying *c, const uint8_t page[PAGE])
{
	return page[0] == (c->has_rowid ? ROWS_BY_ID : ROWS_BY_KEY) &&
	       count_columns(page) == c->column_count;
}

static bool set_root(sqlite3 *db, const char *table, int64_t page)
{
	char sql[160];

	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
	snprintf(sql, sizeof(sql),
		 "UPDATE sqlite_schema SET rootpage = %lld WHERE type = 'table' AND name = '%s'; "
		 "PRAGMA writable_schema = RESET",
		 (long long)page, table);
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static void walk_page(struct copying *c, sqlite3 *db, int64_t page)
{
	sqlite3_stmt *rows;

	if (!set_root(db, c->table->name, page))
		return;
	rows = prepare(db, arena_format(c->arena, "SELECT %s FROM %s NOT INDEXED", c->columns,
					c->table->name));
	if (rows)
		walk(c, rows);
	sqlite3_finalize(rows);
}

/* Of the copy, all of whose log was moved into the file. */
static void walk_pages(struct copying *c)
{
	const char *path = sqlite3_db_filename(c->from, "main");
	sqlite3 *db = NULL;
	uint8_t page[PAGE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char root[120];

	snprintf(root, sizeof(root), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'",
		 c->table->name);
	int64_t own = count(c->from, root);
	if (own > 0 && sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		for (int64_t i = 1; pread(fd, page, PAGE, (off_t)i * PAGE) == PAGE; i++)
			if (!c->is_failed && may_be_ours(c, page))
				walk_page(c, db, i + 1);
		set_root(db, c->table->name, own);
	}
	sqlite3_close(db);
	if (fd >= 0)
		close(fd);
}

/* ---- one table ---- */

/* From the new database's schema, which is whole. */
static bool describe(struct copying *c)
{
	struct buf columns = {0}, marks = {0}, up = {0}, down = {0};
	sqlite3_stmt *row = prepare(c->to, arena_format(c->arena,
							"SELECT name, pk FROM "
							"pragma_table_info('%s') ORDER BY cid",
							c->table->name));

	while (row && sqlite3_step(row) == SQLITE_ROW) {
		buf_format(&columns, "%s%s", c->column_count ? ", " : "",
			   (const char *)sqlite3_column_text(row, 0));
		buf_text(&marks, c->column_count++ ? ", ?" : "?");
	}
	sqlite3_finalize(row);
	row = prepare(c->to, arena_format(c->arena,
					  "SELECT name FROM pragma_table_info('%s') WHERE pk > 0 "
					  "ORDER BY pk",
					  c->table->name));
	while (row && sqlite3_step(row) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(row, 0);

		buf_format(&up, "%s%s", up.length ? ", " : "", name);
		buf_format(&down, "%s%s DESC", down.length ? ", " : "", name);
	}
	sqlite3_finalize(row);
	c->columns = arena_text(c->arena, buf_string(&columns));
	c->up = arena_text(c->arena, buf_string(&up));
	c->down = arena_text(c->arena, buf_string(&down));
	c->has_rowid =
		count(c->to, arena_format(c->arena, "SELECT NOT wr FROM pragma_table_list('%s')",
					  c->table->name)) != 0;
	/* Of its settings a new database has some of its own. */
	bool replaces = strcmp(c->table->name, "meta") == 0;
	c->put = prepare(c->to, arena_format(c->arena, "INSERT OR %s INTO %s (%s) VALUES (%s)",
					     replaces ? "REPLACE" : "IGNORE", c->table->name,
					     c->columns, buf_string(&marks)));
	buf_finish(&columns);
	buf_finish(&marks);
	buf_finish(&up);
	buf_finish(&down);
	return c->put && *c->up;
}

static void copy(struct copying *c)
{
	sqlite3_stmt *up = select_rows(c, "NOT INDEXED", c->up);
	sqlite3_stmt *down = select_rows(c, "NOT INDEXED", c->down);

	c->table->is_cut = !up || !walk(c, up);
	if (c->table->is_cut && down && !c->is_failed)
		walk(c, down);
	sqlite3_finalize(up);
	sqlite3_finalize(down);
	if (!c->table->is_cut || c->is_failed)
		return;
	walk_by_keys(c);
	/* Of two columns are indexes, too. */
	if (c->column_count > 2)
		walk_pages(c);
}

/* Runs stay known: that there were such is told, and no number is given twice. */
static bool drop_damaged(struct copying *c)
{
	bool is_run = strcmp(c->table->name, "run") == 0;

	if (is_run && !execute(c->to, "INSERT OR IGNORE INTO known SELECT id FROM run", c->err))
		return false;
	int64_t gone = damaged_rows_delete(c->to, c->table->name);
	if (!is_run && gone > 0)
		c->table->lost += gone;
	return gone >= 0 || fail(c->to, c->err);
}

static bool salvage_table(sqlite3 *from, sqlite3 *to, struct arena *arena,
			  struct repair_table *table, struct err *err)
{
	struct copying c = {.from = from, .to = to, .table = table, .arena = arena, .err = err};

	if (!describe(&c)) {
		sqlite3_finalize(c.put);
		return fail(to, err);
	}
	copy(&c);
	sqlite3_finalize(c.put);
	return !c.is_failed && drop_damaged(&c);
}

bool salvage_tables(sqlite3 *from, sqlite3 *to, struct arena *arena, struct repair *repair,
		    struct err *err)
{
	/* Runs before what belongs to them; the order of creation is such. */
	sqlite3_stmt *names = prepare(to, "SELECT name FROM sqlite_schema WHERE type = 'table' "
					  "AND name NOT LIKE 'sqlite_%' ORDER BY rowid");

	while (names && sqlite3_step(names) == SQLITE_ROW) {
		assert(repair->table_count < REPAIR_TABLES_MAX);
		repair->tables[repair->table_count++].name =
			arena_text(arena, (const char *)sqlite3_column_text(names, 0));
	}
	sqlite3_finalize(names);
	/* It is synced once, when it is whole. */
	if (!execute(to,
		     "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; CREATE TEMP TABLE known "
		     "(id INTEGER PRIMARY "
		     "KEY); BEGIN",
		     err))
		return false;
	for (size_t i = 0; i < repair->table_count; i++)
		if (!salvage_table(from, to, arena, &repair->tables[i], err))
			return false;
	return execute(to, "COMMIT", err);
}

/* ---- what fits together ---- */

static struct repair_table *find(struct repair *repair, const char *name)
{
	for (size_t i = 0; i < repair->table_count; i++)
		if (strcmp(repair->tables[i].name, name) == 0)
			return &repair->tables[i];
	return NULL;
}

/* As sqlite_write.c writes a claim. */
static const char rebuild_claims[] =
	"INSERT OR IGNORE INTO occurrence (job, scheduled_at, epoch, state, reason, run, last_at, "
	"count, recorded_at) SELECT job, scheduled_at, epoch, 'ran', '', id, scheduled_at, 1, "
	"claimed_at FROM run WHERE scheduled_at IS NOT NULL";

/* Runs that something else speaks of. Their claims stay: they are not run again. */
static const char count_lost_runs[] =
	"SELECT count(*) FROM (SELECT run AS id FROM occurrence WHERE run IS NOT NULL UNION "
	"SELECT run FROM attempt UNION SELECT run FROM log UNION SELECT id FROM known) "
	"WHERE id NOT IN (SELECT id FROM run)";

static const char counters[] =
	"INSERT INTO meta (key, value) SELECT 'last_run', max(id) FROM (SELECT id FROM run UNION "
	"ALL "
	"SELECT run FROM occurrence UNION ALL SELECT id FROM known) WHERE true "
	"ON CONFLICT DO UPDATE SET value = max(value, coalesce(excluded.value, 0));"
	"INSERT INTO meta (key, value) SELECT 'epoch', max(epoch) FROM occurrence WHERE true "
	"ON CONFLICT DO UPDATE SET value = max(value, coalesce(excluded.value, 0))";

static bool drop_orphans(sqlite3 *to, struct repair_table *table, struct err *err)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE run NOT IN (SELECT id FROM run)",
		 table->name);
	if (!execute(to, sql, err))
		return false;
	table->lost += sqlite3_changes(to);
	return true;
}

bool salvage_settle(sqlite3 *to, struct repair *repair, struct err *err)
{
	char sql[80];

	find(repair, "run")->lost += count(to, count_lost_runs);
	if (!execute(to, "BEGIN", err) || !execute(to, counters, err) ||
	    !drop_orphans(to, find(repair, "attempt"), err) ||
	    !drop_orphans(to, find(repair, "log"), err) || !execute(to, rebuild_claims, err))
		return false;
	find(repair, "occurrence")->rebuilt = sqlite3_changes(to);
	if (!execute(to, "COMMIT", err))
		return false;
	for (size_t i = 0; i < repair->table_count; i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", repair->tables[i].name);
		repair->tables[i].saved = count(to, sql);
	}
	return true;
}
