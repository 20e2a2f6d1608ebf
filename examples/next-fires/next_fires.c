/*
 * next_fires.c - the next fires of a schedule, with libbelfry-schedule.
 *
 *	cc next_fires.c $(pkg-config --cflags --libs belfry-schedule) -o next-fires
 *	./next-fires "30 2 * * *" Europe/Paris 5
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <belfry/schedule.h>

static void print_fire(const struct belfry_schedule *schedule, int64_t at_ms)
{
	static const char *const shifts[] = {
		[BELFRY_SHIFT_NONE] = "",
		[BELFRY_SHIFT_FROM_GAP] = "  shifted: its time was left out",
		[BELFRY_SHIFT_FIRST_OF_TWO] = "  first of two",
		[BELFRY_SHIFT_SECOND_OF_TWO] = "  second of two",
	};
	time_t at_s = (time_t)(at_ms / 1000);
	char text[32];
	struct tm utc;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at_s, &utc));
	printf("%s%s\n", text, shifts[belfry_schedule_shift(schedule, at_ms)]);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: next-fires EXPRESSION [ZONE [COUNT [FROM_MS]]]\n");
		return 2;
	}
	struct belfry_schedule_options options = {.timezone = argc > 2 ? argv[2] : NULL};
	int count = argc > 3 ? atoi(argv[3]) : 5;
	int64_t at_ms = argc > 4 ? strtoll(argv[4], NULL, 10) : (int64_t)time(NULL) * 1000;
	struct belfry_zones *zones = belfry_zones_open(NULL);
	struct belfry_schedule_error error;
	struct belfry_schedule *schedule = belfry_schedule_parse(zones, argv[1], &options, &error);
	int code = 0;

	if (schedule) {
		char sentence[256];

		belfry_schedule_explain(schedule, sentence, sizeof(sentence));
		printf("%s\n", sentence);
		for (int i = 0; i < count && belfry_schedule_next(schedule, at_ms, &at_ms); i++)
			print_fire(schedule, at_ms);
	} else {
		fprintf(stderr, "column %zu: %s\n", error.column, error.message);
		code = 1;
	}
	belfry_schedule_destroy(schedule);
	belfry_zones_close(zones);
	return code;
}
