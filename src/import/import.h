/*
 * import.h - other schedulers' files, translated into schedules.json.
 *
 * Pure but for units_read and history_*: texts in, a schedules.json and a report of
 * fidelity out. The report has for every entry what carried over, what means something
 * else here, and what was left and why. What is wrong in the text is a fault, with its
 * place; a translation with faults has no result.
 */
#ifndef BELFRY_IMPORT_H
#define BELFRY_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "zone.h"

enum import_kind {
	IMPORT_UNKNOWN,
	IMPORT_CRONTAB,
	IMPORT_SYSTEM_CRONTAB,
	IMPORT_SYSTEMD,
	IMPORT_CRON_MANAGER,
	IMPORT_KUBERNETES,
	IMPORT_SUPERCRONIC,
	IMPORT_KIND_COUNT
};
const char *import_kind_word(enum import_kind kind);
bool import_kind_from_word(const char *word, enum import_kind *kind);

enum {
	IMPORT_SIZE_MAX = 16 << 20,    /* bytes of one file */
	IMPORT_ENTRIES_MAX = 10000,    /* of all files together */
	IMPORT_FAULTS_MAX = 100,       /* kept; the others are counted */
	IMPORT_RESULT_MAX = 64 << 20,  /* bytes of the result */
	IMPORT_MEMORY_MAX = 256 << 20, /* for all that is read */
};

struct import_source {
	const char *path; /* as messages call it */
	const char *text; /* NUL-terminated behind length */
	size_t length;
};

/* Where something stands; line 0: the file as a whole. Columns count bytes from 1. */
struct import_place {
	const char *file;
	uint32_t line, column;
};

struct import_fault {
	struct import_place at;
	const char *message;
	const char *excerpt; /* the line; NULL: not shown */
};

enum import_effect { IMPORT_CARRIED, IMPORT_DIFFERS, IMPORT_LEFT };
const char *import_effect_word(enum import_effect effect);

struct import_note {
	enum import_effect effect;
	struct import_place at;
	const char *topic; /* "overlap", "mail" */
	const char *text;  /* NULL for what carried over as it is */
};

struct import_notes {
	struct import_note *items;
	size_t count, capacity;
};

/* What is around a translation, given by the caller so that it stays pure. */
struct import_world {
	const struct zone_source *zones;
	struct utc now;
	const char *timezone; /* that was asked for; NULL: each kind's own */
	const char *machine;  /* the zone of this machine, for kinds that follow it */
};

struct import_entry;

struct import {
	struct arena arena;
	struct import_world world;
	struct import_entry **entries;
	size_t entry_count, entry_capacity;
	struct import_fault *faults;
	size_t fault_count, faults_told;
	struct import_notes remarks; /* about all entries */
	struct names *names;         /* given to jobs */
	bool is_full;                /* IMPORT_ENTRIES_MAX was reached, and told */
};

void import_init(struct import *im, const struct import_world *world);
void import_finish(struct import *im);

/* From the text, and the path where the text could be either. */
enum import_kind import_recognise(const struct import_source *source);

/* Adds what the files have: for systemd all units that belong together, of which only
 * the timer `only` is translated (NULL: each); for the others file by file. */
void import_translate(struct import *im, enum import_kind kind, const struct import_source *sources,
		      size_t count, const char *only);

/* schedules.json, for people to read on in. False: the result is too large. */
bool import_write(struct import *im, struct buf *json, struct err *err);

/* The report. Jobs that came over, and entries that did not. */
size_t import_jobs(const struct import *im);
size_t import_left(const struct import *im);
void import_report_text(const struct import *im, struct buf *out);
/* One object. */
void import_report_json(const struct import *im, const char *key, struct buf *out);

#endif
