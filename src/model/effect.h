/*
 * effect.h - what is to be done: everything the engine ever answers.
 *
 * Effects are performed in order; all records of a turn are one transaction
 * before anything else of that turn is done.
 */
#ifndef BELFRY_EFFECT_H
#define BELFRY_EFFECT_H

#include "job.h"
#include "mem.h"
#include "record.h"

enum effect_kind {
	EFFECT_RECORD,
	EFFECT_START,  /* start run.attempt of job */
	EFFECT_STOP,   /* end it: SIGTERM, and SIGKILL after grace_ms */
	EFFECT_FORGET, /* the run's end is recorded by this turn; the executor may clean up */
	EFFECT_TELL,   /* a line for the log */
};

struct effect {
	enum effect_kind kind;
	struct record record;  /* RECORD */
	struct run run;        /* START, STOP, FORGET, TELL (job and id; may be empty) */
	const struct job *job; /* START */
	int64_t timeout_ms;    /* START: of this attempt; 0: none */
	int64_t grace_ms;      /* STOP */
	bool is_warning;       /* TELL */
	const char *text;      /* TELL; in the turn's arena */
};

/* A growing list; items and their texts live in the turn's arena. */
struct effects {
	struct arena *arena;
	struct effect *items;
	size_t count, capacity;
};

/* A zeroed effect of that kind at the end of the list. The pointer is good until
 * the next call. */
struct effect *effects_add(struct effects *effects, enum effect_kind kind);

#endif
