/*
 * schedule.h - when a job is due: parsed once, asked often.
 *
 * The meaning of every schedule is written down in docs/schedule-language.md.
 * Everything here is pure: no clock, no files, no global state, no allocation
 * after parsing.
 */
#ifndef BELFRY_SCHEDULE_H
#define BELFRY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "instant.h"
#include "mem.h"
#include "zone.h"

struct schedule; /* immutable; lives in the arena it was parsed into */

/* What surrounds a schedule in its job. Zeroed members mean "none". */
struct schedule_context {
	const char *job_name;            /* hashed for H and jitter */
	const struct zone *zone;         /* NULL: UTC; CRON_TZ= in the text goes first */
	const struct zone_source *zones; /* for CRON_TZ=; NULL: such text is refused */
	const char *start, *end;   /* RFC 3339, or local "2026-03-01T10:00[:00]" / "2026-03-01" */
	const char *const *except; /* "2026-12-25", "12-25", "2026-12-24/2027-01-02" */
	size_t except_count;
	int64_t jitter_ms;
};

/* Which of the texts an error is about; EXCEPT carries its index. */
enum schedule_part {
	SCHEDULE_TEXT,
	SCHEDULE_START,
	SCHEDULE_END,
	SCHEDULE_EXCEPT,
	/* members of a calendar form, in the order of struct calendar_form */
	SCHEDULE_EVERY,
	SCHEDULE_AT,
	SCHEDULE_MONTH,
	SCHEDULE_DAY,
	SCHEDULE_WEEKDAY,
	SCHEDULE_TIME,
	SCHEDULE_MINUTE
};

struct schedule_error {
	enum schedule_part part;
	size_t index;          /* within a list */
	size_t column, length; /* of the offending piece in that text; 1-based, bytes */
	char message[256];     /* what is wrong and what would be right */
};

/* The calendar form as text, in the JSON file's own words. Numbers arrive as
 * decimal text. Lists have one or more items; NULL or 0 means the key is absent. */
struct calendar_form {
	const char *every; /* "hour" "day" "week" "month" "year", or a duration */
	const char *at;    /* a date-time; excludes all others */
	const char *const *month;
	size_t month_count;
	const char *const *day;
	size_t day_count;
	const char *const *weekday;
	size_t weekday_count;
	const char *const *time;
	size_t time_count;
	const char *const *minute;
	size_t minute_count;
};

/* A cron expression or macro. On success *out lives in arena. At the first error
 * of each text one entry is written to errors (up to max); returns their number,
 * 0 for success. An expression that can never fire is an error. */
size_t schedule_parse_cron(struct arena *arena, const char *text, size_t length,
			   const struct schedule_context *context, const struct schedule **out,
			   struct schedule_error *errors, size_t max);
size_t schedule_parse_calendar(struct arena *arena, const struct calendar_form *form,
			       const struct schedule_context *context, const struct schedule **out,
			       struct schedule_error *errors, size_t max);

/* The first fire strictly after / the last strictly before an instant; whole
 * seconds. False where there is none. Strictly monotonic, bounded time. */
bool schedule_next_after(const struct schedule *schedule, struct utc after, struct utc *next);
bool schedule_prev_before(const struct schedule *schedule, struct utc before, struct utc *prev);

/* @reboot: no instants of its own; due once when the service starts. */
bool schedule_is_reboot(const struct schedule *schedule);
/* The delay jitter adds to the run due at `scheduled`: in [0, jitter), the same
 * on every machine. */
int64_t schedule_jitter_ms(const struct schedule *schedule, struct utc scheduled);
/* The jitter as configured, an upper bound of the above; 0 for none. */
int64_t schedule_jitter_max_ms(const struct schedule *schedule);
/* Whether it follows the wall clock (schedule-language.md, section 5), so that it
 * goes on when the clock is set back a little; @every does too. Fixed times wait. */
bool schedule_follows_clock(const struct schedule *schedule);
/* Whether its instants are the same by any rules of the zone: @every, and a date-time
 * with an offset. */
bool schedule_is_absolute(const struct schedule *schedule);
const struct zone *schedule_zone(const struct schedule *schedule);
bool schedule_equal(const struct schedule *a, const struct schedule *b);

/* What daylight saving did to a fire, for people. */
enum schedule_shift { SHIFT_NONE, SHIFT_FROM_GAP, SHIFT_FIRST_OF_TWO, SHIFT_SECOND_OF_TWO };
/* For SHIFT_FROM_GAP *local_s is the wall-clock reading that did not exist. */
enum schedule_shift schedule_shift_of(const struct schedule *schedule, struct utc fire,
				      int64_t *local_s);

/* One plain English sentence, without a full stop. */
void schedule_explain(const struct schedule *schedule, struct buf *sentence);
/* The equal cron expression of a calendar form, or the calendar form (JSON) of a
 * cron expression; false where there is none. A form with times of different minutes
 * equals no single expression: then several, a line each, fire together when it does. */
bool schedule_equivalent(const struct schedule *schedule, struct buf *text);

/* What is legal but likely unmeant. Each call back is one plain sentence with the
 * reason and the fix. `now` serves for "within the coming year" questions. */
typedef void schedule_lint_fn(void *context, const struct schedule_error *warning);
void schedule_lint(const struct schedule *schedule, struct utc now, schedule_lint_fn *found,
		   void *context);

#endif
