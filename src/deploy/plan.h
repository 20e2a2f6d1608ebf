/*
 * plan.h - what a new schedules.json would change: desired beside actual, as steps.
 *
 * Pure: the same files, instant and runs give the same plan, in the same order, so
 * that its text can be a comment on a pull request.
 */
#ifndef BELFRY_PLAN_H
#define BELFRY_PLAN_H

#include "config.h"

enum {
	PLAN_FIRES = 5,         /* shown of a schedule, before and after */
	PLAN_SOON_MS = 3600000, /* what is due within the hour is told */
};

/* The next fires of a job that is enabled. */
struct plan_fires {
	struct utc items[PLAN_FIRES];
	size_t count;
};

struct plan_step {
	enum plan_kind kind;
	const char *job;
	const char *was;                  /* the name before; NULL unless it is another one */
	const struct job *before, *after; /* NULL where there is none */
	const struct key_change *changes; /* key by key; of a new job what is written in it */
	size_t change_count;
	bool moves_fires; /* schedule, zone or whether it is enabled differ */
	struct plan_fires fires_before, fires_after;
	/* What the change touches now. */
	const uint64_t *running; /* runs that are not finished: they end as they began */
	size_t running_count;
	struct utc soon; /* the first fire within the hour by the old file; UTC_NONE: none */
};

/* A run that is not finished. */
struct plan_run {
	const char *job;
	uint64_t id;
};

struct plan_question {
	const struct config *before; /* in force; NULL: nothing yet */
	const struct config *after;
	const struct findings *findings;      /* of `after`: its warnings become the plan's */
	const char *hash_before, *hash_after; /* of the texts; before may be NULL */
	int64_t revision;                     /* of before; 0: none */
	struct utc now;
	const struct plan_run *runs; /* sorted by job */
	size_t run_count;
};

/* Borrows everything of its question; its own lists live in its arena. */
struct plan {
	struct arena arena;
	struct plan_question question;
	struct plan_step *steps; /* as in the file; deleted jobs at the end, as in the old one */
	size_t step_count;
	size_t counts[PLAN_KIND_COUNT];
};

void plan_init(struct plan *plan, const struct plan_question *question);
void plan_finish(struct plan *plan);
/* Whether applying it would change a job. A file that was only written otherwise (its
 * order, its white space) changes none, but is a new text: see is_same_content. */
bool plan_is_empty(const struct plan *plan);
/* The very same bytes: nothing to apply at all. */
bool plan_is_same_content(const struct plan *plan);

/* For people: a line a change, fires side by side. */
void plan_text(const struct plan *plan, struct buf *out);
/* The same for a comment on a pull request (GitHub's Markdown). */
void plan_markdown(const struct plan *plan, struct buf *out);
/* One object; unchanged jobs are counted and not listed. */
void plan_json(const struct plan *plan, struct buf *out);

#endif
