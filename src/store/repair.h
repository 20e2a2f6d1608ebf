/*
 * repair.h - saves what can be read of a damaged database into a new one.
 *
 * The damaged file is set aside under another name, never changed and never removed.
 * What is lost is told. Where the newest commits may be among it the watermark goes to
 * the file's last change: what fell due before may have run, and does not run again.
 */
#ifndef BELFRY_REPAIR_H
#define BELFRY_REPAIR_H

#include "err.h"
#include "instant.h"
#include "mem.h"

struct repair_table {
	const char *name;
	int64_t saved;
	int64_t lost;    /* known to have been there */
	bool is_cut;     /* and more may have been */
	int64_t rebuilt; /* among the saved: put together from other tables */
};

enum { REPAIR_TABLES_MAX = 32 };

struct repair {
	bool is_sound;      /* nothing was wrong, nothing was done */
	const char *damage; /* what SQLite said */
	const char *aside;  /* where the damaged file is now */
	bool was_headless;  /* its first page was gone; that of a new database was used */
	bool is_stale;      /* the newest commits may be lost: */
	struct utc doubtful_from, doubtful_to; /* what fell due then; from: UTC_NONE, unknown */
	int64_t unknown; /* runs whose end may be lost: they are told, not started again */
	struct repair_table tables[REPAIR_TABLES_MAX];
	size_t table_count;
};

/* Of DIRECTORY/belfry.db, while nobody uses it. Texts live in arena. On failure all is
 * as it was, or the same call completes it. */
bool repair_database(const char *directory, struct utc now, struct arena *arena,
		     struct repair *repair, struct err *err);

#endif
