/*
 * schedule.c - nanoseconds a call of next, previous and parse for each expression of a
 * file in three zones, beside the limit: a bare loop over bit sets that knows no
 * zones, no day rules and no bounds, in the same run. One line of JSON each;
 * schedule.py sets them beside other libraries.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "civil.h"
#include "heap.h"
#include "schedule.h"
#include "zoneinfo.h"

enum { FIRES = 16, ROUNDS = 7, REPEATS = 400, LINES_MAX = 64, LINE_SIZE = 128, MILLION = 1000000 };
#define FROM_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
/* Where libraries are compared: the start, and before each change of the clocks. */
static const int64_t starts_s[] = {1767225600, 1772841600, 1774656000, 1792800000, 1793404800};

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

/* ---- one line of JSON for each expression and zone ---- */

static void print_line(const char *who, const char *zone, const char *text, double next,
		       double parse)
{
	printf("{\"who\":\"%s\",\"zone\":\"%s\",\"expr\":\"%s\",\"next_ns\":%.1f,"
	       "\"parse_ns\":%.1f,\"fires\":[",
	       who, zone, text, next, parse);
}

static void print_fires(const struct schedule *s)
{
	for (size_t start = 0; start < sizeof(starts_s) / sizeof(starts_s[0]); start++) {
		struct utc t = {starts_s[start] * 1000};

		printf("%s", start ? ",[" : "[");
		for (int i = 0; i < FIRES && schedule_next_after(s, t, &t); i++)
			printf("%s%lld", i ? "," : "", (long long)(t.ms / 1000));
		printf("]");
	}
	puts("]}");
}

static void measure(const char *text, const struct zone *zone, int64_t *sum)
{
	enum { BARE, NEXT, PREV, PARSE, COLUMNS };
	struct schedule_context context = {.zone = zone};
	double rounds[COLUMNS][ROUNDS];
	struct bare bare = bare_parse(text);
	struct schedule_error error;
	struct arena arena = {0};
	const struct schedule *s;

	if (schedule_parse_cron(&arena, text, strlen(text), &context, &s, &error, 1))
		abort();
	for (int r = 0; r < ROUNDS; r++) {
		rounds[BARE][r] = bare_ns(&bare, sum);
		rounds[NEXT][r] = next_ns(s, sum);
		rounds[PREV][r] = prev_ns(s, sum);
		rounds[PARSE][r] = parse_ns(text, zone);
	}
	print_line("bare loop", zone_name(zone), text, median(rounds[BARE], ROUNDS), 0);
	puts("]}");
	double parse = median(rounds[PARSE], ROUNDS);
	print_line("belfry", zone_name(zone), text, median(rounds[NEXT], ROUNDS), parse);
	print_fires(s);
	print_line("belfry previous", zone_name(zone), text, median(rounds[PREV], ROUNDS), parse);
	puts("]}");
	arena_finish(&arena);
}

/* ---- a million schedules in the due queue ---- */

struct due {
	struct heap_item item;
	const struct schedule *schedule;
};

/* As the daemon does at its start: parse each, find its first fire, queue it. */
static int place(const struct zone *const *zones, char lines[][LINE_SIZE], int count)
{
	struct arena arena = {0};
	struct heap heap = {0};
	struct due *due = calloc(MILLION, sizeof(*due));
	int64_t start = now_ns();

	for (int i = 0; i < MILLION; i++) {
		const char *text = lines[i % count];
		struct schedule_context context = {.zone = zones[i % 3], .job_name = "job"};
		struct schedule_error error;
		struct utc next = UTC_NEVER;

		if (schedule_parse_cron(&arena, text, strlen(text), &context, &due[i].schedule,
					&error, 1))
			abort();
		schedule_next_after(due[i].schedule, (struct utc){FROM_S * 1000}, &next);
		heap_set(&heap, &due[i].item, next.ms);
	}
	double seconds = (double)(now_ns() - start) / 1e9;
	size_t bytes = arena_size(&arena) + MILLION * (sizeof(*due) + sizeof(struct heap_item *));
	printf("{\"million_s\":%.3f,\"bytes_each\":%.1f}\n", seconds, (double)bytes / MILLION);
	arena_finish(&arena);
	heap_finish(&heap);
	free(due);
	return 0;
}

static int read_lines(const char *path, char lines[][LINE_SIZE])
{
	FILE *file = fopen(path, "re");
	int count = 0;

	while (file && count < LINES_MAX && fgets(lines[count], LINE_SIZE, file)) {
		lines[count][strcspn(lines[count], "\n")] = '\0';
		count++;
	}
	if (file)
		fclose(file);
	return count;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"UTC", "America/New_York", "Europe/Paris"};
	static char lines[LINES_MAX][LINE_SIZE];
	struct zoneinfo *zoneinfo = zoneinfo_create(NULL);
	const struct zone_source *source = zoneinfo_source(zoneinfo);
	const struct zone *zones[3];
	int count = argc > 1 ? read_lines(argv[1], lines) : 0;
	int64_t sum = 0;

	if (count == 0) {
		fprintf(stderr, "usage: bench-schedule EXPRESSIONS.txt [million]\n");
		return 2;
	}
	for (int z = 0; z < 3; z++) {
		struct err err;

		zones[z] = source->get(source->context, names[z], &err);
		if (!zones[z]) {
			fprintf(stderr, "%s: %s\n", names[z], err.text);
			return 1;
		}
	}
	if (argc > 2)
		return place(zones, lines, count);
	for (int i = 0; i < 3 * count; i++)
		measure(lines[i % count], zones[i / count], &sum);
	zoneinfo_destroy(zoneinfo);
	return sum == 42; /* so that the sum, and with it the work, is needed */
}
