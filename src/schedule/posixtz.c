/* posixtz.c - POSIX TZ rules; see posixtz.h. */
#include "posixtz.h"

#include <string.h>

#include "civil.h"

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, HOURS_OFFSET_MAX = 24, HOURS_TIME_MAX = 167 };

struct cursor {
	const char *text, *at, *end;
};

static bool accept(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool number(struct cursor *c, int32_t least, int32_t most, int32_t *value)
{
	int32_t n = 0;
	const char *first = c->at;

	for (; c->at < c->end && is_digit(*c->at) && c->at - first < 4; c->at++)
		n = n * 10 + (*c->at - '0');
	*value = n;
	return c->at > first && n >= least && n <= most;
}

/* "CET", or "<+03>" where the name is no word. */
static bool name(struct cursor *c, char out[POSIXTZ_NAME_MAX])
{
	bool quoted = accept(c, '<');
	size_t length = 0;

	for (; c->at < c->end; c->at++) {
		bool fits = is_letter(*c->at) ||
			    (quoted && (is_digit(*c->at) || *c->at == '+' || *c->at == '-'));
		if (!fits || length + 1 == POSIXTZ_NAME_MAX)
			break;
		out[length++] = *c->at;
	}
	out[length] = '\0';
	return length >= 3 && (!quoted || accept(c, '>'));
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool clock_time(struct cursor *c, int32_t most_hours, int32_t *seconds)
{
	bool negative = accept(c, '-');
	int32_t h, m = 0, s = 0;

	if (!negative)
		accept(c, '+');
	if (!number(c, 0, most_hours, &h))
		return false;
	if (accept(c, ':') && (!number(c, 0, 59, &m) || (accept(c, ':') && !number(c, 0, 59, &s))))
		return false;
	*seconds = h * HOUR_S + m * MINUTE_S + s;
	if (negative)
		*seconds = -*seconds;
	return true;
}

static bool day_of_rule(struct cursor *c, struct posixtz_date *date)
{
	if (accept(c, 'M')) {
		date->form = POSIXTZ_MONTH_WEEK;
		return number(c, 1, 12, &date->month) && accept(c, '.') &&
		       number(c, 1, 5, &date->week) && accept(c, '.') &&
		       number(c, 0, 6, &date->day);
	}
	if (accept(c, 'J')) {
		date->form = POSIXTZ_DAY_NO_LEAP;
		return number(c, 1, 365, &date->day);
	}
	date->form = POSIXTZ_DAY;
	return number(c, 0, 365, &date->day);
}

static bool rule_date(struct cursor *c, struct posixtz_date *date)
{
	if (!accept(c, ',') || !day_of_rule(c, date))
		return false;
	date->time_s = 2 * HOUR_S;
	return !accept(c, '/') || clock_time(c, HOURS_TIME_MAX, &date->time_s);
}

static bool daylight(struct cursor *c, struct posixtz *rule)
{
	int32_t west;

	rule->has_dst = true;
	rule->dst_offset = rule->std_offset + HOUR_S;
	if (!name(c, rule->dst_name))
		return false;
	if (c->at < c->end && *c->at != ',') {
		if (!clock_time(c, HOURS_OFFSET_MAX, &west))
			return false;
		rule->dst_offset = -west;
	}
	return rule_date(c, &rule->start) && rule_date(c, &rule->end);
}

static bool whole_rule(struct cursor *c, struct posixtz *rule)
{
	int32_t west;

	if (!name(c, rule->std_name) || !clock_time(c, HOURS_OFFSET_MAX, &west))
		return false;
	rule->std_offset = -west;
	return c->at == c->end || (daylight(c, rule) && c->at == c->end);
}

bool posixtz_parse(const char *text, size_t length, struct posixtz *rule, struct err *err)
{
	struct cursor c = {text, text, text + length};

	*rule = (struct posixtz){0};
	if (whole_rule(&c, rule))
		return true;
	return err_set(err, "the footer's rule is wrong at its byte %zu",
		       (size_t)(c.at - text) + 1);
}

/* Days since 1970-01-01 of the rule's date in a year. */
static int64_t day_in_year(const struct posixtz_date *date, int32_t year)
{
	int64_t new_year = civil_days(year, 1, 1);

	switch (date->form) {
	case POSIXTZ_DAY: return new_year + date->day;
	case POSIXTZ_DAY_NO_LEAP:
		return new_year + date->day - 1 + (civil_is_leap(year) && date->day >= 60);
	case POSIXTZ_MONTH_WEEK: break;
	}
	int64_t first = civil_days(year, date->month, 1);
	int32_t day = 1 + (date->day - civil_weekday(first) + 7) % 7 + (date->week - 1) * 7;
	while (day > civil_month_length(year, date->month))
		day -= 7;
	return first + day - 1;
}

struct posixtz_year posixtz_year(const struct posixtz *rule, int32_t year)
{
	return (struct posixtz_year){
		.start = day_in_year(&rule->start, year) * DAY_S + rule->start.time_s -
			 rule->std_offset,
		.end = day_in_year(&rule->end, year) * DAY_S + rule->end.time_s - rule->dst_offset,
	};
}
