/*
 * repair.c - a damaged database's way into a new one; see repair.h.
 *
 * All work is done on copies, in a folder of its own. Then three renames: the new one
 * comes to lie beside the old, the old goes aside with its log, the new takes its place.
 * Interrupted after the first, a repair begins anew; after the second, belfry does not
 * start without it, and it is completed.
 */
#include "repair.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "damaged_rows.h"
#include "migrations.h"
#include "salvage.h"
#include "sqlite.h"
#include "wal.h"

enum { PIECE = 64 * 1024, PAGE = 4096, HEADER = 100 };

struct paths {
	const char *directory, *database, *log, *repaired;
	const char *work, *copy, *copy_log, *fresh; /* a folder, and what is in it */
};

static struct paths make_paths(const char *directory, struct arena *arena)
{
	char *database = sqlite_path(directory);
	struct paths p = {.directory = directory, .database = arena_text(arena, database)};

	free(database);
	p.log = arena_format(arena, "%s-wal", p.database);
	p.repaired = arena_format(arena, "%s" SQLITE_REPAIRED, p.database);
	p.work = arena_format(arena, "%s/repair", directory);
	p.copy = arena_format(arena, "%s/damaged.db", p.work);
	p.copy_log = arena_format(arena, "%s-wal", p.copy);
	p.fresh = arena_format(arena, "%s/belfry.db", p.work);
	return p;
}

/* ---- files ---- */

static void clear_work(const struct paths *p)
{
	static const char *const names[] = {"damaged.db", "damaged.db-wal", "damaged.db-shm",
					    "belfry.db",  "belfry.db-wal",  "belfry.db-shm"};
	int folder = open(p->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; folder >= 0 && i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(folder, names[i], 0);
	if (folder >= 0)
		close(folder);
	rmdir(p->work);
}

/* What a failing disk does not give becomes zeros, a page at a time. */
static ssize_t read_piece(int fd, char *data, off_t at, off_t size)
{
	ssize_t n = pread(fd, data, PIECE, at);

	if (n >= 0 || errno != EIO)
		return n;
	n = pread(fd, data, PAGE, at);
	if (n >= 0 || errno != EIO)
		return n;
	memset(data, 0, PAGE);
	return size - at < PAGE ? (ssize_t)(size - at) : PAGE;
}

static bool copy_bytes(int from, int to, off_t size)
{
	char data[PIECE];
	ssize_t n = 1;

	for (off_t at = 0; at < size && n > 0; at += n) {
		n = read_piece(from, data, at, size);
		if (n > 0 && pwrite(to, data, (size_t)n, at) != n)
			return false;
	}
	return n >= 0;
}

static bool copy_file(const char *from, const char *to, struct err *err)
{
	int source = open(from, O_RDONLY | O_CLOEXEC);
	int target = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	errno = source >= 0 && target < 0 ? errno : 0;
	bool ok = source >= 0 && target >= 0 && fstat(source, &st) == 0 &&
		  copy_bytes(source, target, st.st_size);
	if (!ok)
		err_errno(err, errno ? errno : EIO, "cannot copy %s to %s", from, to);
	if (source >= 0)
		close(source);
	if (target >= 0)
		close(target);
	return ok;
}

static bool sync_path(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		err_errno(err, errno, "cannot sync %s", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool move(const char *from, const char *to, struct err *err)
{
	return rename(from, to) == 0 || err_errno(err, errno, "cannot rename %s to %s", from, to);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static struct utc changed_at(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (struct utc){(int64_t)st.st_mtim.tv_sec * 1000 + 999}
				    : UTC_NONE;
}

/* ---- is anything wrong at all? ---- */

/* Reads as far as it goes; what stands in the way is not looked at. */
static sqlite3 *open_damaged(const char *path, struct err *err)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		err_set(err, "%s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
		sqlite3_close(db);
		return NULL;
	}
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* A file shorter than it should be is read as far as it goes. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
	return db;
}

/* The first word of a check; what cannot even be asked is the answer. */
static const char *ask(sqlite3 *db, const char *sql, struct arena *arena)
{
	sqlite3_stmt *row = NULL;
	bool ok = sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
		  sqlite3_step(row) == SQLITE_ROW;
	const char *text = ok ? (const char *)sqlite3_column_text(row, 0) : sqlite3_errmsg(db);
	const char *answer = arena_text(arena, text ? text : "");

	sqlite3_finalize(row);
	return answer;
}

static bool is_foreign(sqlite3 *db, const struct paths *p, struct err *err)
{
	int tables = 0, application = 0, version = 0;

	if (!migrations_pragma(db, "application_id", &application, NULL) ||
	    !migrations_pragma(db, "user_version", &version, NULL))
		return false; /* its head cannot be read; that is damage */
	if (version > (int)migrations_of_store.count && application == MIGRATIONS_APPLICATION_ID)
		return !err_set(err, "%s was written by a newer belfry; use that one", p->database);
	bool has_tables = sqlite3_table_column_metadata(db, NULL, "run", NULL, NULL, NULL, NULL,
							NULL, &tables) == SQLITE_OK;
	if (application != MIGRATIONS_APPLICATION_ID && !has_tables && application != 0)
		return !err_set(err, "%s is a database, but not belfry's", p->database);
	return false;
}

/* False: it cannot or must not be repaired. Sets is_sound, or damage. */
static bool look(const struct paths *p, struct arena *arena, struct repair *repair, struct err *err)
{
	struct err log;
	sqlite3 *db = open_damaged(p->database, err);

	if (!db)
		return false;
	bool is_refused = is_foreign(db, p, err);
	const char *answer = ask(db, "PRAGMA integrity_check(1)", arena);
	int64_t damaged = damaged_rows_count(db);
	sqlite3_close(db);
	if (is_refused)
		return false;
	if (strcmp(answer, "ok") == 0 && damaged > 0)
		answer = arena_format(arena, "%lld values mean nothing", (long long)damaged);
	repair->is_stale = !wal_check(p->database, &log);
	repair->is_sound = !repair->is_stale && strcmp(answer, "ok") == 0;
	repair->damage = repair->is_stale ? arena_text(arena, log.text) : answer;
	return true;
}

/* ---- a head for the headless ---- */

static void put_big(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_big(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool copy_page(int fresh, int copy, uint32_t number)
{
	uint8_t page[PAGE];
	off_t at = (off_t)(number - 1) * PAGE;

	return number > 1 && pread(fresh, page, PAGE, at) == PAGE &&
	       pwrite(copy, page, PAGE, at) == PAGE;
}

/* The schema is longer than a page: then the first one has the way to the others (file
 * format of SQLite 3, section 1.6: an interior page of a table). */
static bool put_rest_of_schema(int fresh, int copy, const uint8_t *first)
{
	enum { HEAD = 100, INTERIOR = 5, CELLS = HEAD + 12 };
	unsigned count = (unsigned)first[HEAD + 3] << 8 | first[HEAD + 4];
	bool ok = true;

	if (first[HEAD] != INTERIOR)
		return true;
	for (unsigned i = 0; i < count && ok; i++) {
		const uint8_t *pointer = first + CELLS + 2 * i;
		unsigned cell = (unsigned)pointer[0] << 8 | pointer[1];

		ok = cell + 4 <= PAGE && copy_page(fresh, copy, get_big(first + cell));
	}
	return ok && copy_page(fresh, copy, get_big(first + HEAD + 8));
}

/* Tables lie where the first schema put them: in a new database at the same places. Its
 * first page, with the old one's size, is as good as the one that is gone. */
static bool put_head(const struct paths *p, struct err *err)
{
	uint8_t page[PAGE];
	int fresh = open(p->fresh, O_RDONLY | O_CLOEXEC);
	int copy = open(p->copy, O_RDWR | O_CLOEXEC);
	struct stat st;
	bool ok = fresh >= 0 && copy >= 0 && fstat(copy, &st) == 0 &&
		  pread(fresh, page, PAGE, 0) == PAGE;

	if (ok) {
		put_big(page + 28, (uint32_t)((st.st_size + PAGE - 1) / PAGE));
		put_big(page + 32, 0); /* free pages: none that we know of */
		put_big(page + 36, 0);
		memcpy(page + 92, page + 24, 4); /* the size is as of this change */
		ok = pwrite(copy, page, PAGE, 0) == PAGE && put_rest_of_schema(fresh, copy, page);
	}
	if (!ok)
		err_errno(err, errno, "cannot put a first page to %s", p->copy);
	if (fresh >= 0)
		close(fresh);
	if (copy >= 0)
		close(copy);
	return ok;
}

static bool has_head(sqlite3 *db)
{
	return sqlite3_table_column_metadata(db, NULL, "meta", "key", NULL, NULL, NULL, NULL,
					     NULL) == SQLITE_OK;
}

/* The copy, so that its tables can be asked for. */
static sqlite3 *open_copy(const struct paths *p, struct repair *repair, struct err *err)
{
	sqlite3 *db = open_damaged(p->copy, err);

	if (db && !has_head(db)) {
		sqlite3_close(db);
		repair->was_headless = repair->is_stale = true;
		db = put_head(p, err) ? open_damaged(p->copy, err) : NULL;
	}
	if (db) {
		migrations_apply(db, &migrations_of_store, NULL); /* of an older belfry */
		sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	}
	return db;
}

/* ---- the new one ---- */

static bool make_fresh(const struct paths *p, struct err *err)
{
	struct store *store;

	clear_work(p);
	if (mkdir(p->work, 0700) != 0)
		return err_errno(err, errno, "cannot make %s", p->work);
	store = sqlite_open(p->work, err);
	store_close(store);
	return store && copy_file(p->database, p->copy, err) &&
	       (!is_there(p->log) || copy_file(p->log, p->copy_log, err));
}

static const struct repair_table *find(const struct repair *repair, const char *name)
{
	const struct repair_table *table = repair->tables;

	while (strcmp(table->name, name) != 0)
		table++;
	return table;
}

/* No commit is newer than the files. */
static bool move_watermark(sqlite3 *to, const struct paths *p, struct repair *repair,
			   struct err *err)
{
	struct utc data = changed_at(p->database), log = changed_at(p->log);
	char sql[200], *problem = NULL;
	sqlite3_stmt *row = NULL;

	repair->doubtful_from = repair->doubtful_to = UTC_NONE;
	repair->is_stale |= find(repair, "meta")->is_cut || find(repair, "meta")->lost > 0;
	if (!repair->is_stale)
		return true;
	if (sqlite3_prepare_v2(to,
			       "SELECT value FROM meta WHERE key = 'evaluated_until' AND "
			       "value IS NOT NULL",
			       -1, &row, NULL) == SQLITE_OK &&
	    sqlite3_step(row) == SQLITE_ROW)
		repair->doubtful_from.ms = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	repair->doubtful_to = utc_is_set(log) && log.ms > data.ms ? log : data;
	snprintf(sql, sizeof(sql),
		 "INSERT INTO meta (key, value) VALUES ('evaluated_until', %lld) ON CONFLICT DO "
		 "UPDATE SET value = max(coalesce(value, 0), excluded.value)",
		 (long long)repair->doubtful_to.ms);
	if (sqlite3_exec(to, sql, NULL, NULL, &problem) == SQLITE_OK)
		return true;
	err_set(err, "cannot write the new database: %s", problem ? problem : "?");
	sqlite3_free(problem);
	return false;
}

/* What the runner still has of it tells how it went. */
static bool has_spool(const struct paths *p, int64_t run)
{
	char pattern[4200];
	glob_t found = {0};

	snprintf(pattern, sizeof(pattern), "%s/spool/%016llx.*", p->directory,
		 (unsigned long long)run);
	bool is_found = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;
	globfree(&found);
	return is_found;
}

/* One that is open here, and left no spool, may have ended in what is lost: to take it for
 * claimed and start it would be twice. */
static bool end_doubtful(sqlite3 *to, const struct paths *p, struct repair *repair, struct err *err)
{
	sqlite3_stmt *open_runs = NULL, *end = NULL;
	bool ok = sqlite3_prepare_v2(to, "SELECT id FROM run WHERE finished_at IS NULL", -1,
				     &open_runs, NULL) == SQLITE_OK &&
		  sqlite3_prepare_v2(to,
				     "UPDATE run SET state = 'finished', outcome = 'unknown', "
				     "finished_at = ?, message = 'the database was damaged; nobody "
				     "knows how it ended' WHERE id = ?",
				     -1, &end, NULL) == SQLITE_OK;

	while (ok && repair->is_stale && sqlite3_step(open_runs) == SQLITE_ROW) {
		int64_t run = sqlite3_column_int64(open_runs, 0);

		if (has_spool(p, run))
			continue;
		sqlite3_bind_int64(end, 1, repair->doubtful_to.ms);
		sqlite3_bind_int64(end, 2, run);
		ok = sqlite3_step(end) == SQLITE_DONE;
		sqlite3_reset(end);
		repair->unknown++;
	}
	if (!ok)
		err_set(err, "cannot write the new database: %s", sqlite3_errmsg(to));
	sqlite3_finalize(open_runs);
	sqlite3_finalize(end);
	return ok;
}

static bool check_fresh(sqlite3 *to, struct arena *arena, struct err *err)
{
	const char *answer = ask(to, "PRAGMA integrity_check(1)", arena);

	return strcmp(answer, "ok") == 0 ||
	       err_set(err, "the new database is not whole: %s", answer);
}

static bool fill(const struct paths *p, struct arena *arena, struct repair *repair, struct err *err)
{
	sqlite3 *from = open_copy(p, repair, err), *to = NULL;
	bool ok = from && sqlite3_open_v2(p->fresh, &to, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK;

	if (from && !ok)
		err_set(err, "cannot open %s", p->fresh);
	ok = ok && salvage_tables(from, to, arena, repair, err) &&
	     salvage_settle(to, repair, err) && move_watermark(to, p, repair, err) &&
	     end_doubtful(to, p, repair, err) && check_fresh(to, arena, err);
	sqlite3_close(from);
	/* The last one to close moves all from the log into the file. */
	if (sqlite3_close(to) != SQLITE_OK && ok)
		ok = err_set(err, "cannot close %s", p->fresh);
	return ok;
}

/* ---- into place ---- */

static bool swap(const struct paths *p, struct utc now, struct arena *arena, struct repair *repair,
		 struct err *err)
{
	char stamp[UTC_TEXT_MAX], compact[UTC_TEXT_MAX];
	size_t n = 0;

	utc_format((struct utc){now.ms - now.ms % 1000}, stamp);
	for (const char *c = stamp; *c; c++)
		if (*c != '-' && *c != ':')
			compact[n++] = *c;
	compact[n] = '\0';
	repair->aside = arena_format(arena, "%s.damaged-%s", p->database, compact);
	for (int i = 2; is_there(repair->aside); i++)
		repair->aside = arena_format(arena, "%s.damaged-%s-%d", p->database, compact, i);
	if (is_there(p->database) && !move(p->database, repair->aside, err))
		return false;
	const char *log = arena_format(arena, "%s-wal", repair->aside);
	if (is_there(p->log) && !move(p->log, log, err))
		return false;
	unlink(arena_format(arena, "%s-shm", p->database)); /* an index of the log, no more */
	if (!sync_path(p->directory, err) || !move(p->repaired, p->database, err))
		return false;
	sync_path(p->directory, NULL);
	return true;
}

static bool rebuild(const struct paths *p, struct utc now, struct arena *arena,
		    struct repair *repair, struct err *err)
{
	bool ok = make_fresh(p, err) && fill(p, arena, repair, err);

	if (ok && (!sync_path(p->fresh, err) || !move(p->fresh, p->repaired, err)))
		ok = false;
	clear_work(p);
	return ok && swap(p, now, arena, repair, err);
}

bool repair_database(const char *directory, struct utc now, struct arena *arena,
		     struct repair *repair, struct err *err)
{
	struct paths p = make_paths(directory, arena);

	*repair = (struct repair){.doubtful_from = UTC_NONE, .doubtful_to = UTC_NONE};
	if (!is_there(p.database) && is_there(p.repaired)) {
		repair->damage = "an earlier repair was interrupted; it is completed";
		return swap(&p, now, arena, repair, err);
	}
	if (!is_there(p.database))
		return err_set(err, "there is no %s", p.database);
	return look(&p, arena, repair, err) &&
	       (repair->is_sound || rebuild(&p, now, arena, repair, err));
}
