/* fires.c - a schedule's fires for people and programs; see fires.h. */
#include "fires.h"

#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "table.h"

enum { DAY_SECONDS = 86400 };

/* A reading of the wall clock: seconds since 1970 as if in UTC. */
struct reading {
	struct civil_date date;
	int32_t weekday, second; /* of the day */
};

static struct reading reading_of(int64_t local_s)
{
	int64_t day = local_s / DAY_SECONDS - (local_s % DAY_SECONDS < 0);

	return (struct reading){.date = civil_from_days(day),
				.weekday = civil_weekday(day),
				.second = (int32_t)(local_s - day * DAY_SECONDS)};
}

/* "02:30", and the seconds where they are not zero. */
static void add_time(struct buf *out, int32_t second)
{
	buf_format(out, "%02d:%02d", second / 3600, second / 60 % 60);
	if (second % 60)
		buf_format(out, ":%02d", second % 60);
}

static void add_shift(struct buf *out, const struct schedule *schedule, struct utc fire)
{
	int64_t local_s;

	switch (schedule_shift_of(schedule, fire, &local_s)) {
	case SHIFT_NONE: break;
	case SHIFT_FROM_GAP:
		buf_text(out, "shifted from ");
		add_time(out, reading_of(local_s).second);
		break;
	case SHIFT_FIRST_OF_TWO: buf_text(out, "first of two"); break;
	case SHIFT_SECOND_OF_TWO: buf_text(out, "second of two"); break;
	}
}

/* "Sun 2026-03-29 03:00 CEST" */
static void add_local(struct buf *out, const struct zone *zone, struct utc fire)
{
	static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	int64_t utc_s = fire.ms / 1000;
	struct reading r = reading_of(utc_s + zone_offset(zone, utc_s));

	buf_format(out, "%s %04d-%02d-%02d ", weekdays[r.weekday], r.date.year, r.date.month,
		   r.date.day);
	add_time(out, r.second);
	buf_format(out, " %s", zone_abbreviation(zone, utc_s));
}

/* A table has the third column only where something is to be said in it. */
static bool has_shift(const struct fires *fires)
{
	struct utc at = fires->from;
	int64_t local_s;

	for (int64_t i = 0; i < fires->count; i++) {
		if (!schedule_next_after(fires->schedule, at, &at))
			return false;
		if (schedule_shift_of(fires->schedule, at, &local_s) != SHIFT_NONE)
			return true;
	}
	return false;
}

/* Its clock shows UTC as it is: a second column would only say it again. */
static bool is_utc(const struct schedule *schedule)
{
	return strcmp(zone_name(schedule_zone(schedule)), "UTC") == 0;
}

static void add_row(struct table *table, const struct schedule *schedule, struct utc at,
		    bool with_shift)
{
	char text[UTC_TEXT_MAX];
	struct buf cell = {0};

	add_local(&cell, schedule_zone(schedule), at);
	table_add(table, STYLE_PLAIN, buf_string(&cell));
	if (!is_utc(schedule))
		table_add(table, STYLE_PLAIN, utc_format(at, text));
	if (with_shift) {
		buf_clear(&cell);
		add_shift(&cell, schedule, at);
		table_add(table, STYLE_WARN, buf_string(&cell));
	}
	buf_finish(&cell);
}

bool fires_write(const struct fires *fires, struct buf *out)
{
	const struct table_column columns[] = {
		{.title = zone_name(schedule_zone(fires->schedule))},
		{.title = "UTC", .may_go = true},
		{.title = "DAYLIGHT SAVING", .wraps = true},
	};
	/* A zone without daylight saving has no shifts either. */
	bool with_shift = !is_utc(fires->schedule) && has_shift(fires);
	struct utc at = fires->from;
	struct table table;

	table_init(&table, columns, is_utc(fires->schedule) ? 1 : with_shift ? 3 : 2);
	for (int64_t i = 0; i < fires->count && schedule_next_after(fires->schedule, at, &at); i++)
		add_row(&table, fires->schedule, at, with_shift);
	bool has_any = table_rows(&table) > 0;
	if (has_any)
		table_write(&table, out);
	table_finish(&table);
	return has_any;
}

void fires_json_times(const struct fires *fires, struct buf *out)
{
	struct utc at = fires->from;

	for (int64_t i = 0; i < fires->count && schedule_next_after(fires->schedule, at, &at); i++)
		buf_json_time(out, NULL, at);
}

/* RFC 3339 with the zone's offset; one that is no whole minute is cut (it is history). */
static void json_local(struct buf *out, const struct zone *zone, struct utc at)
{
	int32_t offset = zone_offset(zone, at.ms / 1000), minutes = abs(offset) / 60;
	struct reading r = reading_of(at.ms / 1000 + offset);
	struct buf local = {0};

	buf_format(&local, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", r.date.year, r.date.month,
		   r.date.day, r.second / 3600, r.second / 60 % 60, r.second % 60,
		   offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
	buf_json_text(out, "local", buf_string(&local));
	buf_finish(&local);
}

static void json_shift(struct buf *out, const struct schedule *schedule, struct utc at)
{
	int64_t local_s;
	struct buf time = {0};

	switch (schedule_shift_of(schedule, at, &local_s)) {
	case SHIFT_NONE: buf_json_null(out, "shift"); break;
	case SHIFT_FROM_GAP:
		add_time(&time, reading_of(local_s).second);
		buf_json_text(out, "shift", "from_gap");
		buf_json_text(out, "shifted_from", buf_string(&time));
		break;
	case SHIFT_FIRST_OF_TWO: buf_json_text(out, "shift", "first_of_two"); break;
	case SHIFT_SECOND_OF_TWO: buf_json_text(out, "shift", "second_of_two"); break;
	}
	buf_finish(&time);
}

void fires_json_objects(const struct fires *fires, struct buf *out)
{
	const struct zone *zone = schedule_zone(fires->schedule);
	struct utc at = fires->from;

	for (int64_t i = 0; i < fires->count; i++) {
		if (!schedule_next_after(fires->schedule, at, &at))
			return;
		buf_json_open(out, NULL, '{');
		buf_json_time(out, "at", at);
		json_local(out, zone, at);
		json_shift(out, fires->schedule, at);
		buf_json_close(out, '}');
	}
}
