/* instant.c - RFC 3339 text of instants; see instant.h. */
#include "instant.h"

#include <stdio.h>

#include "civil.h"

#define DAY_MS INT64_C(86400000)

static char *put(char *at, int32_t value, int width, char behind)
{
	for (int i = width; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	at[width] = behind;
	return at + width + 1;
}

/* Lists are full of instants: printf takes ten times as long. */
static const char *format(struct utc t, char text[UTC_TEXT_MAX], bool always_ms)
{
	int64_t days = t.ms / DAY_MS - (t.ms % DAY_MS < 0);
	int32_t ms = (int32_t)(t.ms - days * DAY_MS);
	bool has_ms = always_ms || ms % 1000 != 0;
	struct civil_date d = civil_from_days(days);
	char *at = text;

	if (d.year >= 0 && d.year <= 9999)
		at = put(at, d.year, 4, '-');
	else /* of no instant that belfry makes */
		at += snprintf(at, UTC_TEXT_MAX, "%04d-", d.year);
	at = put(at, d.month, 2, '-');
	at = put(at, d.day, 2, 'T');
	at = put(at, ms / 3600000, 2, ':');
	at = put(at, ms / 60000 % 60, 2, ':');
	at = put(at, ms / 1000 % 60, 2, has_ms ? '.' : 'Z');
	if (has_ms)
		at = put(at, ms % 1000, 3, 'Z');
	*at = '\0';
	return text;
}

const char *utc_format(struct utc t, char text[UTC_TEXT_MAX])
{
	return format(t, text, false);
}

const char *utc_format_ms(struct utc t, char text[UTC_TEXT_MAX])
{
	return format(t, text, true);
}

/* A cursor over the text being read; every step fails softly through ok. */
struct reader {
	const char *at, *end;
	bool ok;
};

static int32_t digits(struct reader *r, int count)
{
	int32_t value = 0;

	for (int i = 0; i < count; i++) {
		if (r->at == r->end || *r->at < '0' || *r->at > '9') {
			r->ok = false;
			return 0;
		}
		value = value * 10 + (*r->at++ - '0');
	}
	return value;
}

static bool accept(struct reader *r, const char *any_of)
{
	for (; *any_of; any_of++) {
		if (r->at < r->end && *r->at == *any_of) {
			r->at++;
			return true;
		}
	}
	return false;
}

static void expect(struct reader *r, const char *any_of)
{
	if (!accept(r, any_of))
		r->ok = false;
}

static int32_t fraction_ms(struct reader *r)
{
	int32_t ms = 0, scale = 100;
	const char *first = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
		ms += (*r->at++ - '0') * scale;
		scale /= 10;
	}
	if (r->at == first)
		r->ok = false;
	return ms;
}

static int64_t offset_ms(struct reader *r)
{
	if (accept(r, "Zz"))
		return 0;
	bool west = r->at < r->end && *r->at == '-';
	expect(r, "+-");
	int32_t hours = digits(r, 2);
	expect(r, ":");
	int32_t minutes = digits(r, 2);
	if (hours > 23 || minutes > 59)
		r->ok = false;
	int64_t ms = (hours * 60 + minutes) * INT64_C(60000);
	return west ? -ms : ms;
}

bool utc_parse(const char *text, size_t length, struct utc *t)
{
	struct reader r = {text, text + length, true};
	int32_t year = digits(&r, 4);
	expect(&r, "-");
	int32_t month = digits(&r, 2);
	expect(&r, "-");
	int32_t day = digits(&r, 2);
	expect(&r, "Tt ");
	int32_t hour = digits(&r, 2);
	expect(&r, ":");
	int32_t minute = digits(&r, 2);
	expect(&r, ":");
	int32_t second = digits(&r, 2);
	int32_t ms = accept(&r, ".") ? fraction_ms(&r) : 0;
	int64_t offset = offset_ms(&r);

	if (!r.ok || r.at != r.end || month < 1 || month > 12 || day < 1 ||
	    day > civil_month_length(year, month) || hour > 23 || minute > 59 || second > 60)
		return false;
	t->ms = civil_days(year, month, day) * DAY_MS +
		((hour * 60 + minute) * 60 + second) * INT64_C(1000) + ms - offset;
	return true;
}
