/* moment.c - dates and date-times; see moment.h. */
#include "moment.h"

#include <stdio.h>
#include <string.h>

#include "instant.h"
#include "rule.h"
#include "zone_table.h"

enum { DATE_LENGTH = 10, MINUTE_LENGTH = 16, SECOND_LENGTH = 19 };

/* A local text becomes a full RFC 3339 one by what it lacks; then one parser
 * judges them all. */
bool moment_parse(const char *text, size_t length, struct moment *moment)
{
	char full[UTC_TEXT_MAX];
	const char *missing = "";
	struct utc t;

	moment->form = MOMENT_LOCAL;
	if (length == DATE_LENGTH) {
		moment->form = MOMENT_DATE;
		missing = "T00:00:00Z";
	} else if (length == MINUTE_LENGTH) {
		missing = ":00Z";
	} else if (length == SECOND_LENGTH) {
		missing = "Z";
	} else {
		moment->form = MOMENT_INSTANT;
	}
	if (length + strlen(missing) >= sizeof(full) || memchr(text, '\0', length))
		return false;
	int n = snprintf(full, sizeof(full), "%.*s%s", (int)length, text, missing);
	if (!utc_parse(full, (size_t)n, &t))
		return false;
	moment->ms = t.ms;
	return t.ms >= 0 && t.ms < READINGS_END * 1000;
}

int64_t moment_of_reading(const struct zone *zone, int64_t reading)
{
	int64_t utc_s[2];

	if (zone_instants(zone, reading, utc_s) > 0)
		return utc_s[0];
	uint32_t i = zone_segment_at(zone, reading - ZONE_SHIFT_MAX);
	while (i + 1 < zone->count && zone->segments[i].start + zone->segments[i].offset <= reading)
		i++;
	return zone->segments[i].start;
}

int64_t moment_instant_ms(const struct moment *moment, const struct zone *zone)
{
	if (moment->form == MOMENT_INSTANT)
		return moment->ms;
	int64_t seconds = moment->ms / 1000;
	return moment_of_reading(zone, seconds) * 1000 + moment->ms % 1000;
}
