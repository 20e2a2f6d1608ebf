/* fire_text.c - an instant for people, by the clock of a zone; see fire_text.h. */
#include "fire_text.h"

enum { DAY_SECONDS = 86400 };

struct fire_reading fire_reading_of(int64_t local_s)
{
	int64_t day = local_s / DAY_SECONDS - (local_s % DAY_SECONDS < 0);

	return (struct fire_reading){.date = civil_from_days(day),
				     .weekday = civil_weekday(day),
				     .second = (int32_t)(local_s - day * DAY_SECONDS)};
}

void fire_text_time(struct buf *out, int32_t second)
{
	buf_format(out, "%02d:%02d", second / 3600, second / 60 % 60);
	if (second % 60)
		buf_format(out, ":%02d", second % 60);
}

void fire_text(struct buf *out, const struct zone *zone, struct utc fire)
{
	static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	int64_t utc_s = fire.ms / 1000;
	struct fire_reading r = fire_reading_of(utc_s + zone_offset(zone, utc_s));

	buf_format(out, "%s %04d-%02d-%02d ", weekdays[r.weekday], r.date.year, r.date.month,
		   r.date.day);
	fire_text_time(out, r.second);
	buf_format(out, " %s", zone_abbreviation(zone, utc_s));
}
