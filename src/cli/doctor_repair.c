/* doctor_repair.c - `belfry doctor --repair`: the one verb that changes the store's file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "owner.h"
#include "repair.h"
#include "say.h"
#include "table.h"
#include "wal.h"
#include "when.h"

static const struct table_column columns[] = {
	{.title = "TABLE"},
	{.title = "SAVED", .is_right = true},
	{.title = "LOST"},
};

/* "0", "3", "3 and more", "not known". */
static void add_lost(struct table *table, const struct repair_table *row)
{
	if (row->is_cut && row->lost == 0)
		table_add(table, STYLE_WARN, "not known");
	else
		table_format(table, row->lost ? STYLE_WARN : STYLE_PLAIN, "%lld%s",
			     (long long)row->lost, row->is_cut ? " and more" : "");
}

static void add_tables(struct buf *out, const struct repair *repair)
{
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < repair->table_count; i++) {
		const struct repair_table *row = &repair->tables[i];

		table_add(&table, STYLE_PLAIN, row->name);
		table_format(&table, STYLE_PLAIN, "%lld", (long long)row->saved);
		add_lost(&table, row);
	}
	table_write(&table, out);
	table_finish(&table);
}

static void add_doubt(struct buf *out, const struct repair *repair)
{
	char text[UTC_TEXT_MAX];

	if (!repair->is_stale)
		return;
	buf_text(out, "The newest records may be lost. What fell due ");
	if (utc_is_set(repair->doubtful_from))
		buf_format(out, "from %s ", utc_format_ms(repair->doubtful_from, text));
	buf_format(out, "up to %s may have run; belfry does not run it again.\n",
		   utc_format_ms(repair->doubtful_to, text));
}

static void add_text(struct buf *out, const struct repair *repair)
{
	if (repair->is_sound) {
		buf_text(out, "The database is sound; nothing was changed.\n");
		return;
	}
	buf_format(out, "Damage: %s\nThe damaged file is now %s\n", repair->damage, repair->aside);
	if (repair->was_headless)
		buf_text(out, "Its first page was gone; that of a new database was used.\n");
	if (repair->table_count)
		add_tables(out, repair);
	for (size_t i = 0; i < repair->table_count; i++)
		if (repair->tables[i].rebuilt)
			buf_format(out, "%lld rows of %s were put together from others.\n",
				   (long long)repair->tables[i].rebuilt, repair->tables[i].name);
	add_doubt(out, repair);
	if (repair->unknown)
		buf_format(out, "Runs whose end may be lost, now told as unknown: %lld\n",
			   (long long)repair->unknown);
	buf_text(out, "The new database is whole; start belfry.\n");
}

static void add_json(struct buf *out, const struct repair *repair)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "result", repair->is_sound ? "sound" : "repaired");
	buf_json_text(out, "damage", repair->is_sound ? NULL : repair->damage);
	buf_json_text(out, "set_aside", repair->aside);
	buf_json_bool(out, "first_page_replaced", repair->was_headless);
	buf_json_bool(out, "newest_may_be_lost", repair->is_stale);
	buf_json_time(out, "doubtful_from", repair->doubtful_from);
	buf_json_time(out, "doubtful_to", repair->doubtful_to);
	buf_json_int(out, "runs_now_unknown", repair->unknown);
	buf_json_open(out, "tables", '[');
	for (size_t i = 0; i < repair->table_count; i++) {
		const struct repair_table *row = &repair->tables[i];

		buf_json_open(out, NULL, '{');
		buf_json_text(out, "table", row->name);
		buf_json_int(out, "saved", row->saved);
		buf_json_int(out, "lost", row->lost);
		buf_json_bool(out, "more_may_be_lost", row->is_cut);
		buf_json_int(out, "rebuilt", row->rebuilt);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
	buf_json_close(out, '}');
	buf_char(out, '\n');
}

/* As the daemon does, so that none starts meanwhile. */
static bool take_directory(struct doctor *doctor, int *lock, struct err *err)
{
	const char *path = arena_format(&doctor->arena, "%s/lock", doctor->state);
	struct stat st;
	bool is_taken;

	if (stat(doctor->state, &st) != 0)
		return err_errno(err, errno, "%s", doctor->state);
	if (owner_take(path, lock, &is_taken, err))
		return true;
	return is_taken ? err_wrap(err, "%s is in use; stop belfry first", doctor->state) : false;
}

static bool repair(struct doctor *doctor, struct repair *result, struct err *err)
{
	int lock = -1;

	if (!doctor->state)
		return err_set(err, "there is no usual state directory: HOME is not set; use "
				    "--state or BELFRY_STATE");
	if (!take_directory(doctor, &lock, err))
		return false;
	bool ok = repair_database(doctor->state, when_now(), &doctor->arena, result, err);
	close(lock);
	return ok;
}

bool doctor_log_is_whole(const char *database, struct err *err)
{
	return wal_check(database, err);
}

int doctor_repair(struct doctor *doctor)
{
	struct repair result = {.is_sound = false};
	struct buf out = {0};
	struct err err;

	if (!repair(doctor, &result, &err))
		return say_failed(doctor->args, &err);
	if (args_has(doctor->args, "json")) {
		add_json(&out, &result);
		return say_print(doctor->args, &out);
	}
	add_text(&out, &result);
	return say_text(doctor->args, &out);
}
