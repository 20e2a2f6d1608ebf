/*
 * test_oracle.c - next and previous fires against a walk over real time.
 *
 * The oracle goes through real time step by step, asks glibc what the wall clock
 * reads, and applies section 5 of docs/schedule-language.md as it is worded. It
 * shares no code with src/schedule. BELFRY_ORACLE_CASES sets the number of
 * questions, BELFRY_SEED the seed, which is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "draft.h"
#include "schedule.h"
#include "zone_list.h"
#include "zoneinfo.h"

enum { QUESTIONS = 16, FIRES_MAX = 40000, TRANSITIONS_MAX = 64, JUMP_S = 3 * 3600 };
#define READINGS_END_S INT64_C(7258118400) /* 2200-01-01 */
enum { QUICK_CASES = 24000, QUICK_DAY_CASES = 1500 };

static struct zoneinfo *zoneinfo;
static struct zone_list zones;

/* Real time from first to last in steps, with what the oracle finds in it. */
struct window {
	int64_t first, last;
	int32_t step;
	int64_t fires[FIRES_MAX];
	size_t count;
	struct change {
		int64_t at;
		int32_t before, after;
	} changes[TRANSITIONS_MAX];
	size_t change_count;
};

static int32_t clock_offset(int64_t utc_s)
{
	time_t t = utc_s;
	struct tm tm;

	localtime_r(&t, &tm);
	return (int32_t)tm.tm_gmtoff;
}

static void use_zone(const char *name)
{
	char tz[128];

	snprintf(tz, sizeof(tz), ":%s", name);
	setenv("TZ", tz, 1);
	tzset();
}

/* All changes of the clock in and shortly before the window, to the second. */
static void find_changes(struct window *w)
{
	int64_t at = w->first - JUMP_S;
	int32_t before = clock_offset(at);

	w->change_count = 0;
	while (at < w->last) {
		int64_t end = at + 900 < w->last ? at + 900 : w->last;
		int32_t after = clock_offset(end);

		if (after != before) {
			int64_t low = at, high = end;
			while (high - low > 1) {
				int64_t middle = (low + high) / 2;
				if (clock_offset(middle) == before)
					low = middle;
				else
					high = middle;
			}
			assert_true(w->change_count < TRANSITIONS_MAX);
			w->changes[w->change_count++] = (struct change){high, before, after};
		}
		at = end;
		before = after;
	}
}

static bool local_matches(const struct draft *d, int64_t local_s)
{
	int64_t time = (local_s % 86400 + 86400) % 86400;

	/* The date is dear to find out; most readings fail before. */
	if (!d->hour[time / 3600] || !d->minute[time / 60 % 60] || !d->second[time % 60])
		return false;
	struct reading r = reading_at_local(local_s);
	return draft_matches(d, &r);
}

static bool is_second_time_round(const struct window *w, int64_t utc_s)
{
	for (size_t i = 0; i < w->change_count; i++) {
		const struct change *c = &w->changes[i];
		int32_t back = c->before - c->after;

		if (back > 0 && back < JUMP_S && utc_s >= c->at && utc_s < c->at + back)
			return true;
	}
	return false;
}

static bool ends_gap_with_match(const struct window *w, const struct draft *d, int64_t utc_s)
{
	for (size_t i = 0; i < w->change_count; i++) {
		const struct change *c = &w->changes[i];
		int32_t gap = c->after - c->before;

		if (c->at != utc_s || gap <= 0 || gap >= JUMP_S)
			continue;
		for (int64_t local = c->at + c->before; local < c->at + c->after; local += w->step)
			if (local_matches(d, local))
				return true;
	}
	return false;
}

static bool fires(const struct window *w, const struct draft *d, int64_t utc_s)
{
	bool matches = local_matches(d, utc_s + clock_offset(utc_s));

	if (d->follows_clock)
		return matches;
	return (matches && !is_second_time_round(w, utc_s)) || ends_gap_with_match(w, d, utc_s);
}

static void walk(struct window *w, const struct draft *d)
{
	w->count = 0;
	for (int64_t t = w->first; t <= w->last; t += w->step)
		if (fires(w, d, t))
			w->fires[w->count++] = t;
}

/* The oracle's answers; w->last + 1 and w->first - 1 for "not in the window". */
static int64_t fire_after(const struct window *w, int64_t utc_s)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->fires[i] > utc_s)
			return w->fires[i];
	return w->last + 1;
}

static int64_t fire_before(const struct window *w, int64_t utc_s)
{
	for (size_t i = w->count; i > 0; i--)
		if (w->fires[i - 1] < utc_s)
			return w->fires[i - 1];
	return w->first - 1;
}

static void compare(const struct window *w, const struct schedule *s, const struct draft *d,
		    const char *zone, int64_t utc_s)
{
	struct utc asked = {utc_s * 1000}, got;
	int64_t next = schedule_next_after(s, asked, &got) ? got.ms / 1000 : INT64_MAX;
	int64_t prev = schedule_prev_before(s, asked, &got) ? got.ms / 1000 : INT64_MIN;
	int64_t want_next = fire_after(w, utc_s), want_prev = fire_before(w, utc_s);

	if (want_next <= w->last ? next != want_next : next <= w->last)
		fail_msg("\"%s\" in %s after %lld: %lld, the walk says %lld (window %lld to %lld)",
			 d->text, zone, (long long)utc_s, (long long)next, (long long)want_next,
			 (long long)w->first, (long long)w->last);
	if (want_prev >= w->first ? prev != want_prev : prev >= w->first)
		fail_msg("\"%s\" in %s before %lld: %lld, the walk says %lld (window %lld to %lld)",
			 d->text, zone, (long long)utc_s, (long long)prev, (long long)want_prev,
			 (long long)w->first, (long long)w->last);
}

/* Around one of the zone's transitions three times out of four. */
static int64_t roll_instant(struct dice *dice, const struct zone *zone)
{
	int64_t from = (int64_t)dice_roll(dice, 120 * 365) * 86400;
	struct zone_transition t;

	if (dice_roll(dice, 4) && zone_next_transition(zone, from, &t))
		return t.utc_s;
	return from + dice_roll(dice, 86400);
}

static void frame(struct window *w, struct dice *dice, const struct draft *d, int64_t around)
{
	bool odd = clock_offset(around - 86400) % 60 || clock_offset(around + 86400) % 60;
	int64_t before, after;

	w->step = d->has_second || odd ? 1 : 60;
	before = w->step == 1 ? 1800 + dice_roll(dice, 7200) : 43200 + dice_roll(dice, 86400);
	after = w->step == 1 ? 1800 + dice_roll(dice, 7200) : 43200 + dice_roll(dice, 86400);
	w->first = (around - before) / 60 * 60;
	w->last = (around + after) / 60 * 60;
	find_changes(w);
}

static bool one_window(struct window *w, struct dice *dice)
{
	const struct zone_source *source = zoneinfo_source(zoneinfo);
	const char *name = zones.names[dice_roll(dice, (uint32_t)zones.count)];
	struct err err = {{0}};
	const struct zone *zone = source->get(source->context, name, &err);
	struct schedule_context context = {.zone = zone};
	struct schedule_error error = {0};
	struct arena arena = {0};
	const struct schedule *s;
	struct draft d;

	if (!zone)
		fail_msg("%s: %s", name, err.text);
	use_zone(name);
	int64_t around = roll_instant(dice, zone);
	struct reading near = reading_at_local(around + clock_offset(around - 1));
	draft_roll(&d, dice, &near);
	bool made = !schedule_parse_cron(&arena, d.text, strlen(d.text), &context, &s, &error, 1);
	if (!made && !strstr(error.message, "never fires"))
		fail_msg("\"%s\" is refused: %s", d.text, error.message);
	if (made) {
		frame(w, dice, &d, around);
		walk(w, &d);
		compare(w, s, &d, name, w->first - 1);
		compare(w, s, &d, name, w->last + 1);
		for (int i = 2; i < QUESTIONS; i++) {
			int64_t span = w->last - w->first;
			int64_t t = i % 2 && w->count
					    ? w->fires[dice_roll(dice, (uint32_t)w->count)]
					    : w->first + dice_roll(dice, (uint32_t)span);
			compare(w, s, &d, name, t);
		}
	}
	arena_finish(&arena);
	return made;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static struct dice seeded(void)
{
	uint64_t seed = setting("BELFRY_SEED", (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid());

	print_message("# seed: BELFRY_SEED=%llu\n", (unsigned long long)seed);
	return (struct dice){seed};
}

static void fires_agree_with_a_walk(void **state)
{
	(void)state;
	static struct window w;
	struct dice dice = seeded();
	uint64_t cases = setting("BELFRY_ORACLE_CASES", QUICK_CASES), done = 0;

	while (done < cases)
		done += one_window(&w, &dice) ? QUESTIONS : 0;
	print_message("# %llu questions agree\n", (unsigned long long)done);
}

/* Days, months and years over decades: a walk by days, at noon in UTC. */
static void days_agree_with_a_walk(void **state)
{
	(void)state;
	struct dice dice = seeded();
	uint64_t cases = setting("BELFRY_ORACLE_CASES", 0) / 100 + QUICK_DAY_CASES;
	struct draft d;

	for (uint64_t i = 0; i < cases; i++) {
		int64_t from = (int64_t)dice_roll(&dice, 84006) * 86400;
		struct reading near = reading_at_local(from);
		struct schedule_error error = {0};
		struct schedule_context context = {0};
		struct arena arena = {0};
		const struct schedule *s;
		char text[600];
		struct utc next, prev;

		draft_roll(&d, &dice, &near);
		/* Its days, but at noon. */
		const char *days = d.text;
		for (int skip = d.has_second ? 3 : 2; skip; skip--)
			days = strchr(days, ' ') + 1;
		snprintf(text, sizeof(text), "0 0 12 %s", days);
		bool refused =
			schedule_parse_cron(&arena, text, strlen(text), &context, &s, &error, 1);
		int64_t day = from,
			end = refused ? READINGS_END_S : from + 40 * 366 * INT64_C(86400);
		if (refused)
			day = 0;
		struct reading r = reading_at_local(day);
		while (day < end && day < READINGS_END_S && !draft_day_matches(&d, &r)) {
			day += 86400;
			r = reading_at_local(day);
		}
		bool found = day < end && day < READINGS_END_S;
		if (refused && found)
			fail_msg("\"%s\" is refused, but fires on %d-%d-%d", text, r.year, r.month,
				 r.day);
		if (!refused) {
			bool has = schedule_next_after(s, (struct utc){(from - 1) * 1000}, &next);
			if (found ? !has || next.ms != (day + 43200) * 1000
				  : has && next.ms < end * 1000)
				fail_msg("\"%s\" after %lld: %lld, the walk says %lld", text,
					 (long long)from - 1,
					 (long long)(has ? next.ms / 1000 : -1),
					 (long long)day + 43200);
			if (has && (!schedule_prev_before(s, utc_add(next, 1000), &prev) ||
				    prev.ms != next.ms))
				fail_msg("\"%s\": back from %lld fails", text,
					 (long long)next.ms / 1000);
			if (schedule_prev_before(s, (struct utc){from * 1000}, &prev) && has &&
			    prev.ms >= from * 1000)
				fail_msg("\"%s\": before %lld is %lld", text, (long long)from,
					 (long long)prev.ms / 1000);
		}
		arena_finish(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_agree_with_a_walk),
		cmocka_unit_test(days_agree_with_a_walk),
	};

	zoneinfo = zoneinfo_create(NULL);
	zone_list_read(&zones, zoneinfo_directory(zoneinfo));
	int failed = cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
	zone_list_finish(&zones);
	zoneinfo_destroy(zoneinfo);
	return failed;
}
