/*
 * run.h - runs, attempts and occurrences: what belfry keeps of work.
 */
#ifndef BELFRY_RUN_H
#define BELFRY_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instant.h"
#include "words.h"

/* A run's identity, the same for all its attempts: 44 bits of milliseconds since
 * 1970, 8 bits of node, 12 bits of counter, so that ids sort by birth and do not
 * meet those of another state directory. 0 is no run. None is beyond what a database's
 * signed integer holds, which is the year 2248. */
enum { RUN_ID_TEXT_MAX = 14 };
#define RUN_ID_MAX ((uint64_t)INT64_MAX)
/* 13 characters of Crockford's base 32, lower case. */
const char *run_id_format(uint64_t id, char text[RUN_ID_TEXT_MAX]);
bool run_id_parse(const char *text, uint64_t *id);
/* The smallest id of runs that are claimed at or after `utc`. */
uint64_t run_id_first(struct utc utc);
/* The id after `last` at `utc`: later than both. */
uint64_t run_id_next(uint64_t last, struct utc utc, uint8_t node);

struct run {
	uint64_t id;
	const char *job;
	enum executor_kind executor;
	enum trigger trigger;
	struct utc scheduled_at; /* UTC_NONE without an occurrence (manual, boot) */
	int64_t jitter_ms;       /* it was planned so long after scheduled_at */
	int32_t epoch;           /* clock epoch of the occurrence */
	int64_t revision;        /* of schedules.json when it was claimed; 0 = none */
	bool dry_run;

	enum run_state state;
	enum outcome outcome; /* OUTCOME_NONE until finished */
	int32_t attempt;      /* the current or last one, from 1; 0 before the first */
	struct utc claimed_at;
	struct utc started_at;  /* of the first attempt; UTC_NONE before */
	struct utc finished_at; /* UTC_NONE before */

	int32_t exit_code;         /* of the last attempt; -1 where there is none */
	int32_t signal;            /* that ended the last attempt; 0 if none */
	int64_t processed, failed; /* from the result line; -1 where not told */
	int64_t output_bytes;      /* written by all attempts, kept or not */
	int64_t cpu_ms;            /* user and system time of all attempts; -1 if not told */
	int64_t max_rss_kib;       /* largest of all attempts; -1 if not told */
	const char *message;       /* the result line's message, or why it failed; NULL if none */
	const char *image;         /* that it runs in, resolved (docker, fly); NULL if none */
};

/* One try of a run, as recorded when it ends. */
struct attempt {
	uint64_t run;
	int32_t number;
	enum outcome outcome;
	struct utc started_at, finished_at; /* started_at UTC_NONE: never started */
	int32_t exit_code, signal;
	const char *message;
};

/* One due instant, or a stretch of missed ones of the same job and reason. */
struct occurrence {
	const char *job;
	struct utc scheduled_at;
	int32_t epoch;
	enum occurrence_state state;
	enum reason reason;
	uint64_t run;       /* 0 unless it ran */
	struct utc last_at; /* of a stretch; equals scheduled_at for a single one */
	int64_t count;      /* instants in the stretch, at least 1 */
	struct utc recorded_at;
};

/* A piece of a run's output. Bytes as the job wrote them, any bytes. */
struct log_chunk {
	uint64_t run;
	int32_t attempt;
	/* Where it stands in the attempt's output: rising, unique in the attempt, so
	 * that handing the same chunk over twice stores it once. */
	int64_t position;
	enum stream stream;
	struct utc at;
	const char *data;
	size_t length;
};

#endif
