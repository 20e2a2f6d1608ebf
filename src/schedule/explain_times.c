/* explain_times.c - the times of a day in English; see explain.h. */
#include "explain.h"

#include "phrase.h"

enum { LISTED_MAX = 8, STEPPED_LEAST = 4, HOURS = 24, SIXTY = 60 };
#define ALL_SIXTY ((UINT64_C(1) << 60) - 1)
#define ALL_HOURS UINT32_C(0xffffff)

static void clock_time(struct buf *out, int32_t time)
{
	buf_format(out, "%02d:%02d", time / 3600, time / 60 % 60);
	if (time % 60)
		buf_format(out, ":%02d", time % 60);
}

static void listed(struct phrase_list *list, int32_t time)
{
	phrase_next(list);
	clock_time(list->out, time);
}

static void each_time(const struct schedule *s, struct phrase_list *list)
{
	for (uint32_t i = 0; s->times && i < s->time_count; i++)
		listed(list, s->times[i]);
	for (uint64_t h = s->times ? 0 : s->hours; h; h &= h - 1)
		for (uint64_t m = s->minutes; m; m &= m - 1)
			for (uint64_t x = s->seconds; x; x &= x - 1)
				listed(list, __builtin_ctzll(h) * 3600 + __builtin_ctzll(m) * 60 +
						     __builtin_ctzll(x));
}

static void values(struct buf *out, uint64_t set, const char *one, const char *many)
{
	struct phrase_list list = {.out = out, .last_word = "and"};

	buf_text(out, set & (set - 1) ? many : one);
	phrase_set(&list, &set, 1, 0, "", phrase_number);
	phrase_end(&list);
}

/* The distance of the hours where there are some, all the same; else 0. */
static int32_t hour_step(uint64_t set)
{
	int32_t step = __builtin_popcountll(set) < STEPPED_LEAST
			       ? 0
			       : __builtin_ctzll(set & (set - 1)) - __builtin_ctzll(set);
	uint64_t expected = 0;

	for (int32_t h = __builtin_ctzll(set); step && h <= 63 - __builtin_clzll(set); h += step)
		expected |= UINT64_C(1) << h;
	return expected == set ? step : 0;
}

/* Hours of a list or range; `spans` where the minutes fill them ("every 5 minutes").
 * True: they go round the clock. */
static bool hours(const struct schedule *s, bool spans, struct buf *out)
{
	uint64_t set = s->hours;
	int32_t first = __builtin_ctzll(set), last = 63 - __builtin_clzll(set);
	bool is_run = set == ((UINT64_C(2) << last) - (UINT64_C(1) << first));
	int32_t step = hour_step(set);

	if (set == ALL_HOURS) {
		buf_text(out, spans ? "" : " of every hour");
	} else if (is_run && spans) {
		buf_format(out, " from %02d:00 to %02d:59", first, last);
	} else if (step > 1) {
		buf_text(out, " of every ");
		phrase_ordinal(out, step);
		buf_format(out, " hour from %02d:00", first);
		if (!phrase_even_step(set, HOURS))
			buf_format(out, " to %02d:00", last);
	} else {
		values(out, set, " of hour ", " of hours ");
	}
	return set == ALL_HOURS || phrase_even_step(set, HOURS);
}

/* Minutes, for schedules that have no second of their own. True: fills hours. */
static bool minutes(const struct schedule *s, struct buf *out)
{
	int32_t step = phrase_even_step(s->minutes, SIXTY);

	if (s->minutes == ALL_SIXTY)
		buf_text(out, "every minute");
	else if (step)
		buf_format(out, "every %d minutes", step);
	else
		values(out, s->minutes, "at minute ", "at minutes ");
	return step > 0;
}

static bool seconds_of_minutes(const struct schedule *s, struct buf *out)
{
	int32_t step = phrase_even_step(s->seconds, SIXTY);
	int32_t minute_step = phrase_even_step(s->minutes, SIXTY);

	if (s->seconds == ALL_SIXTY)
		buf_text(out, "every second");
	else if (step)
		buf_format(out, "every %d seconds", step);
	else
		values(out, s->seconds, "at second ", "at seconds ");
	if (s->minutes == ALL_SIXTY) {
		buf_text(out, step ? "" : " of every minute");
		return true;
	}
	if (minute_step) {
		buf_text(out, " of every ");
		phrase_ordinal(out, minute_step);
		buf_text(out, " minute");
		return true;
	}
	values(out, s->minutes, " of minute ", " of minutes ");
	return false;
}

static bool is_single(uint64_t set)
{
	return !(set & (set - 1));
}

static int32_t times_a_day(const struct schedule *s)
{
	if (s->times)
		return (int32_t)s->time_count;
	return __builtin_popcount(s->hours) * __builtin_popcountll(s->minutes) *
	       __builtin_popcountll(s->seconds);
}

bool explain_times(const struct schedule *s, struct buf *out)
{
	struct phrase_list list = {.out = out, .last_word = "and"};
	int32_t step = phrase_even_step(s->hours, HOURS);

	if (s->times || times_a_day(s) <= LISTED_MAX) {
		buf_text(out, "at ");
		each_time(s, &list);
		phrase_end(&list);
		return false;
	}
	if (s->seconds == 1 && s->minutes == 1 && step) {
		if (step == 1)
			buf_text(out, "every hour, on the hour");
		else
			buf_format(out, "every %d hours, on the hour, from 00:00", step);
		return true;
	}
	if (s->seconds == ALL_SIXTY && is_single(s->minutes) && is_single(s->hours)) {
		int32_t hour = __builtin_ctz(s->hours), minute = __builtin_ctzll(s->minutes);

		buf_format(out, "every second from %02d:%02d:00 to %02d:%02d:59", hour, minute,
			   hour, minute);
		return false;
	}
	return hours(s, s->seconds == 1 ? minutes(s, out) : seconds_of_minutes(s, out), out);
}
