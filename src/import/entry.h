/*
 * entry.h - one entry of another scheduler's file while it becomes a job, and what is
 * to be told of it. For files of this folder only.
 */
#ifndef BELFRY_IMPORT_ENTRY_H
#define BELFRY_IMPORT_ENTRY_H

#include "import.h"
#include "schedule.h"

/* The keys that an import writes, in the order in which a job has them. */
enum import_key {
	IMPORT_NAME,
	IMPORT_DESCRIPTION,
	IMPORT_SCHEDULE,
	IMPORT_TIMEZONE,
	IMPORT_JITTER,
	IMPORT_ENABLED,
	IMPORT_COMMAND,
	IMPORT_SHELL,
	IMPORT_CWD,
	IMPORT_USER,
	IMPORT_UMASK,
	IMPORT_ENV,
	IMPORT_ENV_FILE,
	IMPORT_LIMITS,
	IMPORT_DOCKER,
	IMPORT_FLY,
	IMPORT_TIMEOUT,
	IMPORT_GRACE,
	IMPORT_RETRY,
	IMPORT_OVERLAP,
	IMPORT_CATCHUP,
	IMPORT_CATCHUP_WINDOW,
	IMPORT_KEEP,
	IMPORT_KEY_COUNT
};

struct import_entry {
	struct import *im;
	enum import_kind kind;
	struct import_place at;
	const char *source; /* as written, cut for the report */
	const char *name;   /* of the job; NULL until named */
	const char *zone;   /* that the schedule follows; NULL: none yet */
	const struct schedule *schedule;
	int64_t foreign_id;                   /* of a row in cron-manager's database */
	bool is_left;                         /* the whole of it */
	const char *values[IMPORT_KEY_COUNT]; /* JSON; NULL: not written */
	struct import_notes notes;
};

/* A new entry; NULL where there are too many. */
struct import_entry *entry_add(struct import *im, enum import_kind kind, struct import_place at,
			       const char *source);
/* Names it after `wanted`: made fit for a name, and unique. */
void entry_name(struct import_entry *e, const char *wanted);
/* Names it `name` as it is, where belfry takes that and it is not given yet. */
void entry_name_as(struct import_entry *e, const char *name, struct import_place at);

void entry_json(struct import_entry *e, enum import_key key, const char *json);
void entry_text(struct import_entry *e, enum import_key key, const char *text);
/* The same where belfry would take ${NAME} from its environment, which is not meant. */
void entry_literal(struct import_entry *e, enum import_key key, const char *text);
void entry_duration(struct import_entry *e, enum import_key key, int64_t ms);

/* The expression, which stands at `at` of the file as it is (is_verbatim) or was made
 * from what stands there. zone NULL: the kind's own. What is wrong is a fault; what
 * daylight saving does otherwise is noted. False where there is no schedule. */
bool entry_schedule(struct import_entry *e, const char *expression, const char *zone,
		    struct import_place at, bool is_verbatim);
/* Whether there is such a zone; else it is a fault. */
bool import_knows_zone(struct import *im, const char *name, struct import_place at);
/* The zone that the kind follows by itself. */
const char *kind_zone(const struct import *im, enum import_kind kind);

/* Carried over, with nothing to say about it; told once. */
void entry_carried(struct import_entry *e, const char *topic);
/* Carried over, other here, or left: with what there is to say about it. */
void entry_tell(struct import_entry *e, enum import_effect effect, struct import_place at,
		const char *topic, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The whole entry is left, for this reason. Always false. */
bool entry_drop(struct import_entry *e, struct import_place at, const char *topic,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* About all entries of a kind; told once however often it is said. */
void import_remark(struct import *im, enum import_effect effect, struct import_place at,
		   const char *topic, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Something wrong in the text. Always false. */
bool import_fault(struct import *im, struct import_place at, const char *excerpt,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What the texts of all kinds must be: UTF-8 without NUL. False with a fault. */
bool import_check_text(struct import *im, const struct import_source *source);

/* "$${" for "${", so that belfry takes it as it is. */
const char *text_literal(struct arena *arena, const char *text);
/* One piece of text on one line, cut to a length fit for a report. */
const char *text_short(struct arena *arena, const char *text, size_t length);

/* names.c */
struct names *names_create(struct arena *arena);
const char *names_take(struct names *names, struct arena *arena, const char *wanted);
/* The name as it is, where it can be one and is free; else as above. */
const char *names_take_as(struct names *names, struct arena *arena, const char *name);
/* A name after what a shell command does. */
const char *name_of_command(struct arena *arena, const char *command);

/* Whether a word names an account that systems have, and is no likely program. */
bool word_is_account(const char *word, size_t length);

/* The kinds. */
void crontab_translate(struct import *im, enum import_kind kind,
		       const struct import_source *source);
void systemd_translate(struct import *im, const struct import_source *sources, size_t count,
		       const char *only);
void kubernetes_translate(struct import *im, const struct import_source *source);
void cron_manager_translate(struct import *im, const struct import_source *source);

#endif
