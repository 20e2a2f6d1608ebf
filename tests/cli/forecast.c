/*
 * forecast.c - the count of `belfry forecast` against a walk from fire to fire.
 *
 * Random jobs, zones and windows, changes of the clock preferred. BELFRY_SEED sets the
 * seed, which is printed; BELFRY_FORECAST_CASES the number of windows.
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

#include "../schedule/draft.h"
#include "civil.h"
#include "forecast_remedy.h"
#include "mem.h"
#include "zoneinfo.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY_S        INT64_C(86400)

enum { CASES = 150, JOBS_MAX = 24, BUSIEST = 25 };

/* With changes at midnight, of half an hour, of a day, of the standard offset, over
 * New Year, and none. */
static const char *const zone_names[] = {
	"UTC",
	"Europe/Paris",
	"America/New_York",
	"Australia/Lord_Howe",
	"Asia/Kolkata",
	"America/Sao_Paulo",
	"Pacific/Apia",
	"America/Caracas",
	"Africa/Cairo",
	"America/Havana",
	"Asia/Beirut",
	"Pacific/Kiritimati",
	"Asia/Kathmandu",
	"America/Santiago",
	"Antarctica/Casey",
	"America/Scoresbysund",
};

static struct zoneinfo *zoneinfo;

static const struct zone *zone_of(const char *name)
{
	const struct zone_source *source = zoneinfo_source(zoneinfo);
	struct err err;
	const struct zone *zone = source->get(source->context, name, &err);

	if (!zone)
		fail_msg("%s: %s", name, err.text);
	return zone;
}

static const struct zone *any_zone(struct dice *dice)
{
	return zone_of(zone_names[dice_roll(dice, COUNT(zone_names))]);
}

/* ---- random jobs ---- */

static const char *roll_text(struct arena *arena, struct dice *dice, int64_t near)
{
	static const char *const usual[] = {
		"* * * * *",          "*/5 * * * *",     "0 * * * *",       "30 2 * * *",
		"0 0 * * *",          "*/10 2 * * *",    "* 0-5 * * *",     "*/20 * * * * *",
		"H H * * *",          "0 1 1-7 * +SUN",  "59 23 * * *",     "*/7 9-17 * * 1-5",
		"* * * * * *",        "15 * * * * *",    "@hourly",         "@every 90s",
		"*/30 * * * *",       "30 23 */2 * *",   "15,45 0 */2 * *", "* 0,23 2-30/2 * *",
		"20 0,23 2-30/2 * *", "0,30 0-23 * * *", "30 0 * * *",      "15,45 23 * * SUN",
		"0 0,23 * * *",       "@every 15m",      "@every 1d",       "0,30 0,23 * * *",
		"@every 7h",
	};
	struct reading reading = reading_at_local(near);
	struct draft draft;

	if (dice_roll(dice, 3))
		return usual[dice_roll(dice, COUNT(usual))];
	draft_roll(&draft, dice, &reading);
	return arena_text(arena, draft.text);
}

static const char *roll_date(struct arena *arena, struct dice *dice, int64_t near)
{
	struct reading r = reading_at_local(near + ((int64_t)dice_roll(dice, 8) - 3) * DAY_S +
					    dice_roll(dice, 86400));

	if (dice_roll(dice, 2))
		return arena_format(arena, "%04d-%02d-%02d", r.year, r.month, r.day);
	return arena_format(arena, "%04d-%02d-%02dT%02d:%02d:%02d", r.year, r.month, r.day, r.hour,
			    r.minute, r.second);
}

static const char *roll_day(struct arena *arena, struct dice *dice, int64_t near)
{
	struct reading r = reading_at_local(near + ((int64_t)dice_roll(dice, 6) - 2) * DAY_S);

	return arena_format(arena, "%04d-%02d-%02d", r.year, r.month, r.day);
}

/* Most jobs live in one zone, so that its changes meet many. */
static bool roll_job(struct arena *arena, struct dice *dice, const struct zone *focus, int64_t near,
		     struct forecast_job *job)
{
	static const int64_t jitters_ms[] = {1, 1500, 60000, 3600000, 90000000};
	const char *except[1] = {roll_day(arena, dice, near)};
	struct schedule_context context = {
		.job_name = arena_format(arena, "job-%u", dice_roll(dice, 1000)),
		.zone = dice_roll(dice, 4) ? focus : any_zone(dice),
		.except = except,
		.except_count = dice_roll(dice, 4) == 0,
	};
	struct schedule_error error;

	if (dice_roll(dice, 5) == 0)
		context.start = roll_date(arena, dice, near);
	if (dice_roll(dice, 5) == 0)
		context.end = roll_date(arena, dice, near);
	if (dice_roll(dice, 6) == 0)
		context.jitter_ms = jitters_ms[dice_roll(dice, COUNT(jitters_ms))];
	*job = (struct forecast_job){.name = context.job_name,
				     .text = roll_text(arena, dice, near)};
	return schedule_parse_cron(arena, job->text, strlen(job->text), &context, &job->schedule,
				   &error, 1) == 0;
}

/* Near a change of the zone's clock, mostly. */
static int64_t roll_instant(struct dice *dice, const struct zone *focus)
{
	int64_t at = INT64_C(86400) * (int64_t)(5000 + dice_roll(dice, 20000));
	struct zone_transition change;

	if (dice_roll(dice, 5) && zone_next_transition(focus, at, &change))
		at = change.utc_s;
	return at;
}

/* ---- the walk ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void walk_job(const struct schedule *schedule, const struct forecast_question *q,
		     uint32_t *starts)
{
	struct utc at = {q->from_s * 1000 - schedule_jitter_max_ms(schedule) - 1000};

	while (schedule_next_after(schedule, at, &at) && at.ms < q->to_s * 1000) {
		int64_t start = (at.ms + schedule_jitter_ms(schedule, at)) / 1000;

		if (start >= q->from_s && start < q->to_s)
			starts[start - q->from_s]++;
	}
}

static void check_hours(const struct forecast_question *q, const uint32_t *starts,
			const struct forecast *found)
{
	static uint64_t by_hour[7][24];
	uint64_t total = 0, on_the_hour = 0;
	uint32_t fullest[24] = {0};

	memset(by_hour, 0, sizeof(by_hour));
	for (int64_t at = q->from_s; at < q->to_s; at++) {
		uint32_t count = starts[at - q->from_s];

		if (!count)
			continue;
		int64_t local = at + zone_offset(q->zone, at), day = floor_div(local, DAY_S);
		int hour = (int)((local - day * DAY_S) / 3600);

		by_hour[(civil_weekday(day) + 6) % 7][hour] += count;
		total += count;
		if (local % 3600 == 0) {
			on_the_hour += count;
			fullest[hour] = count > fullest[hour] ? count : fullest[hour];
		}
	}
	assert_int_equal(total, found->total);
	assert_int_equal(on_the_hour, found->on_the_hour);
	assert_memory_equal(by_hour, found->by_hour, sizeof(by_hour));
	for (int hour = 0; hour < 24; hour++) {
		assert_int_equal(fullest[hour], found->fullest[hour].count);
		if (fullest[hour])
			assert_int_equal(fullest[hour],
					 starts[found->fullest[hour].at_s - q->from_s]);
	}
}

/* The busiest are in order, are what they say, and none is left out. */
static void check_busiest(const struct forecast_question *q, const uint32_t *starts,
			  const struct forecast *found)
{
	size_t count = found->busiest_count, more = 0, any = 0;
	uint32_t least = count ? found->busiest[count - 1].count : 0;

	for (size_t i = 0; i < count; i++) {
		const struct forecast_second *s = &found->busiest[i];

		assert_int_equal(s->count, starts[s->at_s - q->from_s]);
		if (i)
			assert_true(s->count < s[-1].count ||
				    (s->count == s[-1].count && s->at_s > s[-1].at_s));
	}
	for (int64_t at = q->from_s; at < q->to_s; at++) {
		more += starts[at - q->from_s] > least;
		any += starts[at - q->from_s] > 0;
	}
	assert_true(more < q->busiest_max);
	assert_int_equal(count, any < q->busiest_max ? any : q->busiest_max);
	/* With jitter one job may start twice in a second. */
	bool has_jitter = false;
	for (size_t i = 0; i < q->job_count; i++)
		has_jitter |= schedule_jitter_max_ms(q->jobs[i].schedule) > 0;
	for (size_t i = 0; i < count && i < 3; i++) {
		const char *names[JOBS_MAX];
		size_t named = forecast_names(q, found->busiest[i].at_s, names, JOBS_MAX);

		assert_in_range(named, has_jitter ? 1 : found->busiest[i].count,
				found->busiest[i].count);
	}
}

static void check_window(const struct forecast_question *q, struct forecast *found)
{
	uint32_t *starts = mem_alloc((size_t)(q->to_s - q->from_s) * sizeof(*starts));

	for (size_t i = 0; i < q->job_count; i++)
		walk_job(q->jobs[i].schedule, q, starts);
	forecast_count(q, found);
	check_hours(q, starts, found);
	check_busiest(q, starts, found);
	free(starts);
}

static void test_against_a_walk(void **state)
{
	const char *seed = getenv("BELFRY_SEED"), *cases = getenv("BELFRY_FORECAST_CASES");
	struct dice dice = {seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL)};
	int count = cases ? atoi(cases) : CASES;
	static struct forecast found;
	uint64_t total = 0;

	(void)state;
	printf("# BELFRY_SEED=%llu\n", (unsigned long long)dice.state);
	for (int i = 0; i < count; i++) {
		struct arena arena = {0};
		struct forecast_job jobs[JOBS_MAX];
		const struct zone *focus = any_zone(&dice);
		int64_t at = roll_instant(&dice, focus), before = dice_roll(&dice, 3 * 86400);
		int64_t length = dice_roll(&dice, 6) ? 1 + dice_roll(&dice, 6 * 86400)
						     : dice_roll(&dice, 80 * 86400);
		size_t job_count = dice_roll(&dice, JOBS_MAX + 1), kept = 0;

		for (size_t k = 0; k < job_count; k++)
			kept += roll_job(&arena, &dice, focus, at, &jobs[kept]);
		struct forecast_question question = {.jobs = jobs,
						     .job_count = kept,
						     .from_s = at - before,
						     .to_s = at - before + length + 1,
						     .zone = any_zone(&dice),
						     .busiest_max = 1 + dice_roll(&dice, BUSIEST)};
		check_window(&question, &found);
		total += found.total;
		arena_finish(&arena);
	}
	assert_true(total > (uint64_t)count);
}

/* Clocks of Scoresbysund go from 23:00 to 00:00: what was due before midnight comes up
 * on the next day, on which the job itself may not fire or be excepted. */
static void test_a_gap_before_midnight(void **state)
{
	static const char *const texts[] = {"30 23 28 3 *",    "30 23 29 3 *",   "0 0 29 3 *",
					    "15,45 23 28 3 *", "*/30 23 28 3 *", "0 * 29 3 *"};
	static const char *const excepted[] = {"2026-03-29"};
	const struct zone *zone = zone_of("America/Scoresbysund");
	struct forecast_job jobs[2 * COUNT(texts)];
	static struct forecast found;
	struct schedule_error error;
	struct arena arena = {0};
	struct zone_transition change;

	(void)state;
	assert_true(zone_next_transition(zone, 1774000000, &change));
	assert_int_equal((change.utc_s + change.offset_after) % DAY_S, 0);
	for (size_t i = 0; i < COUNT(jobs); i++) {
		struct schedule_context context = {
			.job_name = "a", .zone = zone, .except = excepted, .except_count = i % 2};
		jobs[i] = (struct forecast_job){.name = "a", .text = texts[i / 2]};
		assert_int_equal(schedule_parse_cron(&arena, jobs[i].text, strlen(jobs[i].text),
						     &context, &jobs[i].schedule, &error, 1),
				 0);
	}
	struct forecast_question question = {.jobs = jobs,
					     .job_count = COUNT(jobs),
					     .from_s = change.utc_s - 2 * DAY_S,
					     .to_s = change.utc_s + 2 * DAY_S,
					     .zone = zone,
					     .busiest_max = 5};
	check_window(&question, &found);
	assert_int_equal(found.busiest[0].at_s, change.utc_s);
	arena_finish(&arena);
}

static void test_nothing(void **state)
{
	struct forecast_question question = {.from_s = 1000, .to_s = 2000, .zone = zone_utc()};
	static struct forecast found;

	(void)state;
	forecast_count(&question, &found);
	assert_int_equal(found.total, 0);
	assert_int_equal(found.busiest_count, 0);
}

/* ---- remedies ---- */

static struct forecast_job make_job(struct arena *arena, const char *name, const char *text,
				    int64_t jitter_ms)
{
	struct schedule_context context = {
		.job_name = name, .zones = zoneinfo_source(zoneinfo), .jitter_ms = jitter_ms};
	struct forecast_job job = {.name = name, .text = text};
	struct schedule_error error;

	if (schedule_parse_cron(arena, text, strlen(text), &context, &job.schedule, &error, 1))
		fail_msg("%s: %s", text, error.message);
	return job;
}

static void test_h_forms(void **state)
{
	static const struct {
		const char *text, *with_h;
	} rows[] = {
		{"0 * * * *", "H * * * *"},
		{"0 9 * * 1-5", "H 9 * * 1-5"},
		{"00 9 * * *", "H 9 * * *"},
		{"0 0 9 * * *", "0 H 9 * * *"},
		{"0 0 9 * * * 2030", "0 H 9 * * * 2030"},
		{"*/5 * * * *", "H/5 * * * *"},
		{"0/15 8-18 * * *", "H/15 8-18 * * *"},
		{"0-59/10 * * * *", "H/10 * * * *"},
		{"0,15,30,45 * * * *", "H/15 * * * *"},
		{"0,30 * * * *", "H/30 * * * *"},
		{"* * * * *", "H * * * * *"},
		{"0 * * * * *", "H * * * * *"},
		{"@hourly", "H * * * *"},
		{"@Daily", "H 0 * * *"},
		{"CRON_TZ=Europe/Paris 0 9 * * *", "CRON_TZ=Europe/Paris H 9 * * *"},
		{"*/7 * * * *", NULL},
		{"0,10 * * * *", NULL},
		{"5 9 * * *", NULL},
		{"H 9 * * *", NULL},
		{"* * * * * *", NULL},
		{"@every 5m", NULL},
	};
	struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct forecast_job job = make_job(&arena, "a", rows[i].text, 0);
		const char *found = h_form(&arena, &job);

		if (!found != !rows[i].with_h || (found && strcmp(found, rows[i].with_h) != 0))
			fail_msg("%s gives %s", rows[i].text, found ? found : "nothing");
		if (found)
			make_job(&arena, "a", found, 0);
	}
	arena_finish(&arena);
}

/* The peak foretold is that of the jobs so written. */
static void test_the_peak_comes_true(void **state)
{
	enum { JOBS = 300 };
	static struct forecast before, after;
	static struct forecast_job jobs[JOBS], changed[JOBS];
	struct arena arena = {0};
	struct pile_up piles[PILE_UPS_MAX];
	struct forecast_question question = {.jobs = jobs,
					     .job_count = JOBS,
					     .from_s = 1764000000,
					     .to_s = 1764000000 + 2 * DAY_S,
					     .zone = zone_utc(),
					     .busiest_max = 1};

	(void)state;
	for (int i = 0; i < JOBS; i++) {
		const char *name = arena_format(&arena, "job-%d", i);
		const char *text = i % 3 ? "0 9 * * *" : "0 * * * *";

		jobs[i] = make_job(&arena, name, text, 0);
		changed[i] = make_job(&arena, name, h_form(&arena, &jobs[i]), 0);
	}
	forecast_count(&question, &before);
	size_t count = pile_ups_find(&question, &before, &arena, piles);
	assert_int_equal(count, PILE_UPS_MAX);
	assert_int_equal(piles[0].at.count, JOBS);
	assert_int_equal(piles[0].at.at_s % DAY_S, 9 * 3600);
	assert_int_equal(piles[0].respelling_count, 2);
	assert_int_equal(piles[0].respelt, JOBS);
	assert_string_equal(piles[0].respellings[0].to, "H 9 * * *");
	assert_int_equal(piles[0].respellings[0].job_count, 200);
	question.jobs = changed;
	question.from_s = piles[0].at.at_s;
	question.to_s = question.from_s + 3600;
	forecast_count(&question, &after);
	assert_int_equal(piles[0].peak_with_h, after.busiest[0].count);
	assert_true(piles[0].peak_with_h < 30);
	for (int i = 0; i < JOBS; i++)
		changed[i] = make_job(&arena, jobs[i].name, jobs[i].text, piles[0].jitter_ms);
	forecast_count(&question, &after);
	assert_int_equal(piles[0].peak_with_jitter, after.busiest[0].count);
	assert_true(piles[0].peak_with_jitter <= 30);
	arena_finish(&arena);
}

static int set_up(void **state)
{
	(void)state;
	zoneinfo = zoneinfo_create(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	zoneinfo_destroy(zoneinfo);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_against_a_walk),
		cmocka_unit_test(test_a_gap_before_midnight),
		cmocka_unit_test(test_h_forms),
		cmocka_unit_test(test_the_peak_comes_true),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
