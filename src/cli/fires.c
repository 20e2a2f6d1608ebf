/* fires.c - a schedule's fires for people and programs; see fires.h. */
#include "fires.h"

#include <stdlib.h>
#include <string.h>

#include "fire_text.h"
#include "table.h"

static void add_shift(struct buf *out, const struct schedule *schedule, struct utc fire)
{
	int64_t local_s;

	switch (schedule_shift_of(schedule, fire, &local_s)) {
	case SHIFT_NONE: break;
	case SHIFT_FROM_GAP:
		buf_text(out, "shifted from ");
		fire_text_time(out, fire_reading_of(local_s).second);
		break;
	case SHIFT_FIRST_OF_TWO: buf_text(out, "first of two"); break;
	case SHIFT_SECOND_OF_TWO: buf_text(out, "second of two"); break;
	}
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

	fire_text(&cell, schedule_zone(schedule), at);
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
	struct fire_reading r = fire_reading_of(at.ms / 1000 + offset);
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
		fire_text_time(&time, fire_reading_of(local_s).second);
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
