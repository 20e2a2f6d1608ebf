/*
 * test_threads.c - libbelfry-schedule from many threads, built with ThreadSanitizer.
 *
 * Threads parse with the same zones, and all ask the same schedules. The sanitizer
 * ends the program on a race; answers are compared with those of one thread.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/schedule.h>

enum { THREADS = 8, ROUNDS = 40, FIRES = 50, COUNT = 8 };
#define FROM_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

static const struct {
	const char *text, *zone;
} rows[COUNT] = {
	{"30 2 * * *", "Europe/Paris"},
	{"*/10 * * * *", "America/New_York"},
	{"0 0 29 2 *", "Asia/Tokyo"},
	{"0 9 1-7 * +MON", "Australia/Lord_Howe"},
	{"H H * * *", "America/Santiago"},
	{"0 12 LW * *", "Pacific/Apia"},
	{"@every 90m", NULL},
	{"15 1 * * SUN", "Africa/Casablanca"},
};

static struct belfry_zones *zones;
static struct belfry_schedule *shared[COUNT];
static int64_t expected[COUNT];

/* The sum of a schedule's next fires, there and back. */
static int64_t walk(const struct belfry_schedule *schedule)
{
	int64_t at_ms = FROM_MS, sum = 0;

	for (int i = 0; i < FIRES && belfry_schedule_next(schedule, at_ms, &at_ms); i++)
		sum += at_ms / 1000;
	for (int i = 0; i < FIRES && belfry_schedule_previous(schedule, at_ms, &at_ms); i++)
		sum -= at_ms / 1000;
	return sum + belfry_schedule_jitter(schedule, at_ms) +
	       (int64_t)belfry_schedule_shift(schedule, at_ms);
}

static struct belfry_schedule *parse(int i)
{
	return belfry_schedule_parse(zones, rows[i].text,
				     &(struct belfry_schedule_options){.timezone = rows[i].zone,
								       .name = "job",
								       .jitter_ms = 60000},
				     NULL);
}

static void *work(void *context)
{
	intptr_t wrong = 0;
	char text[256];

	(void)context;
	for (int round = 0; round < ROUNDS; round++) {
		int i = round % COUNT;
		struct belfry_schedule *own = parse(i);
		struct belfry_schedule_error error;

		wrong += !own || walk(own) != expected[i] || walk(shared[i]) != expected[i];
		belfry_schedule_explain(shared[i], text, sizeof(text));
		wrong += belfry_schedule_parse(zones, "61 * * * *", NULL, &error) != NULL;
		belfry_schedule_destroy(own);
	}
	return (void *)wrong;
}

int main(void)
{
	pthread_t threads[THREADS];
	intptr_t wrong = 0;
	int started = 0;

	zones = belfry_zones_open(NULL);
	for (int i = 0; i < COUNT; i++) {
		shared[i] = parse(i);
		if (!shared[i])
			return 1;
		expected[i] = walk(shared[i]);
	}
	belfry_zones_close(NULL);
	while (started < THREADS && pthread_create(&threads[started], NULL, work, NULL) == 0)
		started++;
	for (int i = 0; i < started; i++) {
		void *found;

		pthread_join(threads[i], &found);
		wrong += (intptr_t)found;
	}
	for (int i = 0; i < COUNT; i++)
		belfry_schedule_destroy(shared[i]);
	belfry_zones_close(zones);
	printf("%d threads, %ld wrong answers\n", started, (long)wrong);
	return wrong || started != THREADS;
}
