/*
 * library.c - libbelfry-schedule: the public face of schedule/ and zoneinfo/.
 *
 * Nothing is decided here. Each schedule owns an arena; zones are shared behind a
 * lock, as loading one changes the loader.
 */
#include "belfry/schedule.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "schedule.h"
#include "zone_offer.h"
#include "zoneinfo.h"

/* One schedule is small; an arena's usual first block is not. */
enum { ARENA_BYTES = 512 };

struct belfry_zones {
	pthread_mutex_t lock;
	struct zoneinfo *loader;
};

struct belfry_schedule {
	struct arena arena;
	const struct schedule *schedule;
};

/* The public enums are the private ones with a longer name. */
_Static_assert((int)BELFRY_PART_MINUTE == (int)SCHEDULE_MINUTE, "the parts differ");
_Static_assert((int)BELFRY_PART_EXCEPT == (int)SCHEDULE_EXCEPT, "the parts differ");
_Static_assert((int)BELFRY_SHIFT_SECOND_OF_TWO == (int)SHIFT_SECOND_OF_TWO, "the shifts differ");

const char *belfry_schedule_version(void)
{
	return BELFRY_VERSION;
}

struct belfry_zones *belfry_zones_open(const char *directory)
{
	struct belfry_zones *zones = mem_alloc(sizeof(*zones));

	pthread_mutex_init(&zones->lock, NULL);
	zones->loader = zoneinfo_create(directory);
	return zones;
}

void belfry_zones_close(struct belfry_zones *zones)
{
	if (!zones)
		return;
	zoneinfo_destroy(zones->loader);
	pthread_mutex_destroy(&zones->lock);
	free(zones);
}

/* ---- making ---- */

static void tell(struct belfry_schedule_error *out, const struct schedule_error *error)
{
	if (!out)
		return;
	*out = (struct belfry_schedule_error){.part = (enum belfry_schedule_part)error->part,
					      .index = error->index,
					      .column = error->column,
					      .length = error->length};
	memcpy(out->message, error->message, sizeof(out->message));
}

static void tell_zone(struct belfry_schedule_error *out, const struct zone_source *source,
		      const char *name, const struct err *err)
{
	if (!out)
		return;
	*out = (struct belfry_schedule_error){
		.part = BELFRY_PART_TIMEZONE, .column = 1, .length = strlen(name)};
	zone_unknown(source, name, err, out->message, sizeof(out->message));
}

/* What is parsed: one of them is set. */
struct source {
	const char *text;
	const struct calendar_form *form;
};

static size_t parse(struct belfry_schedule *made, const struct source *source,
		    const struct schedule_context *context, struct schedule_error *error)
{
	return source->text ? schedule_parse_cron(&made->arena, source->text, strlen(source->text),
						  context, &made->schedule, error, 1)
			    : schedule_parse_calendar(&made->arena, source->form, context,
						      &made->schedule, error, 1);
}

/* With the zones locked. */
static bool make_locked(struct belfry_schedule *made, const struct zone_source *zones,
			const struct source *source, const struct belfry_schedule_options *options,
			struct belfry_schedule_error *error)
{
	struct schedule_context context = {
		.job_name = options->name ? options->name : "",
		.zones = zones,
		.start = options->start,
		.end = options->end,
		.except = options->except,
		.except_count = options->except_count,
		.jitter_ms = options->jitter_ms,
	};
	struct schedule_error wrong = {0};
	struct err err = {""};

	if (options->timezone) {
		context.zone = zones->get(zones->context, options->timezone, &err);
		if (!context.zone) {
			tell_zone(error, zones, options->timezone, &err);
			return false;
		}
	}
	if (parse(made, source, &context, &wrong) == 0)
		return true;
	tell(error, &wrong);
	return false;
}

static struct belfry_schedule *make(struct belfry_zones *zones, const struct source *source,
				    const struct belfry_schedule_options *options,
				    struct belfry_schedule_error *error)
{
	static const struct belfry_schedule_options none;
	struct belfry_schedule *made = mem_alloc(sizeof(*made));

	made->arena.next_size = ARENA_BYTES;
	pthread_mutex_lock(&zones->lock);
	bool is_made = make_locked(made, zoneinfo_source(zones->loader), source,
				   options ? options : &none, error);
	pthread_mutex_unlock(&zones->lock);
	if (is_made)
		return made;
	belfry_schedule_destroy(made);
	return NULL;
}

struct belfry_schedule *belfry_schedule_parse(struct belfry_zones *zones, const char *text,
					      const struct belfry_schedule_options *options,
					      struct belfry_schedule_error *error)
{
	return make(zones, &(struct source){.text = text}, options, error);
}

struct belfry_schedule *belfry_schedule_from_calendar(struct belfry_zones *zones,
						      const struct belfry_calendar_form *form,
						      const struct belfry_schedule_options *options,
						      struct belfry_schedule_error *error)
{
	struct calendar_form inner = {
		.every = form->every,
		.at = form->at,
		.month = form->month,
		.month_count = form->month_count,
		.day = form->day,
		.day_count = form->day_count,
		.weekday = form->weekday,
		.weekday_count = form->weekday_count,
		.time = form->time,
		.time_count = form->time_count,
		.minute = form->minute,
		.minute_count = form->minute_count,
	};

	return make(zones, &(struct source){.form = &inner}, options, error);
}

void belfry_schedule_destroy(struct belfry_schedule *schedule)
{
	if (!schedule)
		return;
	arena_finish(&schedule->arena);
	free(schedule);
}

/* ---- asking ---- */

bool belfry_schedule_next(const struct belfry_schedule *schedule, int64_t after_ms,
			  int64_t *next_ms)
{
	struct utc next;

	if (!schedule_next_after(schedule->schedule, (struct utc){after_ms}, &next))
		return false;
	*next_ms = next.ms;
	return true;
}

bool belfry_schedule_previous(const struct belfry_schedule *schedule, int64_t before_ms,
			      int64_t *previous_ms)
{
	struct utc previous;

	if (!schedule_prev_before(schedule->schedule, (struct utc){before_ms}, &previous))
		return false;
	*previous_ms = previous.ms;
	return true;
}

bool belfry_schedule_is_reboot(const struct belfry_schedule *schedule)
{
	return schedule_is_reboot(schedule->schedule);
}

int64_t belfry_schedule_jitter(const struct belfry_schedule *schedule, int64_t scheduled_ms)
{
	return schedule_jitter_ms(schedule->schedule, (struct utc){scheduled_ms});
}

enum belfry_shift belfry_schedule_shift(const struct belfry_schedule *schedule, int64_t fire_ms)
{
	int64_t local_s;

	return (enum belfry_shift)schedule_shift_of(schedule->schedule, (struct utc){fire_ms},
						    &local_s);
}

static size_t hand_out(struct buf *buf, char *text, size_t size)
{
	size_t length = buf->length;

	if (size > 0)
		snprintf(text, size, "%s", buf_string(buf));
	buf_finish(buf);
	return length;
}

size_t belfry_schedule_explain(const struct belfry_schedule *schedule, char *text, size_t size)
{
	struct buf sentence = {0};

	schedule_explain(schedule->schedule, &sentence);
	return hand_out(&sentence, text, size);
}

size_t belfry_schedule_equivalent(const struct belfry_schedule *schedule, char *text, size_t size)
{
	struct buf equal = {0};

	if (!schedule_equivalent(schedule->schedule, &equal))
		buf_clear(&equal);
	return hand_out(&equal, text, size);
}
