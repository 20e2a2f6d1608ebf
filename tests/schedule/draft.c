/* draft.c - random schedules; see draft.h. */
#include "draft.h"

#include <stdio.h>
#include <string.h>

static const char *const months[] = {"",    "jan", "FEB", "Mar", "APR", "MAY", "JUN",
				     "JUL", "AUG", "sep", "OCT", "NOV", "DEC"};
static const char *const weekdays[] = {"SUN", "MON", "tue", "WED", "THU", "Fri", "SAT"};

uint32_t dice_roll(struct dice *dice, uint32_t range)
{
	dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((dice->state >> 33) % range);
}

static bool is_leap(int year)
{
	return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
}

static int length_of(int year, int month)
{
	if (month == 2)
		return is_leap(year) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

struct reading reading_at_local(int64_t local_s)
{
	/* Whole four-year cycles up to 2096 have 1461 days each. */
	int64_t days = local_s / 86400, rest = local_s % 86400;
	int64_t cycles = days < 0 ? 0 : days / 1461 > 31 ? 31 : days / 1461;
	struct reading r = {.year = 1970 + 4 * (int)cycles, .month = 1};

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	r.weekday = (int)(((days + 4) % 7 + 7) % 7);
	days -= cycles * 1461;
	for (; days < 0; r.year--)
		days += is_leap(r.year - 1) ? 366 : 365;
	for (; days >= (is_leap(r.year) ? 366 : 365); r.year++)
		days -= is_leap(r.year) ? 366 : 365;
	for (; days >= length_of(r.year, r.month); r.month++)
		days -= length_of(r.year, r.month);
	r.day = (int)days + 1;
	r.hour = (int)(rest / 3600);
	r.minute = (int)(rest / 60 % 60);
	r.second = (int)(rest % 60);
	return r;
}

static void put(struct draft *d, const char *format, int a, int b, int c)
{
	size_t n = strlen(d->text);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	snprintf(d->text + n, sizeof(d->text) - n, format, a, b, c);
#pragma GCC diagnostic pop
}

/* One plain field: star, value, range, steps, lists. values[n - base]. Returns
 * whether the text begins with a star. */
static bool roll_field(struct draft *d, struct dice *dice, bool *values, int base, int least,
		       int most, int near)
{
	int items = 1 + (dice_roll(dice, 4) == 0 ? (int)dice_roll(dice, 3) : 0);
	bool star = false;

	for (int i = 0; i < items; i++) {
		int span = most - least + 1;
		int a = dice_roll(dice, 3) ? near + (int)dice_roll(dice, 3) - 1
					   : least + (int)dice_roll(dice, (uint32_t)span);
		if (a < least || a > most)
			a = near;
		int b = a + (int)dice_roll(dice, (uint32_t)(most - a + 1));
		int step = 1 + (int)dice_roll(dice, (uint32_t)(span > 20 ? 20 : span));
		uint32_t form = dice_roll(dice, 7);

		if (i)
			put(d, ",", 0, 0, 0);
		else
			star = form <= 1;
		if (form == 0 || (form == 1 && step == 1)) {
			put(d, "*", 0, 0, 0);
			a = least, b = most, step = 1;
		} else if (form == 1) {
			put(d, "*/%d", step, 0, 0);
			a = least, b = most;
		} else if (form == 2) {
			put(d, "%d-%d", a, b, 0);
			step = 1;
		} else if (form == 3) {
			put(d, "%d-%d/%d", a, b, step);
		} else if (form == 4) {
			put(d, "%d/%d", a, step, 0);
			b = most;
		} else {
			put(d, form == 5 ? "%d" : "%02d", a, 0, 0);
			b = a;
		}
		for (int n = a; n <= b; n += step)
			values[n - base] = true;
	}
	put(d, " ", 0, 0, 0);
	return star;
}

static void roll_day_special(struct draft *d, struct dice *dice, const struct reading *near)
{
	uint32_t n;

	switch (dice_roll(dice, 4)) {
	case 0:
		put(d, "L ", 0, 0, 0);
		d->last_minus[0] = true;
		break;
	case 1:
		n = dice_roll(dice, 31);
		put(d, "L-%d ", (int)n, 0, 0);
		d->last_minus[n] = true;
		break;
	case 2:
		put(d, dice_roll(dice, 2) ? "LW " : "lw ", 0, 0, 0);
		d->last_working = true;
		break;
	default:
		n = dice_roll(dice, 2) ? (uint32_t)near->day : 1 + dice_roll(dice, 31);
		put(d, "%dW ", (int)n, 0, 0);
		d->nearest[n] = true;
	}
}

static void roll_day(struct draft *d, struct dice *dice, const struct reading *near)
{
	uint32_t form = dice_roll(dice, 8);

	if (form < 3) {
		put(d, form ? "* " : "? ", 0, 0, 0);
		d->day_star = true;
		memset(d->day, true, sizeof(d->day));
	} else if (form < 6) {
		d->day_star = roll_field(d, dice, d->day, 0, 1, 31, near->day);
	} else {
		roll_day_special(d, dice, near);
	}
}

static void roll_month(struct draft *d, struct dice *dice, const struct reading *near)
{
	if (dice_roll(dice, 2)) {
		put(d, "* ", 0, 0, 0);
		memset(d->month, true, sizeof(d->month));
	} else if (dice_roll(dice, 3) == 0) {
		strcat(strcat(d->text, months[near->month]), " ");
		d->month[near->month] = true;
	} else {
		roll_field(d, dice, d->month, 0, 1, 12, near->month);
	}
}

static void roll_weekday_special(struct draft *d, struct dice *dice, int weekday)
{
	uint32_t k = dice_roll(dice, 6);
	bool name = dice_roll(dice, 2);

	d->nth[weekday][k] = true;
	if (name)
		strcat(d->text, weekdays[weekday]);
	else
		put(d, "%d", weekday == 0 && dice_roll(dice, 2) ? 7 : weekday, 0, 0);
	if (k == 0)
		put(d, name || dice_roll(dice, 2) ? "#L " : "L ", 0, 0, 0);
	else
		put(d, "#%d ", (int)k, 0, 0);
}

static void roll_weekday(struct draft *d, struct dice *dice, const struct reading *near)
{
	uint32_t form = dice_roll(dice, 10);
	int a = near->weekday, b;

	d->plus = dice_roll(dice, 6) == 0;
	if (d->plus)
		put(d, "+", 0, 0, 0);
	if (form < 4) {
		put(d, form ? "* " : "? ", 0, 0, 0);
		d->weekday_star = true;
		memset(d->weekday, true, sizeof(d->weekday));
	} else if (form < 6) {
		d->weekday_star = roll_field(d, dice, d->weekday, 0, 0, 6, a);
	} else if (form < 7) { /* a range that reaches Sunday */
		a = 1 + (int)dice_roll(dice, 6);
		put(d, dice_roll(dice, 2) ? "%d-7 " : "%d-SUN ", a, 0, 0);
		for (b = a; b <= 7; b++)
			d->weekday[b % 7] = true;
	} else if (form < 8) {
		strcat(strcat(d->text, weekdays[a]), " ");
		d->weekday[a] = true;
	} else {
		roll_weekday_special(d, dice, dice_roll(dice, 2) ? a : (int)dice_roll(dice, 7));
	}
}

void draft_roll(struct draft *d, struct dice *dice, const struct reading *near)
{
	uint32_t form = dice_roll(dice, 6);
	bool second_star = false;

	*d = (struct draft){.has_second = form < 2, .has_year = form < 1};
	if (d->has_second)
		second_star = roll_field(d, dice, d->second, 0, 0, 59, near->second);
	else
		d->second[0] = true;
	bool minute_star = roll_field(d, dice, d->minute, 0, 0, 59, near->minute);
	bool hour_star = roll_field(d, dice, d->hour, 0, 0, 23, near->hour);
	d->follows_clock = second_star || minute_star || hour_star;
	roll_day(d, dice, near);
	roll_month(d, dice, near);
	roll_weekday(d, dice, near);
	if (d->has_year)
		roll_field(d, dice, d->year, 1970, 1970, 2199, near->year);
	else
		memset(d->year, true, sizeof(d->year));
}

static bool is_working(int weekday)
{
	return weekday >= 1 && weekday <= 5;
}

static int weekday_of(const struct reading *r, int day)
{
	return ((r->weekday + day - r->day) % 7 + 7) % 7;
}

/* The closest Monday to Friday of the month. */
static int nearest_to(const struct reading *r, int day)
{
	int best = 0, length = length_of(r->year, r->month);

	for (int d = 1; d <= length; d++) {
		int far = d > day ? d - day : day - d;
		int best_far = best > day ? best - day : day - best;

		if (is_working(weekday_of(r, d)) && (!best || far < best_far))
			best = d;
	}
	return best;
}

static bool date_matches(const struct draft *d, const struct reading *r)
{
	int length = length_of(r->year, r->month), last_working = length;

	while (!is_working(weekday_of(r, last_working)))
		last_working--;
	for (int n = 1; n <= length; n++)
		if (d->nearest[n] && nearest_to(r, n) == r->day)
			return true;
	return d->day[r->day] || d->last_minus[length - r->day] ||
	       (d->last_working && r->day == last_working);
}

static bool weekday_matches(const struct draft *d, const struct reading *r)
{
	bool is_last = r->day + 7 > length_of(r->year, r->month);

	return d->weekday[r->weekday] || d->nth[r->weekday][(r->day + 6) / 7] ||
	       (is_last && d->nth[r->weekday][0]);
}

bool draft_day_matches(const struct draft *d, const struct reading *r)
{
	if (r->year < 1970 || r->year > 2199 || !d->year[r->year - 1970] || !d->month[r->month])
		return false;
	bool date = date_matches(d, r), weekday = weekday_matches(d, r);
	bool both = d->day_star || d->weekday_star || d->plus;
	return both ? date && weekday : date || weekday;
}

bool draft_matches(const struct draft *d, const struct reading *r)
{
	return d->second[r->second] && d->minute[r->minute] && d->hour[r->hour] &&
	       draft_day_matches(d, r);
}
