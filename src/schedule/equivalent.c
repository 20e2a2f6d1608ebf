/*
 * equivalent.c - the cron expression of a calendar form and the calendar form of
 * a cron expression; see schedule.h.
 */
#include <string.h>

#include "field.h"
#include "rule.h"
#include "str.h"
#include "words.h"

enum { LISTED_MAX = 24 };
#define ALL_DAYS     UINT32_C(0xfffffffe)
#define ALL_WEEKDAYS 0x7f
#define ALL_MONTHS   0x1ffe
#define ALL_HOURS    UINT32_C(0xffffff)

/* Cron text. Never begins a time field with "*" unless it means to follow the
 * clock (schedule-language.md, section 5). */

static void comma(struct buf *out, bool *first)
{
	if (!*first)
		buf_char(out, ',');
	*first = false;
}

static void value(struct buf *out, const struct field_kind *kind, int32_t n)
{
	if (kind->names && kind->least == 0)
		buf_text(out, kind->names[n % kind->name_count]);
	else
		buf_format(out, "%d", n);
}

static void set(struct buf *out, const struct field_kind *kind, uint64_t left, bool *first)
{
	while (left) {
		int32_t from = __builtin_ctzll(left), to = from;

		while (left >> (to + 1) & 1)
			to++;
		if (to - from < 2)
			to = from;
		comma(out, first);
		value(out, kind, from);
		if (to > from) {
			buf_char(out, '-');
			value(out, kind, to);
		}
		left &= ~((UINT64_C(2) << to) - 1);
	}
}

static void time_field(struct buf *out, enum field field, uint64_t values, uint64_t all)
{
	bool first = true;

	if (values == all)
		buf_char(out, '*');
	else
		set(out, field_kind(field), values, &first);
	buf_char(out, ' ');
}

static void month_day_field(struct buf *out, const struct day_rule *r)
{
	bool first = true;

	if (r->month_days == ALL_DAYS) {
		buf_text(out, "* ");
		return;
	}
	set(out, field_kind(FIELD_MONTH_DAY), r->month_days, &first);
	if (r->from_last) {
		comma(out, &first);
		buf_char(out, 'L');
	}
	if (r->last_weekday) {
		comma(out, &first);
		buf_text(out, "LW");
	}
	buf_char(out, ' ');
}

/* Monday first, Sunday last. */
static int32_t weekday_at(int32_t place)
{
	return (place + 1) % 7;
}

static void weekday_field(struct buf *out, const struct day_rule *r)
{
	const struct field_kind *kind = field_kind(FIELD_WEEKDAY);
	bool first = true;

	if (r->weekdays == ALL_WEEKDAYS) {
		buf_char(out, '*');
		return;
	}
	/* Sunday last, so that a run may reach it. */
	set(out, kind, (r->weekdays & 0x7e) | (uint64_t)(r->weekdays & 1) << 7, &first);
	for (int32_t i = 0; i < 7; i++)
		for (uint32_t left = r->nth[weekday_at(i)]; left; left &= left - 1) {
			int32_t weekday = weekday_at(i), k = __builtin_ctz(left);

			comma(out, &first);
			if (k == NTH_LAST)
				buf_format(out, "%s#L", kind->names[weekday]);
			else
				buf_format(out, "%s#%d", kind->names[weekday], k + 1);
		}
}

static void cron_text(const struct schedule *s, uint64_t seconds, uint64_t minutes, uint64_t hours,
		      struct buf *out)
{
	if (seconds != 1)
		time_field(out, FIELD_SECOND, seconds, 0);
	time_field(out, FIELD_MINUTE, minutes, 0);
	time_field(out, FIELD_HOUR, hours, s->follows_clock ? ALL_HOURS : 0);
	month_day_field(out, &s->days);
	time_field(out, FIELD_MONTH, s->months, ALL_MONTHS);
	weekday_field(out, &s->days);
}

/* Times that differ in minute or second need an expression for each of these. */
static void cron_texts(const struct schedule *s, struct buf *out)
{
	bool first = true;

	for (uint32_t i = 0; i < s->time_count; i++) {
		int32_t in_hour = s->times[i] % 3600;
		uint64_t hours = 0;
		bool said = false;

		for (uint32_t j = 0; j < s->time_count; j++) {
			if (s->times[j] % 3600 != in_hour)
				continue;
			said |= j < i;
			hours |= UINT64_C(1) << s->times[j] / 3600;
		}
		if (said)
			continue;
		if (!first)
			buf_char(out, '\n');
		first = false;
		cron_text(s, UINT64_C(1) << in_hour % 60, UINT64_C(1) << in_hour / 60, hours, out);
	}
}

/* Calendar form. */

static int32_t count_of(uint64_t set_of_values)
{
	return __builtin_popcountll(set_of_values);
}

static bool all_years(const struct schedule *s)
{
	int32_t count = 0;

	for (int32_t i = 0; i < YEAR_WORDS; i++)
		count += count_of(s->years[i]);
	return count == LAST_YEAR - FIRST_YEAR + 1;
}

/* One item stands alone, several stand in a list. */
static void open_items(struct buf *out, const char *key, int32_t count)
{
	buf_format(out, ", \"%s\": %s", key, count > 1 ? "[" : "");
}

static void separate(struct buf *out, bool *first)
{
	if (!*first)
		buf_text(out, ", ");
	*first = false;
}

static void close_items(struct buf *out, int32_t count)
{
	if (count > 1)
		buf_char(out, ']');
}

static void lower_word(struct buf *out, const char *word)
{
	buf_char(out, (char)(word[0] | 0x20));
	buf_text(out, word + 1);
}

static void time_items(const struct schedule *s, struct buf *out)
{
	int32_t count = count_of(s->hours) * count_of(s->minutes) * count_of(s->seconds);
	bool first = true;

	open_items(out, "time", count);
	for (uint64_t h = s->hours; h; h &= h - 1)
		for (uint64_t m = s->minutes; m; m &= m - 1)
			for (uint64_t x = s->seconds; x; x &= x - 1) {
				separate(out, &first);
				buf_format(out, "\"%02d:%02d", __builtin_ctzll(h),
					   __builtin_ctzll(m));
				if (__builtin_ctzll(x))
					buf_format(out, ":%02d", __builtin_ctzll(x));
				buf_char(out, '"');
			}
	close_items(out, count);
}

static void month_items(uint32_t months, struct buf *out)
{
	bool first = true;

	open_items(out, "month", count_of(months));
	for (uint32_t left = months; left; left &= left - 1) {
		separate(out, &first);
		buf_char(out, '"');
		lower_word(out, word_months[__builtin_ctz(left)]);
		buf_char(out, '"');
	}
	close_items(out, count_of(months));
}

static void weekday_items(uint32_t weekdays, struct buf *out)
{
	bool first = true;

	open_items(out, "weekday", count_of(weekdays));
	for (int32_t i = 0; i < 7; i++) {
		if (!(weekdays >> weekday_at(i) & 1))
			continue;
		separate(out, &first);
		buf_char(out, '"');
		lower_word(out, word_weekdays[weekday_at(i)]);
		buf_char(out, '"');
	}
	close_items(out, count_of(weekdays));
}

static void day_items(const struct day_rule *r, struct buf *out)
{
	uint32_t days = r->month_days == ALL_DAYS ? 0 : r->month_days;
	int32_t count = count_of(days) + count_of(r->from_last) + r->last_weekday;
	bool first = true;

	for (int32_t weekday = 0; weekday < 7; weekday++)
		count += count_of(r->nth[weekday]);
	open_items(out, "day", count);
	for (uint32_t left = days; left; left &= left - 1) {
		separate(out, &first);
		buf_format(out, "%d", __builtin_ctz(left));
	}
	if (r->from_last) {
		separate(out, &first);
		buf_text(out, "\"last\"");
	}
	if (r->last_weekday) {
		separate(out, &first);
		buf_text(out, "\"last weekday\"");
	}
	for (int32_t i = 0; i < 7; i++)
		for (uint32_t left = r->nth[weekday_at(i)]; left; left &= left - 1) {
			separate(out, &first);
			buf_format(out, "\"%s ", word_nth[__builtin_ctz(left)]);
			lower_word(out, word_weekdays[weekday_at(i)]);
			buf_char(out, '"');
		}
	close_items(out, count);
}

static bool hourly_form(const struct schedule *s, struct buf *out)
{
	bool first = true;

	if (s->seconds != 1 || s->hours != ALL_HOURS || count_of(s->minutes) > LISTED_MAX ||
	    s->days.month_days != ALL_DAYS || s->days.weekdays != ALL_WEEKDAYS ||
	    s->months != ALL_MONTHS)
		return false;
	buf_text(out, "{\"every\": \"hour\"");
	open_items(out, "minute", count_of(s->minutes));
	for (uint64_t left = s->minutes; left; left &= left - 1) {
		separate(out, &first);
		buf_format(out, "%d", __builtin_ctzll(left));
	}
	close_items(out, count_of(s->minutes));
	buf_char(out, '}');
	return true;
}

/* Which days: by the calendar's words, where they have some for it. */
static bool dated_form(const struct schedule *s, struct buf *out)
{
	const struct day_rule *r = &s->days;
	bool by_date = r->month_days != ALL_DAYS, by_week = r->weekdays != ALL_WEEKDAYS;
	bool every_month = s->months == ALL_MONTHS;
	bool both = by_date && by_week;

	if (r->nearest || r->from_last > 1)
		return false;
	if (both && (!r->either || r->weekdays))
		return false;
	if (!by_date && by_week && r->has_nth && r->weekdays)
		return false;
	if (!by_date && !by_week) {
		buf_text(out, "{\"every\": \"day\"");
		return every_month;
	}
	if (!by_date && !r->has_nth) {
		buf_text(out, "{\"every\": \"week\"");
		weekday_items(r->weekdays, out);
		return every_month;
	}
	buf_format(out, "{\"every\": \"%s\"", every_month ? "month" : "year");
	if (!every_month)
		month_items(s->months, out);
	day_items(r, out);
	return true;
}

static bool calendar_form(const struct schedule *s, struct buf *out)
{
	char text[DURATION_TEXT_MAX];
	struct buf form = {0};

	if (s->kind == KIND_EVERY) {
		buf_format(out, "{\"every\": \"%s\"}", str_duration_format(s->period * 1000, text));
		return true;
	}
	if (s->kind != KIND_FIELDS || !all_years(s))
		return false;
	if (s->follows_clock)
		return hourly_form(s, out);
	bool has_form =
		count_of(s->hours) * count_of(s->minutes) * count_of(s->seconds) <= LISTED_MAX &&
		dated_form(s, &form);
	if (has_form) {
		time_items(s, &form);
		buf_format(out, "%s}", buf_string(&form));
	}
	buf_finish(&form);
	return has_form;
}

bool schedule_equivalent(const struct schedule *s, struct buf *text)
{
	char duration[DURATION_TEXT_MAX];

	if (!s->from_calendar)
		return calendar_form(s, text);
	switch ((enum schedule_kind)s->kind) {
	case KIND_AT:
	case KIND_REBOOT: return false;
	case KIND_EVERY:
		buf_format(text, "@every %s", str_duration_format(s->period * 1000, duration));
		return true;
	case KIND_FIELDS: break;
	}
	if (s->times)
		cron_texts(s, text);
	else
		cron_text(s, s->seconds, s->minutes, s->hours, text);
	return true;
}
