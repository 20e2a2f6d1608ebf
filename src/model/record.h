/*
 * record.h - what the store is asked to keep, in batches that hold or fail whole.
 */
#ifndef BELFRY_RECORD_H
#define BELFRY_RECORD_H

#include "access.h"
#include "downtime.h"
#include "pause.h"
#include "run.h"

/* One applied version of schedules.json. */
struct revision {
	int64_t number; /* from 1, without gaps */
	struct utc applied_at;
	const char *hash;    /* SHA-256 of the content, hex */
	const char *author;  /* who applied it */
	const char *source;  /* the file it came from */
	const char *message; /* NULL if none */
	const char *changes; /* JSON array: {"job":…,"change":"create|update|rename|delete"} */
	const char *content; /* as read; `length` bytes */
	size_t length;
};

enum record_kind {
	RECORD_CLAIM,      /* a new run; with its occurrence where scheduled_at is set */
	RECORD_RUN,        /* all fields of a run that exists */
	RECORD_ATTEMPT,    /* an attempt that ended */
	RECORD_OCCURRENCE, /* one without a run: skipped or missed */
	RECORD_LOG,
	RECORD_DOWNTIME, /* nobody looked for a while, and what became of it */
	RECORD_LEFT,     /* belfry stops by itself: nothing is decided from here on */
	RECORD_REVISION,
	RECORD_EVALUATED, /* every due instant up to here is accounted for */
	RECORD_EPOCH,     /* the clock went back: a new epoch begins */
	RECORD_TOKEN,     /* a new one; of one that exists only revoked_at is taken */
	RECORD_AUDIT,
	RECORD_PAUSE,  /* the job is paused; again: with these words */
	RECORD_RESUME, /* it is not, or not any more */
	RECORD_RENAME, /* all that is kept of a job is another one's */
};

struct record {
	enum record_kind kind;
	/* Out, RECORD_CLAIM and RECORD_OCCURRENCE: the occurrence was recorded before,
	 * by somebody else or earlier; nothing of this record was stored. */
	bool lost;
	/* CLAIM: what its job wants, should another node hold an open run of it. */
	enum overlap overlap;
	union {
		struct run run; /* CLAIM, RUN */
		struct attempt attempt;
		struct occurrence occurrence;
		struct log_chunk log;
		struct downtime downtime; /* DOWNTIME */
		struct utc left_at;       /* LEFT */
		struct revision revision;
		struct token token;
		struct audit audit;
		struct {
			struct utc until;
			int32_t epoch;
			/* EPOCH: what the clock showed before; fixed times wait for it. */
			struct utc fixed_until;
		} evaluated;        /* EVALUATED, EPOCH */
		struct pause pause; /* PAUSE; RESUME: the job alone */
		struct {
			const char *from, *to; /* where both have a row, that of `to` stays */
		} rename;
	};
};

#endif
