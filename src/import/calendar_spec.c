/*
 * calendar_spec.c - OnCalendar's text (systemd.time(7)) as a cron expression.
 *
 * Every list, range and step of systemd has an equal field; weekdays and dates both
 * have to hold, which a + in front of the weekdays says; "~", days from the end of the
 * month, becomes L and L-n.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "civil.h"
#include "crontab_line.h"
#include "systemd.h"

enum { ITEMS_MAX = 64, NONE = -1 };

struct range {
	int start, stop, repeat; /* NONE where not written */
};

struct part {
	struct range items[ITEMS_MAX];
	size_t count; /* 0: any value */
};

struct limits {
	const char *word;
	int least, most;
};

enum component { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, COMPONENT_COUNT };

static const struct limits limits[COMPONENT_COUNT] = {
	[SECOND] = {"second", 0, 59}, [MINUTE] = {"minute", 0, 59}, [HOUR] = {"hour", 0, 23},
	[DAY] = {"day", 1, 31},       [MONTH] = {"month", 1, 12},   [YEAR] = {"year", 1970, 2199},
};

struct reader {
	struct arena *arena;
	const char *text, *at, *end; /* what is left, without the zone */
	struct calendar_spec *spec;
	struct calendar_spec_error *error;
	struct part parts[COMPONENT_COUNT];
	bool from_end;     /* days count back from the last */
	unsigned weekdays; /* bits 0 (Monday) to 6; 0: any */
};

static bool wrong(struct reader *r, const char *at, const char *message)
{
	r->error->column = (size_t)(at - r->text) + 1;
	r->error->message = message;
	return false;
}

/* ---- weekdays ---- */

static int weekday_at(const char *at, size_t length)
{
	static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
					    "friday", "saturday", "sunday"};

	for (int i = 0; i < 7; i++)
		if ((length == 3 || length == strlen(names[i])) &&
		    strncasecmp(at, names[i], length) == 0)
			return i;
	return NONE;
}

static bool take_weekday(struct reader *r, int *day)
{
	const char *first = r->at;

	while (r->at < r->end && isalpha((unsigned char)*r->at))
		r->at++;
	*day = weekday_at(first, (size_t)(r->at - first));
	return *day != NONE ||
	       wrong(r, first, "not a weekday (Mon to Sun), and no word such as daily");
}

static bool take_weekdays(struct reader *r)
{
	for (;;) {
		const char *first_at = r->at;
		int first, last;

		if (!take_weekday(r, &first))
			return false;
		last = first;
		if (r->end - r->at >= 2 && strncmp(r->at, "..", 2) == 0) {
			r->at += 2;
			if (!take_weekday(r, &last))
				return false;
		} else if (r->at < r->end && *r->at == '-') {
			r->at++;
			if (!take_weekday(r, &last))
				return false;
		}
		if (last < first)
			return wrong(r, first_at, "the range runs backwards; write two");
		for (int day = first; day <= last; day++)
			r->weekdays |= 1u << day;
		if (r->at == r->end || *r->at != ',')
			break;
		r->at++;
	}
	if (r->at < r->end && *r->at != ' ')
		return wrong(r, r->at, "a blank belongs behind the weekdays");
	return true;
}

/* ---- dates and times ---- */

static bool take_number(struct reader *r, enum component c, int *number)
{
	const char *first = r->at;
	long value = 0;

	while (r->at < r->end && isdigit((unsigned char)*r->at) && r->at - first < 5)
		value = value * 10 + (*r->at++ - '0');
	if (r->at == first)
		return wrong(
			r, first,
			arena_format(r->arena, "a number belongs here, the %s", limits[c].word));
	if (c == YEAR && r->at - first <= 2)
		value += value < 70 ? 2000 : 1900;
	if (value < limits[c].least || value > limits[c].most)
		return wrong(r, first,
			     arena_format(r->arena, "%s %ld is out of range %d-%d", limits[c].word,
					  value, limits[c].least, limits[c].most));
	*number = (int)value;
	if (c == SECOND && r->at < r->end && *r->at == '.' && isdigit((unsigned char)r->at[1])) {
		for (r->at++; r->at < r->end && isdigit((unsigned char)*r->at); r->at++)
			r->spec->has_fraction |= *r->at != '0';
	}
	return true;
}

static bool take_step(struct reader *r, int *repeat)
{
	const char *first = ++r->at;
	long value = 0;

	while (r->at < r->end && isdigit((unsigned char)*r->at) && r->at - first < 5)
		value = value * 10 + (*r->at++ - '0');
	if (r->at == first || value == 0)
		return wrong(r, first, "a step is a whole number from 1 on");
	if (r->at < r->end && *r->at == '.')
		return wrong(r, r->at, "steps of a fraction of a second have no counterpart here");
	*repeat = (int)value;
	return true;
}

static bool take_item(struct reader *r, enum component c, struct range *item)
{
	const char *first = r->at;

	*item = (struct range){limits[c].least, NONE, NONE};
	if (*r->at == '*' && r->at + 1 < r->end && r->at[1] == '/')
		r->at++;
	else if (!take_number(r, c, &item->start))
		return false;
	if (r->end - r->at >= 2 && strncmp(r->at, "..", 2) == 0) {
		r->at += 2;
		if (!take_number(r, c, &item->stop))
			return false;
		if (item->stop < item->start)
			return wrong(r, first, "the range runs backwards");
	}
	return r->at == r->end || *r->at != '/' || take_step(r, &item->repeat);
}

static bool take_part(struct reader *r, enum component c)
{
	struct part *part = &r->parts[c];

	part->count = 0;
	if (r->at < r->end && *r->at == '*' && (r->at + 1 == r->end || r->at[1] != '/')) {
		r->at++;
		return true;
	}
	for (;;) {
		if (part->count == ITEMS_MAX)
			return wrong(r, r->at, "too many values in one list");
		if (r->at == r->end)
			return wrong(r, r->at,
				     arena_format(r->arena, "the %s is missing", limits[c].word));
		if (!take_item(r, c, &part->items[part->count++]))
			return false;
		if (r->at == r->end || *r->at != ',')
			return true;
		r->at++;
	}
}

static bool at_end_of_word(struct reader *r)
{
	return r->at == r->end || *r->at == ' ' ||
	       wrong(r, r->at, "this is not understood; see systemd.time(7)");
}

/* [YEAR-]MONTH-DAY, with ~ before the day to count from the month's end. */
static bool take_date(struct reader *r, size_t length)
{
	size_t dashes = 0;

	for (size_t i = 0; i < length; i++)
		dashes += r->at[i] == '-' || r->at[i] == '~';
	if (dashes > 2)
		return wrong(r, r->at, "a date is YEAR-MONTH-DAY, or MONTH-DAY");
	if (dashes == 2) {
		if (!take_part(r, YEAR))
			return false;
		if (r->at == r->end || *r->at != '-')
			return wrong(r, r->at, "a - belongs behind the year");
		r->at++;
	}
	if (!take_part(r, MONTH))
		return false;
	if (r->at == r->end || (*r->at != '-' && *r->at != '~'))
		return wrong(r, r->at, "a - or ~ belongs behind the month");
	r->from_end = *r->at++ == '~';
	return take_part(r, DAY) && at_end_of_word(r);
}

static bool take_time(struct reader *r)
{
	if (!take_part(r, HOUR))
		return false;
	if (r->at == r->end || *r->at != ':')
		return wrong(r, r->at, "a : belongs behind the hour");
	r->at++;
	if (!take_part(r, MINUTE))
		return false;
	if (r->at < r->end && *r->at == ':') {
		r->at++;
		if (!take_part(r, SECOND))
			return false;
	}
	return at_end_of_word(r);
}

static void set_one(struct part *part, int value)
{
	*part = (struct part){.items = {{value, NONE, NONE}}, .count = 1};
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && *r->at == ' ')
		r->at++;
}

static bool take_date_and_time(struct reader *r)
{
	size_t length = 0;

	skip_blanks(r);
	while (r->at + length < r->end && r->at[length] != ' ')
		length++;
	if (length && !memchr(r->at, ':', length)) {
		if (!take_date(r, length))
			return false;
		skip_blanks(r);
		length = (size_t)(r->end - r->at);
	}
	if (length == 0) {
		set_one(&r->parts[HOUR], 0);
		set_one(&r->parts[MINUTE], 0);
		return true;
	}
	if (!take_time(r))
		return false;
	skip_blanks(r);
	return r->at == r->end || wrong(r, r->at, "nothing but a time zone may follow the time");
}

/* ---- words for a whole date ---- */

static bool take_word(struct reader *r, bool *ok)
{
	static const struct {
		const char *word, *same;
	} words[] = {
		{"minutely", "* * * * *"},
		{"hourly", "0 * * * *"},
		{"daily", "0 0 * * *"},
		{"monthly", "0 0 1 * *"},
		{"weekly", "0 0 * * MON"},
		{"yearly", "0 0 1 1 *"},
		{"annually", "0 0 1 1 *"},
		{"anually", "0 0 1 1 *"},
		{"quarterly", "0 0 1 1,4,7,10 *"},
		{"biannually", "0 0 1 1,7 *"},
		{"semiannually", "0 0 1 1,7 *"},
		{"semi-annually", "0 0 1 1,7 *"},
		{"bi-annually", "0 0 1 1,7 *"},
	};
	size_t length = (size_t)(r->end - r->at);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) != length ||
		    strncasecmp(r->at, words[i].word, length) != 0)
			continue;
		r->spec->expression = words[i].same;
		*ok = true;
		return true;
	}
	return false;
}

/* "@1395716396", seconds since 1970. */
static bool take_epoch(struct reader *r)
{
	char *end;
	long long seconds = strtoll(r->at + 1, &end, 10);

	if (!isdigit((unsigned char)r->at[1]) || end != r->end || seconds >= 7258118400)
		return wrong(r, r->at, "@ begins a number of seconds since 1970, before 2200");
	struct civil_date date = civil_from_days(seconds / 86400);
	int of_day = (int)(seconds % 86400);
	r->spec->zone = "UTC";
	r->spec->expression =
		arena_format(r->arena, "%d %d %d %d %d * %d", of_day % 60, of_day / 60 % 60,
			     of_day / 3600, date.day, date.month, date.year);
	return true;
}

/* ---- as an expression ---- */

static void add_range(struct buf *out, const struct range *item, enum component c)
{
	int most = item->stop == NONE ? limits[c].most : item->stop;
	bool is_stepped = item->repeat != NONE && item->start + item->repeat <= most;

	if (item->stop == NONE && !is_stepped)
		buf_format(out, "%d", item->start);
	else if (item->stop == NONE && item->start == limits[c].least && item->repeat == 1)
		buf_char(out, '*');
	else if (item->stop == NONE && item->start == limits[c].least && c != YEAR)
		buf_format(out, "*/%d", item->repeat);
	else if (item->stop == NONE)
		buf_format(out, "%d/%d", item->start, item->repeat);
	else if (item->stop == item->start || (item->repeat != NONE && !is_stepped))
		buf_format(out, "%d", item->start);
	else if (item->repeat == NONE || item->repeat == 1)
		buf_format(out, "%d-%d", item->start, item->stop);
	else
		buf_format(out, "%d-%d/%d", item->start, item->stop, item->repeat);
}

/* Days counted from the month's end: 1 is L, 2 is L-1. */
static void add_from_end(struct buf *out, const struct range *item)
{
	int step = item->repeat == NONE ? 1 : item->repeat;
	int from = item->stop == NONE ? item->start : item->stop;
	int to = item->stop != NONE ? item->start : item->repeat == NONE ? item->start : 1;
	const char *lead = "";

	for (int day = from; day >= to; day -= step) {
		buf_text(out, lead);
		if (day == 1)
			buf_char(out, 'L');
		else
			buf_format(out, "L-%d", day - 1);
		lead = ",";
	}
}

static void add_part(struct buf *out, const struct reader *r, enum component c)
{
	const struct part *part = &r->parts[c];

	if (part->count == 0)
		buf_char(out, '*');
	for (size_t i = 0; i < part->count; i++) {
		if (i)
			buf_char(out, ',');
		if (c == DAY && r->from_end)
			add_from_end(out, &part->items[i]);
		else
			add_range(out, &part->items[i], c);
	}
	buf_char(out, ' ');
}

static void add_weekdays(struct buf *out, const struct reader *r)
{
	static const char *const names[] = {"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"};
	const char *lead = r->parts[DAY].count ? "+" : "";

	if (r->weekdays == 0 || r->weekdays == 0x7f) {
		buf_char(out, '*');
		return;
	}
	for (int day = 0, last; day < 7; day = last + 1) {
		last = day;
		if (!(r->weekdays & 1u << day))
			continue;
		while (last < 6 && r->weekdays & 1u << (last + 1))
			last++;
		buf_format(out, "%s%s", lead, names[day]);
		if (last > day)
			buf_format(out, "%s%s", last > day + 1 ? "-" : ",", names[last]);
		lead = ",";
	}
}

static bool is_one(const struct part *part, int value)
{
	return part->count == 1 && part->items[0].start == value && part->items[0].stop == NONE &&
	       part->items[0].repeat == NONE;
}

static void write_expression(struct reader *r)
{
	bool has_year = r->parts[YEAR].count > 0;
	struct buf out = {0};

	if (has_year || !is_one(&r->parts[SECOND], 0))
		add_part(&out, r, SECOND);
	add_part(&out, r, MINUTE);
	add_part(&out, r, HOUR);
	add_part(&out, r, DAY);
	add_part(&out, r, MONTH);
	add_weekdays(&out, r);
	if (has_year) {
		buf_char(&out, ' ');
		add_part(&out, r, YEAR);
		out.data[--out.length] = '\0';
	}
	r->spec->expression = arena_text(r->arena, buf_string(&out));
	buf_finish(&out);
}

/* The last of several words that begins with a letter is a zone. */
static void take_zone(struct reader *r)
{
	const char *word = r->end;

	while (word > r->at && word[-1] != ' ')
		word--;
	if (word == r->at || !isalpha((unsigned char)*word))
		return;
	r->spec->zone = arena_copy(r->arena, word, (size_t)(r->end - word));
	r->end = word;
	while (r->end > r->at && r->end[-1] == ' ')
		r->end--;
}

bool calendar_spec_parse(struct arena *arena, const char *text, struct calendar_spec *spec,
			 struct calendar_spec_error *error)
{
	struct reader r = {.arena = arena, .text = text, .spec = spec, .error = error};
	bool ok = false;

	*spec = (struct calendar_spec){0};
	r.at = text + strspn(text, " ");
	r.end = text + strlen(text);
	while (r.end > r.at && r.end[-1] == ' ')
		r.end--;
	if (r.at == r.end)
		return wrong(&r, r.at, "an empty calendar event");
	if (strlen(text) > 1000)
		return wrong(&r, r.at, "longer than any calendar event");
	set_one(&r.parts[SECOND], 0);
	take_zone(&r);
	if (take_word(&r, &ok))
		return ok;
	if (*r.at == '@')
		return take_epoch(&r);
	if (isalpha((unsigned char)*r.at) && !take_weekdays(&r))
		return false;
	if (!take_date_and_time(&r))
		return false;
	write_expression(&r);
	return true;
}

/* ---- two in one ---- */

enum { FIELDS_MAX = 7 };

static size_t split_fields(const char *text, struct line_word fields[FIELDS_MAX])
{
	size_t count = 0;

	for (struct line_word word = line_word(text); word.length && count < FIELDS_MAX;
	     word = line_word(word.at + word.length))
		fields[count++] = word;
	return count;
}

static bool is_same_word(struct line_word a, struct line_word b)
{
	return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

/* A star would change what the whole expression follows, a + belongs to the field. */
static bool can_be_listed(struct line_word word)
{
	return !strchr("*+@", *word.at);
}

const char *calendar_spec_join(struct arena *arena, const char *a, const char *b)
{
	struct line_word of_a[FIELDS_MAX], of_b[FIELDS_MAX];
	size_t count = split_fields(a, of_a), other = FIELDS_MAX;

	if (split_fields(b, of_b) != count || strlen(a) + strlen(b) > 900)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (is_same_word(of_a[i], of_b[i]))
			continue;
		if (other != FIELDS_MAX || !can_be_listed(of_a[i]) || !can_be_listed(of_b[i]))
			return NULL;
		other = i;
	}
	if (other == FIELDS_MAX)
		return a;
	const char *behind = of_a[other].at + of_a[other].length;
	return arena_format(arena, "%.*s,%.*s%s", (int)(behind - a), a, (int)of_b[other].length,
			    of_b[other].at, behind);
}
