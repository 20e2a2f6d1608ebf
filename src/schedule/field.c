/* field.c - parsing one field of a cron expression; see field.h. */
#include "field.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "draw.h"
#include "offer.h"

enum { DIGITS_MAX = 4, SHOWN_MAX = 24, HASHED_DAYS = 28, WEEK_PARTS_MAX = 5 };

/* One of the items between commas. */
struct item {
	const struct field_reader *reader;
	const struct field_kind *kind;
	enum field field;
	const char *start, *end;
	const char *at; /* how far it has been read */
	struct field_value *value;
};

/* A number or name as written. */
struct number {
	int32_t n;
	bool is_name;
	const char *at;
};

static struct place piece(const struct item *it, const char *from, const char *to)
{
	return (struct place){SCHEDULE_TEXT, 0, it->reader->text, from, (size_t)(to - from)};
}

/* How much of a piece an error shows. */
static int shown(const char *from, const char *to)
{
	return to - from > SHOWN_MAX ? SHOWN_MAX : (int)(to - from);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char next(const struct item *it)
{
	return it->at < it->end ? *it->at : '\0';
}

static bool next_is(const struct item *it, char upper)
{
	return (next(it) & ~0x20) == upper;
}

static bool accept(struct item *it, char c)
{
	if (next(it) != c)
		return false;
	it->at++;
	return true;
}

static bool not_understood(const struct item *it)
{
	return complain(it->reader->complaints, piece(it, it->start, it->end),
			"\"%.*s\" is no %s; %s", shown(it->start, it->end), it->start,
			it->kind->word, it->kind->like);
}

/* Something is left over after what was understood. */
static bool at_end(const struct item *it, const char *after)
{
	if (it->at == it->end)
		return true;
	return complain(it->reader->complaints, piece(it, it->at, it->end),
			"unexpected \"%.*s\" after %s; a comma separates items",
			shown(it->at, it->end), it->at, after);
}

static void set(struct item *it, int32_t n)
{
	if (it->field == FIELD_YEAR)
		n -= FIRST_YEAR;
	else if (it->field == FIELD_WEEKDAY && n == 7)
		n = 0;
	assert(n >= 0);
	it->value->set[n / 64] |= UINT64_C(1) << n % 64;
}

static bool set_range(struct item *it, int32_t from, int32_t to, int32_t step)
{
	for (int32_t n = from; n <= to; n += step)
		set(it, n);
	return true;
}

/* Digits or a name, its range not yet looked at. */

static bool read_digits(struct item *it, struct number *number)
{
	const char *end = it->at;

	while (end < it->end && is_digit(*end))
		end++;
	if (end - it->at > DIGITS_MAX)
		return complain(it->reader->complaints, piece(it, it->at, end),
				"%s %.*s has more than 4 digits; %s", it->kind->word,
				shown(it->at, end), it->at, it->kind->like);
	*number = (struct number){0, false, it->at};
	for (; it->at < end; it->at++)
		number->n = number->n * 10 + (*it->at - '0');
	return true;
}

static bool read_name(struct item *it, struct number *number)
{
	const char *end = it->at;

	while (end < it->end && is_letter(*end))
		end++;
	for (int32_t i = 0; i < it->kind->name_count && end - it->at == 3; i++) {
		if (strncasecmp(it->kind->names[i], it->at, 3) == 0) {
			*number = (struct number){it->kind->least_name + i, true, it->at};
			it->at = end;
			return true;
		}
	}
	char hint[OFFER_MAX];
	return complain(it->reader->complaints, piece(it, it->at, end), "\"%.*s\" is no %s; %s",
			shown(it->at, end), it->at, it->kind->word,
			offer_name(it->field, it->at, (size_t)(end - it->at), hint));
}

static bool read_number(struct item *it, struct number *number)
{
	if (is_digit(next(it)))
		return read_digits(it, number);
	if (is_letter(next(it)))
		return read_name(it, number);
	return not_understood(it);
}

static bool in_range(const struct item *it, const struct number *number, const char *end)
{
	const struct field_kind *kind = it->kind;

	if (number->n >= kind->least && number->n <= kind->most)
		return true;
	return complain(it->reader->complaints, piece(it, number->at, end),
			"%s %d is out of range %d-%d%s", kind->word, number->n, kind->least,
			kind->most, offer_for_number(it->field, number->n));
}

static bool read_value(struct item *it, struct number *number)
{
	return read_number(it, number) && in_range(it, number, it->at);
}

/* "/n", which must end the item; 1 where there is none. */
static bool read_step(struct item *it, int32_t *step)
{
	const char *slash = it->at;
	struct number number;

	*step = 1;
	if (!accept(it, '/'))
		return at_end(it, "this");
	if (it->at == it->end)
		return complain(it->reader->complaints, piece(it, slash, it->end),
				"a step needs a number after \"/\", as in */5");
	if (!is_digit(next(it)))
		return complain(it->reader->complaints, piece(it, it->at, it->end),
				"the step \"%.*s\" is no number of 1 or more",
				shown(it->at, it->end), it->at);
	const char *from = it->at;
	if (!read_digits(it, &number))
		return false;
	*step = number.n;
	if (number.n == 0)
		return complain(it->reader->complaints, piece(it, from, it->at),
				"a step of 0 never moves on; write 1 or more");
	return at_end(it, "the step");
}

static bool read_star(struct item *it)
{
	int32_t step;

	it->at++;
	if (it->at < it->end && *it->at != '/')
		return complain(it->reader->complaints, piece(it, it->start, it->end),
				"\"*\" stands alone or before a step, as in */5");
	return read_step(it, &step) && set_range(it, it->kind->least, it->kind->open_end, step);
}

static bool read_question(struct item *it)
{
	bool is_day = it->field == FIELD_MONTH_DAY || it->field == FIELD_WEEKDAY;

	if (!is_day)
		return complain(it->reader->complaints, piece(it, it->start, it->start + 1),
				"\"?\" serves in day-of-month and day-of-week only; write *");
	it->at++;
	if (it->at < it->end)
		return complain(it->reader->complaints, piece(it, it->start, it->end),
				"\"?\" stands alone; write * before a step");
	return set_range(it, it->kind->least, it->kind->open_end, 1);
}

static bool reversed(const struct item *it, const struct number *a, const struct number *b,
		     int32_t step)
{
	char offer[OFFER_MAX];

	offer_range(it->field, a->n, b->n, step, a->is_name || b->is_name, offer);
	return complain(it->reader->complaints, piece(it, it->start, it->end),
			"%s %.*s runs backwards; write %s", it->kind->word,
			shown(it->start, it->end), it->start, offer);
}

/* "-b" and a step after a start. */
static bool read_range(struct item *it, const struct number *a)
{
	struct number b;
	int32_t step;

	it->at++;
	if (it->at == it->end)
		return complain(it->reader->complaints, piece(it, it->start, it->end),
				"the range %.*s has no end; %s", shown(it->start, it->end),
				it->start, it->kind->like);
	if (!is_digit(next(it)) && !is_letter(next(it)))
		return not_understood(it);
	if (!read_value(it, &b))
		return false;
	if (next(it) != '/' && !at_end(it, "the range"))
		return false;
	if (!read_step(it, &step))
		return false;
	bool sunday_ends = it->field == FIELD_WEEKDAY && b.is_name && b.n == 0 && a->n > 0;
	int32_t last = sunday_ends ? 7 : b.n;
	return a->n > last ? reversed(it, a, &b, step) : set_range(it, a->n, last, step);
}

/* The offset of H in a range: in its first step where there is one. */
static int32_t drawn(const struct item *it, int32_t range)
{
	return (int32_t)draw_for_field(it->reader->name_hash, it->kind->word, (uint64_t)range);
}

/* "(a-b)" after H. */
static bool read_hash_range(struct item *it, struct number *a, struct number *b)
{
	const char *from = it->at++;

	if (!is_digit(next(it)) && !is_letter(next(it)))
		return not_understood(it);
	if (!read_value(it, a))
		return false;
	if (!accept(it, '-') || it->at == it->end)
		return complain(it->reader->complaints, piece(it, from, it->end),
				"H draws from a range in parentheses, as in H(0-29)");
	if (!is_digit(next(it)) && !is_letter(next(it)))
		return not_understood(it);
	if (!read_value(it, b))
		return false;
	if (!accept(it, ')'))
		return complain(it->reader->complaints, piece(it, from, it->end),
				"H draws from a range in parentheses, as in H(0-29)");
	if (it->field == FIELD_WEEKDAY && b->is_name && b->n == 0 && a->n > 0)
		b->n = 7;
	if (a->n > b->n)
		return complain(it->reader->complaints, piece(it, from + 1, it->at - 1),
				"the range of H runs backwards; its start comes first");
	return true;
}

static bool read_hash(struct item *it)
{
	struct number a = {.n = it->kind->least}, b = {.n = it->kind->open_end};
	int32_t step;

	it->at++;
	bool has_range = next(it) == '(';
	if (has_range && !read_hash_range(it, &a, &b))
		return false;
	bool has_step = next(it) == '/';
	if (!has_step && !at_end(it, "H"))
		return false;
	if (!read_step(it, &step))
		return false;
	if (it->field == FIELD_MONTH_DAY && !has_range && !has_step)
		b.n = HASHED_DAYS;
	int32_t range = b.n - a.n + 1;
	if (!has_step) {
		set(it, a.n + drawn(it, range));
		return true;
	}
	return set_range(it, a.n + drawn(it, step < range ? step : range), b.n, step);
}

/* L, L-n, LW. */
static bool read_last_day(struct item *it)
{
	struct number back = {0};

	it->at++;
	if (next_is(it, 'W')) {
		it->at++;
		it->value->last_weekday = true;
		return at_end(it, "LW");
	}
	if (accept(it, '-')) {
		const char *from = it->at;
		if (!is_digit(next(it)))
			return not_understood(it);
		if (!read_digits(it, &back))
			return false;
		if (back.n > 30)
			return complain(it->reader->complaints, piece(it, from, it->at),
					"no month has a day %d before its last; L-30 is the most",
					back.n);
	}
	it->value->from_last |= UINT32_C(1) << back.n;
	return at_end(it, "L");
}

static bool read_l(struct item *it)
{
	if (it->field == FIELD_MONTH_DAY)
		return read_last_day(it);
	if (it->field == FIELD_WEEKDAY)
		return complain(it->reader->complaints, piece(it, it->start, it->end),
				"\"L\" needs its day: write 6L or SAT#L for the last Saturday");
	return complain(it->reader->complaints, piece(it, it->start, it->end),
			"\"L\" serves in day-of-month and day-of-week only; %s", it->kind->like);
}

static bool read_nearest(struct item *it, const struct number *day)
{
	it->at++;
	it->value->nearest |= UINT32_C(1) << day->n;
	return at_end(it, "W");
}

static bool set_nth(struct item *it, const struct number *day, int32_t nth)
{
	it->value->nth[day->n % 7] |= (uint8_t)(1 << nth);
	it->value->has_nth = true;
	return true;
}

static bool read_last_of_weekday(struct item *it, const struct number *day)
{
	it->at++;
	if (day->is_name)
		return complain(it->reader->complaints, piece(it, it->start, it->end),
				"write %.3s#L for the last one", day->at);
	return at_end(it, "L") && set_nth(it, day, NTH_LAST);
}

static bool read_nth(struct item *it, const struct number *day)
{
	struct number k;
	const char *from = ++it->at;

	if (next_is(it, 'L')) {
		it->at++;
		return at_end(it, "#L") && set_nth(it, day, NTH_LAST);
	}
	if (!is_digit(next(it)))
		return complain(it->reader->complaints, piece(it, it->start, it->end),
				"after \"#\" comes 1 to 5 or L, as in MON#2");
	if (!read_digits(it, &k))
		return false;
	if (k.n < 1 || k.n > WEEK_PARTS_MAX)
		return complain(it->reader->complaints, piece(it, from, it->at),
				"a month has no %d. such weekday; write 1 to 5 or L after \"#\"",
				k.n);
	return at_end(it, "the weekday's count") && set_nth(it, day, k.n - 1);
}

/* What may follow a number or a name. */
static bool read_after_value(struct item *it, const struct number *a)
{
	int32_t step;

	if (it->at == it->end) {
		set(it, a->n);
		return true;
	}
	if (next(it) == '-')
		return read_range(it, a);
	if (next(it) == '/') {
		if (!read_step(it, &step))
			return false;
		int32_t last = it->kind->open_end > a->n ? it->kind->open_end : a->n;
		return set_range(it, a->n, last, step);
	}
	if (it->field == FIELD_MONTH_DAY && next_is(it, 'W'))
		return read_nearest(it, a);
	if (it->field == FIELD_WEEKDAY && next_is(it, 'L'))
		return read_last_of_weekday(it, a);
	if (it->field == FIELD_WEEKDAY && next(it) == '#')
		return read_nth(it, a);
	return not_understood(it);
}

/* Whether the item's letter stands alone: "H/5", but not "HELLO". */
static bool is_lone_letter(const struct item *it, char upper)
{
	return next_is(it, upper) && (it->end - it->at == 1 || !is_letter(it->at[1]));
}

static bool read_item(struct item *it)
{
	struct number a = {0};

	if (next(it) == '*')
		return read_star(it);
	if (next(it) == '?')
		return read_question(it);
	if (is_lone_letter(it, 'H'))
		return read_hash(it);
	bool is_lw = it->field == FIELD_MONTH_DAY && it->end - it->at >= 2 && next_is(it, 'L') &&
		     (it->at[1] & ~0x20) == 'W';
	if (is_lone_letter(it, 'L') || is_lw)
		return read_l(it);
	if (!read_number(it, &a))
		return false;
	/* "5m" is told as a whole, "61" and "61-70" by the number. */
	bool may_follow = it->at == it->end || strchr("-/#LlWw", *it->at);
	if (!may_follow)
		return not_understood(it);
	return in_range(it, &a, it->at) && read_after_value(it, &a);
}

static bool empty_item(const struct field_reader *reader, const char *comma)
{
	struct place place = {SCHEDULE_TEXT, 0, reader->text, comma, 1};

	return complain(reader->complaints, place, "an item is missing beside this comma");
}

bool field_parse(const struct field_reader *reader, enum field field, struct span span,
		 struct field_value *value)
{
	const char *at = span.at, *end = span.at + span.length;
	struct item it = {reader, field_kind(field), field, .value = value};

	if (field == FIELD_WEEKDAY && *at == '+') {
		value->has_plus = true;
		if (++at == end)
			return complain(reader->complaints,
					(struct place){SCHEDULE_TEXT, 0, reader->text, span.at, 1},
					"\"+\" comes before a day-of-week, as in +MON");
	}
	value->begins_with_star = *at == '*' || *at == '?';
	for (;; at = it.end + 1) {
		it.start = it.at = at;
		it.end = memchr(at, ',', (size_t)(end - at));
		bool is_last = !it.end;
		if (is_last)
			it.end = end;
		if (it.start == it.end)
			return empty_item(reader, is_last ? it.start - 1 : it.end);
		if (!read_item(&it))
			return false;
		if (is_last)
			return true;
	}
}
