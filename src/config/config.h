/*
 * config.h - schedules.json: from bytes to a generation of jobs, or findings.
 *
 * Reading has two halves: parsing and checking are pure (config_parse); reading
 * the file is config_read. A text with any error gives no generation.
 */
#ifndef BELFRY_CONFIG_H
#define BELFRY_CONFIG_H

#include "buf.h"
#include "err.h"
#include "job.h"
#include "mem.h"
#include "zone.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

/* Something wrong or doubtful in the user's text. */
struct finding {
	enum severity severity;
	uint32_t line, column; /* 1-based, column in bytes; 0: the file as a whole */
	uint32_t length;       /* of the offending piece in bytes; at least 1 */
	const char *path;      /* "jobs[3].schedule"; "" for the file as a whole */
	const char *job;       /* name of the job it is about; NULL if none */
	const char *message;   /* what is wrong and what would be right */
	const char *excerpt;   /* the expression itself where the finding points into one;
				* else NULL. `excerpt_column` is 1-based in it. */
	uint32_t excerpt_column;
};

struct findings {
	struct arena *arena; /* holds all texts */
	struct finding *items;
	size_t count, capacity, errors;
	size_t suppressed; /* beyond the first 1,000: counted, not kept */
};

/* For programs: as members of the object that is open. */
void finding_add_json(struct buf *json, const struct finding *finding);

/* The world around a file, given by the caller so that parsing stays pure. */
struct config_world {
	const struct zone_source *zones;
	const char *(*environment)(void *context, const char *name); /* for ${NAME} */
	void *context;
	struct utc now; /* for "has passed", "within a year" */
};

/* One generation: immutable, destroyed whole. */
struct config {
	struct arena arena;
	const struct job *jobs; /* in the order of the file */
	size_t job_count;
	const char *timezone; /* the file's default */
	char *text;           /* as read, NUL-terminated behind length; NULL: let go */
	size_t length;
	char lazy_hash[65];   /* config_hash() tells it */
	bool is_cron_manager; /* an array or a bare object */
	bool is_empty;        /* nothing but white space: no jobs, or a file cut short */
};

enum { CONFIG_SIZE_MAX = 64 << 20, CONFIG_DEPTH_MAX = 64 };

/* Reads a regular file whole, opened once and unchanged while it was read (size,
 * mtime, inode; retried a few times). "-" is standard input. Refuses directories,
 * FIFOs, devices and files over CONFIG_SIZE_MAX. *text is allocated. */
bool config_read(const char *path, char **text, size_t *length, struct err *err);

/* NULL if there is any error; warnings alone do not hinder. text is copied. */
struct config *config_parse(const char *text, size_t length, const struct config_world *world,
			    struct findings *findings);
void config_destroy(struct config *config);

/* SHA-256 of the text, hex; computed when it is first asked for. */
const char *config_hash(struct config *config);
/* A text that is kept elsewhere need not be kept here, where it is a third of all. */
void config_forget_text(struct config *config);
/* The same text again, for a while: copied. */
void config_recall_text(struct config *config, const char *text);
bool config_is_of(const struct config *config, const char *text, size_t length);

const struct job *config_find(const struct config *config, const char *name);
/* The same for who asks for one after the other in about the order of the file: looks at
 * *place first, and moves it behind what is found. *place begins at 0. */
const struct job *config_find_next(const struct config *config, const char *name, size_t *place);

/* The job as a file has it, ${NAME} unexpanded, and what else of the file it goes by:
 * members "job", and "defaults" and "timezone" where the file has them. The text was in
 * force once, and need not be readable any more. False: it has no such job. */
bool config_job_written(const char *text, size_t length, const char *name, struct buf *out);

/* What changed between two generations, as the JSON array of struct revision:
 * [{"job":"a","change":"create"},{"job":"b","change":"update","keys":["schedule"]},
 * {"job":"d","change":"rename","was":"c","keys":[]}].
 * before may be NULL. Returns how many jobs changed. */
size_t config_changes(const struct config *before, const struct config *after, struct buf *json);

/* A value that differs between a job and what it was. */
struct key_change {
	const char *path; /* below the job: "schedule", "retry.attempts", "env.TZ" */
	/* JSON on one line, as written, with our default where nothing is; NULL: there is
	 * none. What comes from the environment reads (hidden), in both. */
	const char *before, *after;
	bool is_hidden;
};
/* All of them in the order of the reference of keys; texts live in arena. Of a new job
 * (old and before NULL): what is written in it. */
size_t config_differences(const struct config *before, const struct job *old,
			  const struct config *after, const struct job *job, struct arena *arena,
			  struct key_change **changes);

/* The same file in the one form that is written the same by everybody: ${NAME} not
 * expanded, defaults where they are. Adds nothing for an empty file. */
void config_canonical(const struct config *config, struct buf *out); /* its text is there */

/* The reference of keys, and the JSON Schema (2020-12), both from the one table
 * that drives the parser. */
void config_write_schema(struct buf *json);
/* One row of the reference. Texts are static. */
struct key_info {
	const char *path; /* "jobs[].retry.attempts" */
	const char *type; /* "duration", "text", "list of texts", "one of forbid, allow …" */
	const char *default_text; /* NULL: none */
	const char *summary;
	bool required;
};
size_t config_keys(const struct key_info **rows);

#endif
