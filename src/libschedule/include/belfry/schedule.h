/*
 * belfry/schedule.h - libbelfry-schedule: cron and calendar schedules, exact in
 * every time zone.
 *
 *	struct belfry_zones *zones = belfry_zones_open(NULL);
 *	struct belfry_schedule_error error;
 *	struct belfry_schedule *daily = belfry_schedule_parse(
 *		zones, "30 2 * * *",
 *		&(struct belfry_schedule_options){.timezone = "Europe/Paris"}, &error);
 *	int64_t at_ms;
 *	if (daily && belfry_schedule_next(daily, now_ms, &at_ms))
 *		…
 *
 * What every schedule means is written down in schedule-language.md; see also
 * belfry-schedule(3).
 *
 * Instants are milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted
 * (POSIX). Fires fall on whole seconds.
 *
 * Threads: there is no global state. A schedule never changes once it is made, so any
 * number of threads may ask it at the same time. Parsing with the same zones from
 * several threads is safe too. Closing and destroying have to come last.
 *
 * Memory: belfry_schedule_next and belfry_schedule_previous allocate nothing. Parsing
 * ends the process, with a line on standard error, if there is no memory left.
 */
#ifndef BELFRY_SCHEDULE_LIBRARY_H
#define BELFRY_SCHEDULE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BELFRY_API __attribute__((visibility("default")))
#else
#define BELFRY_API
#endif

/* "0.1.0" */
BELFRY_API const char *belfry_schedule_version(void);

/* ---- zones ---- */

/* The zones of a folder of TZif files (RFC 9636), each read once, when first asked
 * for. */
struct belfry_zones;

/* directory NULL: $TZDIR, else /usr/share/zoneinfo. Copied. Never NULL; a folder that
 * is not there shows when a zone of it is asked for. */
BELFRY_API struct belfry_zones *belfry_zones_open(const char *directory);
/* After every schedule that was made with it is destroyed. NULL is accepted. */
BELFRY_API void belfry_zones_close(struct belfry_zones *zones);

/* ---- making schedules ---- */

struct belfry_schedule;

/* What surrounds a schedule. Zeroed members mean "none"; texts are copied. */
struct belfry_schedule_options {
	const char *timezone; /* IANA name; NULL: UTC. CRON_TZ= in the text goes first */
	const char *name;     /* of the job: hashed for H and jitter */
	const char *start;    /* no fire before it: RFC 3339, or local "2026-03-01[T10:00[:00]]" */
	const char *end;      /* no fire at or after it */
	const char *const *except; /* "2026-12-25", "12-25", "2026-12-24/2027-01-02" */
	size_t except_count;
	int64_t jitter_ms; /* see belfry_schedule_jitter */
};

/* Which text an error is about. */
enum belfry_schedule_part {
	BELFRY_PART_TEXT,
	BELFRY_PART_START,
	BELFRY_PART_END,
	BELFRY_PART_EXCEPT,
	BELFRY_PART_EVERY,
	BELFRY_PART_AT,
	BELFRY_PART_MONTH,
	BELFRY_PART_DAY,
	BELFRY_PART_WEEKDAY,
	BELFRY_PART_TIME,
	BELFRY_PART_MINUTE,
	BELFRY_PART_TIMEZONE
};

struct belfry_schedule_error {
	enum belfry_schedule_part part;
	size_t index;          /* within a list */
	size_t column, length; /* of the offending piece in that text, 1-based, in bytes */
	char message[256];     /* what is wrong and what would be right */
};

/* A cron expression of 5, 6 or 7 fields, or a macro such as @daily or "@every 15m".
 * options NULL: none. NULL with *error (which may be NULL) where the text is wrong, or
 * could never fire. The caller destroys it. */
BELFRY_API struct belfry_schedule *belfry_schedule_parse(
	struct belfry_zones *zones, const char *text, const struct belfry_schedule_options *options,
	struct belfry_schedule_error *error);

/* The calendar form, member by member as in schedules.json; numbers as text. A NULL or
 * empty list means that the member is absent. */
struct belfry_calendar_form {
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
BELFRY_API struct belfry_schedule *belfry_schedule_from_calendar(
	struct belfry_zones *zones, const struct belfry_calendar_form *form,
	const struct belfry_schedule_options *options, struct belfry_schedule_error *error);

BELFRY_API void belfry_schedule_destroy(struct belfry_schedule *schedule);

/* ---- asking schedules ---- */

/* The first fire strictly after an instant; false where there is none. */
BELFRY_API bool belfry_schedule_next(const struct belfry_schedule *schedule, int64_t after_ms,
				     int64_t *next_ms);
/* The last fire strictly before an instant; false where there is none. */
BELFRY_API bool belfry_schedule_previous(const struct belfry_schedule *schedule, int64_t before_ms,
					 int64_t *previous_ms);

/* @reboot: no instants of its own; due once when the service starts. */
BELFRY_API bool belfry_schedule_is_reboot(const struct belfry_schedule *schedule);

/* The delay that jitter adds to the run due at an instant: in [0, jitter), drawn by
 * hashing name and instant, so the same on every machine. */
BELFRY_API int64_t belfry_schedule_jitter(const struct belfry_schedule *schedule,
					  int64_t scheduled_ms);

/* What daylight saving did to a fire. */
enum belfry_shift {
	BELFRY_SHIFT_NONE,
	BELFRY_SHIFT_FROM_GAP,     /* its wall-clock time did not exist; moved behind the gap */
	BELFRY_SHIFT_FIRST_OF_TWO, /* its wall-clock time comes twice; this is the first */
	BELFRY_SHIFT_SECOND_OF_TWO
};
BELFRY_API enum belfry_shift belfry_schedule_shift(const struct belfry_schedule *schedule,
						   int64_t fire_ms);

/* Both write text as snprintf(3) does: at most size bytes, NUL included, and return how
 * many there are without the NUL. */

/* One plain English sentence, without a full stop. */
BELFRY_API size_t belfry_schedule_explain(const struct belfry_schedule *schedule, char *text,
					  size_t size);
/* The equal cron expression of a calendar form, or the calendar form (JSON) of a cron
 * expression; 0 where there is none. Times of different minutes take several expressions,
 * a line each, which fire together when the form does. */
BELFRY_API size_t belfry_schedule_equivalent(const struct belfry_schedule *schedule, char *text,
					     size_t size);

#ifdef __cplusplus
}
#endif

#endif
