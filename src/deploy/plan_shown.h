/* plan_shown.h - the words that all forms of a plan share. */
#ifndef BELFRY_PLAN_SHOWN_H
#define BELFRY_PLAN_SHOWN_H

#include "plan.h"

/* '+', '~', '-', '>' */
char plan_shown_sign(enum plan_kind kind);
/* "1 to create, 2 to update, 12 unchanged"; "no changes: 12 jobs as they are". */
void plan_shown_counts(const struct plan *plan, struct buf *out);
/* What a value is called where there is none. */
const char *plan_shown_value(const char *json);
/* Whether the fires before and after are the same ones. */
bool plan_shown_same_fires(const struct plan_step *step);
/* A fire of the one side, as the clock of its job's zone shows it; "" where it has
 * fewer. "disabled", "at start" and "never again" stand for the first one. */
void plan_shown_fire(const struct job *job, const struct plan_fires *fires, size_t i,
		     struct buf *out);
/* Rows that plan_shown_fire has something for, on either side. */
size_t plan_shown_rows(const struct plan_step *step);
/* Sentences about what the change touches now; false if there is nothing to say. */
bool plan_shown_running(const struct plan_step *step, struct buf *out);
bool plan_shown_soon(const struct plan_step *step, struct buf *out);
/* "schedules.json:3:14: jobs[0].schedule: …" without the file. */
void plan_shown_warning(const struct finding *finding, struct buf *out);
/* The warnings one after the other; NULL behind the last. */
const struct finding *plan_shown_next_warning(const struct plan *plan, size_t *i);

#endif
