/* sqlite.c - opening, closing and committing the SQLite store; see sqlite.h. */
#include "sqlite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "migrations.h"
#include "wal.h"

enum {
	/* The loop waits so long for a lock that somebody else holds (an open shell);
	 * after that the batch fails and is tried again later, and while the lock is held
	 * the loop is needed for other things than waiting. */
	BUSY_MS = 500,
	STILL_BUSY_MS = 10,
	/* Up to this size every page is looked at when the store is opened, which takes
	 * well under a second; beyond it damage shows when it is met. */
	CHECKED_BYTES_MAX = 256 << 20,
};

/* ---- failures ---- */

static const char repair[] =
	"; the file is damaged and was left as it is: stop belfry and run `belfry doctor --repair` "
	"with the same --state, which sets it aside and saves what can be read; or restore a "
	"backup";

static const char *remedy_of_system(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT: return "; free some space on its disk";
	case EROFS: return "; its disk is mounted read-only: mount it for writing";
	case EACCES:
	case EPERM: return "; look at owner and permissions of the file and its folder";
	case EMFILE:
	case ENFILE: return "; raise the limit of open files (ulimit -n, LimitNOFILE=)";
	case EIO: return "; its disk fails: look at the kernel's log";
	default: return "";
	}
}

static const char *remedy(int code)
{
	switch (code) {
	case SQLITE_FULL: return remedy_of_system(ENOSPC);
	case SQLITE_IOERR: return remedy_of_system(EIO);
	case SQLITE_BUSY: return "; another program holds its lock: end that program's transaction";
	case SQLITE_PROTOCOL: return "; locks do not hold there: it must be on a local disk";
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN: return remedy_of_system(EACCES);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return repair;
	default: return "";
	}
}

bool sqlite_fail(const struct sqlite *s, struct err *err)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	int number = sqlite3_system_errno(s->db);
	bool is_of_system = (code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && number != 0;
	char reason[128];

	if (code == SQLITE_NOMEM || sqlite3_extended_errcode(s->db) == SQLITE_IOERR_NOMEM)
		mem_exhausted(); /* as everywhere; see mem.h */
	if (is_of_system)
		return err_set(err, "%s: %s: %s%s", s->path, sqlite3_errmsg(s->db),
			       strerror_r(number, reason, sizeof(reason)),
			       remedy_of_system(number));
	return err_set(err, "%s: %s%s", s->path, sqlite3_errmsg(s->db), remedy(code));
}

/* ---- statements ---- */

static sqlite3_stmt *prepare(struct sqlite *s, const char *sql, unsigned flags, struct err *err)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v3(s->db, sql, -1, flags, &statement, NULL) != SQLITE_OK)
		sqlite_fail(s, err);
	return statement;
}

/* Closes the gap that the statement at `place` leaves. */
static void forget_idle(struct sqlite *s, int place)
{
	for (int i = place; i + 1 < SQLITE_IDLE_MAX; i++)
		s->idle[i] = s->idle[i + 1];
	s->idle[SQLITE_IDLE_MAX - 1] = NULL;
}

sqlite3_stmt *sqlite_prepare(struct sqlite *s, const char *sql, struct err *err)
{
	for (int i = 0; i < SQLITE_IDLE_MAX && s->idle[i]; i++) {
		sqlite3_stmt *statement = s->idle[i];

		if (strcmp(sqlite3_sql(statement), sql) == 0) {
			forget_idle(s, i);
			return statement;
		}
	}
	return prepare(s, sql, SQLITE_PREPARE_PERSISTENT, err);
}

void sqlite_lay_by(struct sqlite *s, sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement); /* what they borrow may go */
	sqlite3_finalize(s->idle[SQLITE_IDLE_MAX - 1]);
	memmove(&s->idle[1], &s->idle[0], (SQLITE_IDLE_MAX - 1) * sizeof(sqlite3_stmt *));
	s->idle[0] = statement;
}

sqlite3_stmt *sqlite_kept(struct sqlite *s, enum kept which, const char *sql, struct err *err)
{
	if (!s->kept[which])
		s->kept[which] = prepare(s, sql, SQLITE_PREPARE_PERSISTENT, err);
	return s->kept[which];
}

bool sqlite_run(struct sqlite *s, sqlite3_stmt *statement, struct err *err)
{
	bool ok = sqlite3_step(statement) == SQLITE_DONE;

	if (!ok)
		sqlite_fail(s, err);
	sqlite3_reset(statement);
	return ok;
}

const char *sqlite_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	if (!text && sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM)
		mem_exhausted();
	return (const char *)text;
}

static bool execute(struct sqlite *s, const char *sql, struct err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || sqlite_fail(s, err);
}

static void roll_back(struct sqlite *s)
{
	/* Some failures (a full disk among them) have rolled back by themselves. */
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

bool sqlite_begin(struct sqlite *s, struct err *err)
{
	sqlite3_stmt *begin = sqlite_kept(s, KEPT_BEGIN, "BEGIN IMMEDIATE", err);

	roll_back(s); /* where an earlier one could not be */
	bool ok = begin && sqlite_run(s, begin, err);
	bool is_busy = begin && !ok && (sqlite3_errcode(s->db) & 0xff) == SQLITE_BUSY;
	if (is_busy != s->is_busy)
		sqlite3_busy_timeout(s->db, is_busy ? STILL_BUSY_MS : BUSY_MS);
	s->is_busy = is_busy;
	return ok;
}

bool sqlite_end(struct sqlite *s, bool ok, struct err *err)
{
	sqlite3_stmt *commit = ok ? sqlite_kept(s, KEPT_COMMIT, "COMMIT", err) : NULL;

	if (commit && sqlite_run(s, commit, err))
		return true;
	roll_back(s);
	return false;
}

/* ---- values in ---- */

static void bound(int code)
{
	if (code == SQLITE_NOMEM)
		mem_exhausted();
	assert(code == SQLITE_OK); /* else a wrong index, or one of a statement under way */
}

void sqlite_put_int(struct binder *binder, int64_t value)
{
	bound(sqlite3_bind_int64(binder->statement, ++binder->at, value));
}

static void put_null(struct binder *binder)
{
	bound(sqlite3_bind_null(binder->statement, ++binder->at));
}

void sqlite_put_known(struct binder *binder, int64_t value)
{
	if (value < 0)
		put_null(binder);
	else
		sqlite_put_int(binder, value);
}

void sqlite_put_time(struct binder *binder, struct utc value)
{
	if (utc_is_set(value))
		sqlite_put_int(binder, value.ms);
	else
		put_null(binder);
}

void sqlite_put_text(struct binder *binder, const char *value)
{
	bound(sqlite3_bind_text(binder->statement, ++binder->at, value, -1, SQLITE_STATIC));
}

void sqlite_put_bytes(struct binder *binder, const char *data, size_t length)
{
	/* A NULL pointer would be NULL, not no bytes. */
	bound(sqlite3_bind_blob64(binder->statement, ++binder->at, length ? data : "", length,
				  SQLITE_STATIC));
}

/* ---- opening ---- */

static bool close_all(struct sqlite *s)
{
	for (int i = 0; i < KEPT_COUNT; i++)
		sqlite3_finalize(s->kept[i]);
	for (int i = 0; i < SQLITE_IDLE_MAX; i++)
		sqlite3_finalize(s->idle[i]);
	bool is_closed = sqlite3_close(s->db) == SQLITE_OK;
	free(s->path);
	free(s);
	return is_closed;
}

static void close_store(struct store *store)
{
	bool is_closed = close_all(sqlite_of(store));

	assert(is_closed); /* else a statement was left over */
}

char *sqlite_path(const char *directory)
{
	struct buf path = {0};

	/* SQLite may take "file:…" for a URI, never "./file:…". */
	buf_format(&path, "%s%s/belfry.db", *directory == '/' ? "" : "./", directory);
	return path.data;
}

/* SQLite would make it with the umask's mode; -wal and -shm follow the file's. Only
 * where there is none: closing a descriptor of a database that is open elsewhere in
 * this process would drop its locks. */
static bool make_private(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return err_errno(err, errno, "cannot make %s", path);
	return true;
}

static bool connect_to(struct sqlite *s, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	struct stat status;

	if (stat(s->path, &status) == 0 && !S_ISREG(status.st_mode))
		return err_set(err, "%s is no regular file", s->path);
	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
		return sqlite_fail(s, err);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* A file that is refused stays as it is: nothing may move from -wal into it. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return err_set(err, "%s cannot be written%s", s->path, remedy(SQLITE_PERM));
	return true;
}

/* The first answer of a query, as text in the caller's buffer. */
static bool ask(struct sqlite *s, const char *sql, struct buf *answer, struct err *err)
{
	sqlite3_stmt *statement = sqlite_prepare(s, sql, err);

	if (!statement)
		return false;
	bool ok = sqlite3_step(statement) == SQLITE_ROW;
	const char *text = ok ? sqlite_text(statement, 0) : NULL;
	if (ok)
		buf_text(answer, text ? text : "");
	else
		sqlite_fail(s, err);
	sqlite3_finalize(statement);
	return ok;
}

static bool ask_int(struct sqlite *s, const char *sql, int64_t *value, struct err *err)
{
	struct buf answer = {0};
	bool ok = ask(s, sql, &answer, err);

	*value = strtoll(buf_string(&answer), NULL, 10);
	buf_finish(&answer);
	return ok;
}

static bool check_pages(struct sqlite *s, struct err *err)
{
	struct buf answer = {0};
	int64_t pages, page_size;

	if (!ask_int(s, "PRAGMA page_count", &pages, err) ||
	    !ask_int(s, "PRAGMA page_size", &page_size, err))
		return false;
	if (pages * page_size > CHECKED_BYTES_MAX)
		return true;
	bool ok = ask(s, "PRAGMA quick_check(1)", &answer, err);
	if (ok && strcmp(buf_string(&answer), "ok") != 0)
		ok = err_set(err, "%s: %.100s%s", s->path, buf_string(&answer),
			     remedy(SQLITE_CORRUPT));
	buf_finish(&answer);
	return ok;
}

/* A repair that was interrupted between taking the old file away and putting the new one
 * in its place: a new, empty one must not take that. */
static bool is_amid_repair(const struct sqlite *s, struct err *err)
{
	struct buf repaired = {0};

	buf_format(&repaired, "%s" SQLITE_REPAIRED, s->path);
	bool is_amid = access(s->path, F_OK) != 0 && access(buf_string(&repaired), F_OK) == 0;
	if (is_amid)
		err_set(err,
			"%s: its repair was interrupted; run `belfry doctor --repair` again with "
			"the same --state",
			s->path);
	buf_finish(&repaired);
	return is_amid;
}

/* What SQLite would pass over in silence. */
static bool check_log(const struct sqlite *s, struct err *err)
{
	struct err what;

	return wal_check(s->path, &what) || err_set(err, "%s%s", what.text, repair);
}

/* Nothing is written before the file is known to be ours, whole, and not newer. */
static bool recognise(struct sqlite *s, struct err *err)
{
	int64_t tables, application, version;
	int64_t newest = (int64_t)migrations_of_store.count;

	if (!ask_int(s, "SELECT count(*) FROM sqlite_schema", &tables, err) ||
	    !ask_int(s, "PRAGMA application_id", &application, err) ||
	    !ask_int(s, "PRAGMA user_version", &version, err))
		return false;
	if (tables == 0 && application == 0 && version == 0)
		return true;
	if (application != MIGRATIONS_APPLICATION_ID || version <= 0)
		return err_set(err, "%s is a database, but not belfry's; use another directory",
			       s->path);
	if (version > newest)
		return err_set(err,
			       "%s was written by a newer belfry (schema %lld, this one knows up "
			       "to %lld); use that belfry, or restore the backup from before",
			       s->path, (long long)version, (long long)newest);
	return check_pages(s, err);
}

static bool use_wal(struct sqlite *s, struct err *err)
{
	struct buf mode = {0};
	bool ok = ask(s, "PRAGMA journal_mode = WAL", &mode, err);

	if (ok && strcmp(buf_string(&mode), "wal") != 0)
		ok = err_set(
			err,
			"%s: no write-ahead log here (journal mode %s); the directory must be on "
			"a local disk",
			s->path, buf_string(&mode));
	buf_finish(&mode);
	return ok;
}

/* The salt of run ids is drawn once in a store's life. */
static bool draw_node(struct sqlite *s, struct err *err)
{
	int64_t has_node;
	uint8_t node;
	char sql[80];

	if (!ask_int(s, "SELECT count(*) FROM meta WHERE key = 'node'", &has_node, err))
		return false;
	if (has_node)
		return true;
	if (getrandom(&node, sizeof(node), 0) != sizeof(node))
		return err_errno(err, errno, "no random numbers");
	sqlite3_snprintf(sizeof(sql), sql, "INSERT INTO meta (key, value) VALUES ('node', %d)",
			 node);
	return execute(s, sql, err);
}

static bool set_up(struct sqlite *s, struct err *err)
{
	static const char pragmas[] = "PRAGMA synchronous = FULL;"
				      "PRAGMA foreign_keys = ON;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA cell_size_check = ON;"
				      "PRAGMA journal_size_limit = 16777216;";

	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	if (!use_wal(s, err) || !execute(s, pragmas, err))
		return false;
	if (!migrations_apply(s->db, &migrations_of_store, err))
		return err_wrap(err, "%s", s->path);
	return draw_node(s, err);
}

static const struct store_ops ops = {
	.close = close_store,
	.apply = sqlite_apply,
	.load = sqlite_load,
	.runs = sqlite_runs,
	.attempts = sqlite_attempts,
	.log = sqlite_log,
	.occurrences = sqlite_occurrences,
	.revisions = sqlite_revisions,
	.tokens = sqlite_tokens,
	.audits = sqlite_audits,
	.downtimes = sqlite_downtimes,
	.job_summary = sqlite_job_summary,
	.prune = sqlite_prune,
	.job_names = sqlite_job_names,
	.is_writable = sqlite_is_writable,
	.join = sqlite_join,
	.renew = sqlite_renew,
	.take_over = sqlite_take_over,
	.take_handed = sqlite_take_handed,
};

struct store *sqlite_open(const char *directory, struct err *err)
{
	struct sqlite *s = mem_alloc(sizeof(*s));

	s->store.ops = &ops;
	s->path = sqlite_path(directory);
	if (!is_amid_repair(s, err) && make_private(s->path, err) && check_log(s, err) &&
	    connect_to(s, err) && recognise(s, err) && set_up(s, err))
		return &s->store;
	close_all(s);
	return NULL;
}
