/* state_db.c - reading cron-manager's state.db; see state_db.h. */
#include "state_db.h"

#include <ctype.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "cron_manager.h"
#include "json_read.h"
#include "utf8.h"

struct state_db {
	sqlite3 *db;
	const char *path; /* owned by the arena */
	struct arena arena;
};

bool state_db_is(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, head, sizeof(head));
	close(fd);
	return n == (ssize_t)sizeof(head) && memcmp(head, magic, sizeof(magic)) == 0;
}

static bool fail(const struct state_db *db, struct err *err)
{
	return err_set(err, "%s: %s", db->path, sqlite3_errmsg(db->db));
}

static bool has_table(struct state_db *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	bool ok = sqlite3_prepare_v2(db->db, sql, -1, &statement, NULL) == SQLITE_OK;

	sqlite3_finalize(statement);
	return ok;
}

struct state_db *state_db_open(const char *path, struct err *err)
{
	struct state_db *db = mem_alloc(sizeof(*db));

	db->path = arena_text(&db->arena, path);
	if (sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		fail(db, err);
		state_db_close(db);
		return NULL;
	}
	sqlite3_busy_timeout(db->db, 5000);
	if (!has_table(db, "SELECT id, name, app_name, schedule FROM schedules") ||
	    !has_table(db, "SELECT id, schedule_id, status, created_at FROM jobs")) {
		fail(db, err);
		err_wrap(err, "this is no database of cron-manager, or it cannot be read (copy it "
			      "with its -wal file, or close cron-manager first)");
		state_db_close(db);
		return NULL;
	}
	return db;
}

void state_db_close(struct state_db *db)
{
	if (!db)
		return;
	sqlite3_close(db->db);
	arena_finish(&db->arena);
	free(db);
}

/* ---- rows, by the names of their columns, as older versions have fewer ---- */

struct row {
	struct state_db *db;
	sqlite3_stmt *statement;
};

static int column(const struct row *row, const char *name)
{
	for (int i = 0; i < sqlite3_column_count(row->statement); i++)
		if (strcmp(sqlite3_column_name(row->statement, i), name) == 0)
			return i;
	return -1;
}

/* NULL where it is NULL, missing or no UTF-8. */
static const char *column_text(const struct row *row, const char *name, struct arena *arena)
{
	int i = column(row, name);
	const char *text = i < 0 ? NULL : (const char *)sqlite3_column_text(row->statement, i);
	size_t length = text ? (size_t)sqlite3_column_bytes(row->statement, i) : 0, bad;

	return text && utf8_valid(text, length, &bad) ? arena_copy(arena, text, length) : NULL;
}

static bool column_int(const struct row *row, const char *name, int64_t *value)
{
	int i = column(row, name);

	if (i < 0 || sqlite3_column_type(row->statement, i) != SQLITE_INTEGER)
		return false;
	*value = sqlite3_column_int64(row->statement, i);
	return true;
}

/* ---- schedules ---- */

static void ignore(void *context, size_t at, size_t length, const char *message)
{
	(void)at;
	(void)length;
	(void)message;
	*(bool *)context = false;
}

/* An object of JSON, compact; NULL where it is none. */
static const char *compact(struct arena *arena, const char *text)
{
	struct json_reader r;
	struct buf out = {0};
	bool is_fine = true;
	const char *copy = NULL;

	if (!text)
		return NULL;
	json_init(&r, text, strlen(text), CONFIG_DEPTH_MAX, ignore, &is_fine);
	bool is_whole = json_check(&r) && is_fine;
	json_finish(&r);
	if (!is_whole)
		return NULL;
	json_init(&r, text, strlen(text), CONFIG_DEPTH_MAX, NULL, NULL);
	if (json_peek(&r) == JSON_OBJECT) {
		json_compact(&r, &out);
		copy = arena_text(arena, buf_string(&out));
	}
	json_finish(&r);
	buf_finish(&out);
	return copy;
}

static void add_schedule(const struct row *row, struct import *im)
{
	int64_t id = 0, enabled = 0;
	struct cm_schedule s = {
		.name = column_text(row, "name", &im->arena),
		.app = column_text(row, "app_name", &im->arena),
		.schedule = column_text(row, "schedule", &im->arena),
		.region = column_text(row, "region", &im->arena),
		.command = column_text(row, "command", &im->arena),
		.config = compact(&im->arena, column_text(row, "config", &im->arena)),
	};

	column_int(row, "id", &id);
	column_int(row, "command_timeout", &s.timeout_s);
	s.has_enabled = column_int(row, "enabled", &enabled);
	s.enabled = enabled != 0;
	if (s.timeout_s < 0 || s.timeout_s > 366 * 86400)
		s.timeout_s = 0;
	s.at = (struct import_place){
		arena_format(&im->arena, "%s (schedule %lld)", row->db->path, (long long)id), 0, 0};
	s.schedule_at = s.at;
	struct import_entry *e = cron_manager_add(im, &s);
	if (e)
		e->foreign_id = id;
}

bool state_db_schedules(struct state_db *db, struct import *im, struct err *err)
{
	struct row row = {.db = db};
	int result;

	if (sqlite3_prepare_v2(db->db, "SELECT * FROM schedules ORDER BY id", -1, &row.statement,
			       NULL) != SQLITE_OK)
		return fail(db, err);
	while ((result = sqlite3_step(row.statement)) == SQLITE_ROW && !im->is_full)
		add_schedule(&row, im);
	bool ok = result == SQLITE_DONE || result == SQLITE_ROW || fail(db, err);
	sqlite3_finalize(row.statement);
	cron_manager_remark(im, (struct import_place){arena_text(&im->arena, db->path), 0, 0});
	return ok;
}

/* ---- jobs ---- */

/* "2024-04-15 11:00:11.123456789+00:00", with T, Z, " +0000 UTC" or no zone at all. */
bool state_db_time(const char *text, struct utc *time)
{
	char form[64];
	size_t length = 0, digits = 0;

	if (!text || strlen(text) < 19)
		return false;
	memcpy(form, text, 19);
	form[10] = 'T';
	length = 19;
	text += 19;
	if (*text == '.') {
		for (text++; isdigit((unsigned char)*text); text++)
			digits++;
		if (digits && digits < 20) {
			form[length++] = '.';
			memcpy(form + length, text - digits, digits);
			length += digits;
		}
	}
	text += *text == ' ';
	if ((*text == '+' || *text == '-') && strspn(text + 1, "0123456789:") >= 4)
		length += (size_t)snprintf(form + length, sizeof(form) - length, "%.3s:%.2s", text,
					   text + (text[3] == ':' ? 4 : 3));
	else
		form[length++] = 'Z';
	return utc_parse(form, length, time);
}

static const struct import_entry *schedule_of(const struct import *im, int64_t id)
{
	for (size_t i = 0; i < im->entry_count; i++)
		if (im->entries[i]->foreign_id == id)
			return im->entries[i];
	return NULL;
}

/* False: the row says nothing that could be kept. */
static bool read_job(const struct row *row, struct import *im, struct arena *arena,
		     struct state_db_job *job)
{
	int64_t schedule = 0;

	*job = (struct state_db_job){.created = UTC_NONE, .finished = UTC_NONE};
	if (!column_int(row, "id", &job->id) || !column_int(row, "schedule_id", &schedule))
		return false;
	job->schedule = schedule ? schedule_of(im, schedule) : NULL;
	job->status = column_text(row, "status", arena);
	job->machine = column_text(row, "machine_id", arena);
	job->out = column_text(row, "stdout", arena);
	job->errors = column_text(row, "stderr", arena);
	job->has_exit_code = column_int(row, "exit_code", &job->exit_code);
	if (!job->schedule || !job->status ||
	    !state_db_time(column_text(row, "created_at", arena), &job->created))
		return false;
	if (!state_db_time(column_text(row, "finished_at", arena), &job->finished) &&
	    !state_db_time(column_text(row, "updated_at", arena), &job->finished))
		job->finished = job->created;
	return true;
}

bool state_db_jobs(struct state_db *db, struct import *im, state_db_job_fn *take, void *context,
		   size_t *unreadable, struct err *err)
{
	struct row row = {.db = db};
	struct arena arena = {0};
	bool ok = true;
	int result;

	if (sqlite3_prepare_v2(db->db, "SELECT * FROM jobs ORDER BY id", -1, &row.statement,
			       NULL) != SQLITE_OK)
		return fail(db, err);
	while (ok && (result = sqlite3_step(row.statement)) != SQLITE_DONE) {
		struct state_db_job job;

		if (result != SQLITE_ROW)
			ok = fail(db, err);
		else if (read_job(&row, im, &arena, &job))
			ok = take(context, &job, err);
		else
			++*unreadable;
		arena_reset(&arena);
	}
	sqlite3_finalize(row.statement);
	arena_finish(&arena);
	return ok;
}
