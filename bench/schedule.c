/*
 * schedule.c - nanoseconds a call of next, previous and parse, for 30
 * expressions in three zones, beside the limit: a bare loop over bit sets that
 * knows no zones, no day rules and no bounds, in the same run.
 *
 * Prints one table; --json prints an object instead.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "civil.h"
#include "schedule.h"
#include "zoneinfo.h"

enum { EXPRESSIONS = 30, FIRES = 16, ROUNDS = 7, REPEATS = 400 };
#define FROM_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

static const char *const expressions[EXPRESSIONS] = {
	"* * * * *",       "*/5 * * * *",    "*/15 * * * *",  "0 * * * *",   "30 * * * *",
	"0 */2 * * *",     "0 0 * * *",      "30 2 * * *",    "0 9 * * 1-5", "*/10 9-17 * * 1-5",
	"0 0 * * 0",       "0 10 * * MON",   "0 0 1 * *",     "0 0 15 * *",  "0 0 1,15 * *",
	"0 0 1 1 *",       "0 12 1 */3 *",   "15 10 * * 6,0", "5 4 * * SUN", "0 22 * * 1-5",
	"23 0-20/2 * * *", "0 0,12 1 */2 *", "0 4 8-14 * *",  "0 0 13 * 5",  "15,45 8-18/2 * * *",
	"0 8 28 2 *",      "59 23 31 12 *",  "0 0 31 * *",    "0 6 * 6-8 *", "0 0 29 2 *",
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The limit. Sets are taken from a small parser of its own that knows just the
 * expressions above. */

struct bare {
	uint64_t minutes, hours, days, months, weekdays;
	int either;
};

static uint64_t bare_field(const char *text, int least, int most)
{
	uint64_t set = 0;

	for (char *at = strdup(text), *all = at, *item; (item = strsep(&at, ","));
	     at ? (void)0 : free(all)) {
		int from = least, to = most, step = 1;
		char *slash = strchr(item, '/');

		if (slash)
			step = atoi(slash + 1);
		if (strncmp(item, "MON", 3) == 0)
			from = to = 1;
		else if (strncmp(item, "SUN", 3) == 0)
			from = to = 0;
		else if (*item != '*') {
			char *dash = strchr(item, '-');
			from = atoi(item);
			to = dash ? atoi(dash + 1) : slash ? most : from;
		}
		for (int n = from; n <= to; n += step)
			set |= UINT64_C(1) << n;
	}
	return set;
}

static struct bare bare_parse(const char *text)
{
	char f[5][32];

	if (sscanf(text, "%31s %31s %31s %31s %31s", f[0], f[1], f[2], f[3], f[4]) != 5)
		abort();
	return (struct bare){bare_field(f[0], 0, 59), bare_field(f[1], 0, 23),
			     bare_field(f[2], 1, 31), bare_field(f[3], 1, 12),
			     bare_field(f[4], 0, 6),  *f[2] != '*' && *f[4] != '*'};
}

static int bare_day_fires(const struct bare *b, struct civil_date d, int64_t days)
{
	int by_date = b->days >> d.day & 1, by_week = b->weekdays >> civil_weekday(days) & 1;

	return b->months >> d.month & 1 && (b->either ? by_date | by_week : by_date & by_week);
}

static int64_t bare_next(const struct bare *b, int64_t after)
{
	int64_t t = after / 60 + 1, days = t / 1440;
	int minute = (int)(t % 60), hour = (int)(t / 60 % 24);
	struct civil_date d = civil_from_days(days);

	if (bare_day_fires(b, d, days)) {
		uint64_t minutes = b->minutes >> minute;
		if (b->hours >> hour & 1 && minutes)
			return (t + __builtin_ctzll(minutes)) * 60;
		uint64_t hours = b->hours >> hour >> 1;
		if (hours)
			return days * 86400 + (hour + 1 + __builtin_ctzll(hours)) * INT64_C(3600) +
			       __builtin_ctzll(b->minutes) * 60;
	}
	for (;;) {
		days++;
		if (++d.day > 28 && d.day > civil_month_length(d.year, d.month)) {
			d.day = 1;
			d.month = d.month % 12 + 1;
			d.year += d.month == 1;
			while (!(b->months >> d.month & 1)) {
				days += civil_month_length(d.year, d.month);
				d.month = d.month % 12 + 1;
				d.year += d.month == 1;
			}
		}
		if (bare_day_fires(b, d, days))
			return days * 86400 + __builtin_ctzll(b->hours) * INT64_C(3600) +
			       __builtin_ctzll(b->minutes) * 60;
	}
}

static double bare_ns(const struct bare *b, int64_t *sum)
{
	int64_t start = now_ns();

	for (int r = 0; r < REPEATS; r++) {
		int64_t t = FROM_S;
		for (int i = 0; i < FIRES; i++)
			*sum += t = bare_next(b, t);
	}
	return (double)(now_ns() - start) / (REPEATS * FIRES);
}

static double next_ns(const struct schedule *s, int64_t *sum)
{
	int64_t start = now_ns();

	for (int r = 0; r < REPEATS; r++) {
		struct utc t = {FROM_S * 1000};
		for (int i = 0; i < FIRES; i++) {
			if (!schedule_next_after(s, t, &t))
				abort();
			*sum += t.ms / 1000;
		}
	}
	return (double)(now_ns() - start) / (REPEATS * FIRES);
}

static double prev_ns(const struct schedule *s, int64_t *sum)
{
	int64_t start = now_ns();

	for (int r = 0; r < REPEATS; r++) {
		struct utc t = {FROM_S * 1000};
		for (int i = 0; i < FIRES; i++) {
			if (!schedule_prev_before(s, t, &t))
				break;
			*sum += t.ms / 1000;
		}
	}
	return (double)(now_ns() - start) / (REPEATS * FIRES);
}

static double parse_ns(const char *text, const struct zone *zone)
{
	struct schedule_context context = {.job_name = "send-reminders", .zone = zone};
	struct schedule_error error;
	struct arena arena = {0};
	const struct schedule *s;
	int64_t start = now_ns();

	for (int r = 0; r < REPEATS; r++) {
		arena_reset(&arena);
		if (schedule_parse_cron(&arena, text, strlen(text), &context, &s, &error, 1))
			abort();
	}
	double ns = (double)(now_ns() - start) / REPEATS;
	arena_finish(&arena);
	return ns;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

enum column { COLUMN_BARE, COLUMN_NEXT, COLUMN_PREV, COLUMN_PARSE, COLUMNS };

struct result {
	double mean[COLUMNS], worst[COLUMNS];
	const char *worst_next;
};

static struct result measure(const struct zone *zone)
{
	struct schedule_context context = {.zone = zone};
	struct result result = {.worst_next = ""};
	struct schedule_error error;
	struct arena arena = {0};
	int64_t sum = 0;

	for (int i = 0; i < EXPRESSIONS; i++) {
		double rounds[COLUMNS][ROUNDS];
		struct bare bare = bare_parse(expressions[i]);
		const struct schedule *s;

		if (schedule_parse_cron(&arena, expressions[i], strlen(expressions[i]), &context,
					&s, &error, 1))
			abort();
		for (int r = 0; r < ROUNDS; r++) {
			rounds[COLUMN_BARE][r] = bare_ns(&bare, &sum);
			rounds[COLUMN_NEXT][r] = next_ns(s, &sum);
			rounds[COLUMN_PREV][r] = prev_ns(s, &sum);
			rounds[COLUMN_PARSE][r] = parse_ns(expressions[i], zone);
		}
		for (int c = 0; c < COLUMNS; c++) {
			double ns = median(rounds[c], ROUNDS);

			result.mean[c] += log(ns) / EXPRESSIONS;
			if (ns > result.worst[c]) {
				result.worst[c] = ns;
				if (c == COLUMN_NEXT)
					result.worst_next = expressions[i];
			}
		}
	}
	for (int c = 0; c < COLUMNS; c++)
		result.mean[c] = exp(result.mean[c]);
	arena_finish(&arena);
	return sum == 42 ? (struct result){0} : result;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"UTC", "America/New_York", "Europe/Paris"};
	static const char *const words[COLUMNS] = {"bare", "next", "prev", "parse"};
	int json = argc > 1 && strcmp(argv[1], "--json") == 0;
	struct zoneinfo *zoneinfo = zoneinfo_create(NULL);
	const struct zone_source *zones = zoneinfo_source(zoneinfo);

	printf(json ? "[" : "%-18s %8s %8s %8s %8s %10s %12s\n", "zone", "bare ns", "next ns",
	       "prev ns", "parse ns", "next/bare", "worst next");
	for (size_t i = 0; i < 3; i++) {
		struct err err;
		const struct zone *zone = zones->get(zones->context, names[i], &err);
		if (!zone) {
			fprintf(stderr, "%s: %s\n", names[i], err.text);
			return 1;
		}
		struct result r = measure(zone);
		if (json) {
			printf("%s{\"zone\":\"%s\"", i ? "," : "", names[i]);
			for (int c = 0; c < COLUMNS; c++)
				printf(",\"%s_ns\":%.1f", words[c], r.mean[c]);
			printf(",\"worst_next_ns\":%.1f}", r.worst[COLUMN_NEXT]);
			continue;
		}
		printf("%-18s %8.1f %8.1f %8.1f %8.1f %10.2f %9.1f ns (%s)\n", names[i],
		       r.mean[COLUMN_BARE], r.mean[COLUMN_NEXT], r.mean[COLUMN_PREV],
		       r.mean[COLUMN_PARSE], r.mean[COLUMN_NEXT] / r.mean[COLUMN_BARE],
		       r.worst[COLUMN_NEXT], r.worst_next);
	}
	if (json)
		puts("]");
	zoneinfo_destroy(zoneinfo);
	return 0;
}
