/* around.c - start, end, exceptions and jitter; see around.h. */
#include "around.h"

#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "draw.h"
#include "moment.h"
#include "zone_table.h"

static int64_t seconds_up(int64_t ms)
{
	return ms / 1000 + (ms % 1000 > 0);
}

static bool limit(const struct schedule *s, enum schedule_part part, const char *text,
		  int64_t *seconds, struct complaints *complaints)
{
	struct moment moment;
	struct place place = place_whole(part, 0, text);

	if (!moment_parse(text, strlen(text), &moment))
		return complain(complaints, place,
				"\"%.40s\" is no date or date-time of the years 1970 to 2199; "
				"write 2026-03-01, 2026-03-01T10:00 or 2026-03-01T10:00:00Z",
				text);
	*seconds = seconds_up(moment_instant_ms(&moment, s->zone));
	return true;
}

static bool apply_limits(struct schedule *s, const struct schedule_context *context,
			 struct complaints *complaints)
{
	int64_t start = s->not_before, end = s->not_from;
	bool ok = true;

	if (context->start)
		ok &= limit(s, SCHEDULE_START, context->start, &start, complaints);
	if (context->end)
		ok &= limit(s, SCHEDULE_END, context->end, &end, complaints);
	if (!ok)
		return false;
	if (context->start && context->end && start >= end) {
		struct place place = place_whole(SCHEDULE_END, 0, context->end);
		return complain(complaints, place,
				"end is not after start (%.40s), so nothing would ever fire",
				context->start);
	}
	if (context->start && s->kind == KIND_EVERY)
		s->origin = start;
	if (start > s->not_before)
		s->not_before = start;
	if (end < s->not_from)
		s->not_from = end;
	return true;
}

static bool two_digits(const char *text, int32_t *value)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return false;
	*value = (text[0] - '0') * 10 + (text[1] - '0');
	return true;
}

/* "12-25" of every year. */
static bool add_yearly(struct exceptions *except, const char *text)
{
	int32_t month, day;

	if (strlen(text) != 5 || text[2] != '-' || !two_digits(text, &month) ||
	    !two_digits(text + 3, &day) || month < 1 || month > 12 || day < 1 ||
	    day > civil_month_length(2000, month))
		return false;
	except->yearly[month] |= UINT32_C(1) << day;
	return true;
}

static bool date_of(const char *text, size_t length, int64_t *day)
{
	struct moment moment;

	if (!moment_parse(text, length, &moment) || moment.form != MOMENT_DATE)
		return false;
	*day = moment.ms / (DAY_S * 1000);
	return true;
}

static bool add_exception(struct exceptions *except, const char *text, struct place place,
			  struct complaints *complaints)
{
	struct day_range range;
	const char *slash = strchr(text, '/');

	if (add_yearly(except, text))
		return true;
	const char *end = slash ? slash : text + strlen(text);
	const char *second = slash ? slash + 1 : text;
	if (!date_of(text, (size_t)(end - text), &range.first) ||
	    !date_of(second, strlen(second), &range.last))
		return complain(complaints, place,
				"\"%.40s\" is no date; write 2026-12-25, 12-25 for every year, "
				"or 2026-12-24/2027-01-02",
				text);
	if (range.last < range.first)
		return complain(complaints, place,
				"the range ends before it starts; write %.10s/%.10s", second, text);
	except->ranges[except->count++] = range;
	return true;
}

static int by_first_day(const void *a, const void *b)
{
	const struct day_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static void sort_and_join(struct exceptions *except)
{
	size_t kept = 0;

	if (!except->count)
		return;
	qsort(except->ranges, except->count, sizeof(*except->ranges), by_first_day);
	for (size_t i = 1; i < except->count; i++) {
		struct day_range *last = &except->ranges[kept], *next = &except->ranges[i];

		if (next->first > last->last + 1)
			except->ranges[++kept] = *next;
		else if (next->last > last->last)
			last->last = next->last;
	}
	except->count = kept + 1;
}

static bool apply_exceptions(struct schedule *s, struct arena *arena,
			     const struct schedule_context *context, struct complaints *complaints)
{
	bool ok = true;

	if (!context->except_count)
		return true;
	struct exceptions *except = arena_new(arena, struct exceptions);
	except->ranges = arena_array(arena, struct day_range, context->except_count);
	for (size_t i = 0; i < context->except_count; i++) {
		struct place place = place_whole(SCHEDULE_EXCEPT, i, context->except[i]);
		ok &= add_exception(except, context->except[i], place, complaints);
	}
	sort_and_join(except);
	s->except = except;
	return ok;
}

bool around_apply(struct schedule *s, struct arena *arena, const struct schedule_context *context,
		  struct complaints *complaints)
{
	bool on_utc_line = s->kind == KIND_EVERY;

	s->not_before = on_utc_line ? 0 : FIRST_READING - ZONE_SHIFT_MAX;
	s->not_from = on_utc_line ? READINGS_END : READINGS_END + ZONE_SHIFT_MAX;
	s->jitter_ms = context->jitter_ms > 0 ? context->jitter_ms : 0;
	/* Both are looked at, so that all is told at once. */
	bool limits = apply_limits(s, context, complaints);
	bool exceptions = apply_exceptions(s, arena, context, complaints);
	return limits && exceptions;
}

int64_t schedule_jitter_ms(const struct schedule *s, struct utc scheduled)
{
	if (!s->jitter_ms)
		return 0;
	int64_t utc_s = scheduled.ms / 1000 - (scheduled.ms % 1000 < 0);
	return (int64_t)draw_for_instant(s->name_hash, utc_s, (uint64_t)s->jitter_ms);
}

int64_t schedule_jitter_max_ms(const struct schedule *s)
{
	return s->jitter_ms;
}
