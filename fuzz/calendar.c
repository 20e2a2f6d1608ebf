/*
 * calendar.c - fuzzes the calendar form and what is around a schedule.
 *
 * Each line of the input is a letter and a text: e every, a at, m month, d day,
 * w weekday, t time, i minute, s start, n end, x except.
 */
#include <string.h>

#include "schedule_walk.h"
#include "zoneinfo.h"

enum { ITEMS_MAX = 16 };

struct items {
	const char *texts[ITEMS_MAX];
	size_t count;
};

struct input {
	const char *every, *at, *start, *end;
	struct items month, day, weekday, time, minute, except;
};

static void add(struct items *items, const char *text)
{
	if (items->count < ITEMS_MAX)
		items->texts[items->count++] = text;
}

static void read_line(struct input *input, char *line)
{
	const char *text = line + 1;

	switch (*line) {
	case 'e': input->every = text; break;
	case 'a': input->at = text; break;
	case 's': input->start = text; break;
	case 'n': input->end = text; break;
	case 'm': add(&input->month, text); break;
	case 'd': add(&input->day, text); break;
	case 'w': add(&input->weekday, text); break;
	case 't': add(&input->time, text); break;
	case 'i': add(&input->minute, text); break;
	case 'x': add(&input->except, text); break;
	default: break;
	}
}

static void parse(const struct input *in)
{
	static struct zoneinfo *zones;
	struct arena arena = {0};
	struct schedule_error errors[4] = {0};
	const struct schedule *schedule = NULL;

	if (!zones)
		zones = zoneinfo_create(NULL);
	const struct zone_source *source = zoneinfo_source(zones);
	struct schedule_context context = {.job_name = "a job",
					   .start = in->start,
					   .end = in->end,
					   .except = in->except.texts,
					   .except_count = in->except.count};
	context.zone = source->get(source->context, "America/New_York", NULL);
	struct calendar_form form = {
		.every = in->every,
		.at = in->at,
		.month = in->month.texts,
		.month_count = in->month.count,
		.day = in->day.texts,
		.day_count = in->day.count,
		.weekday = in->weekday.texts,
		.weekday_count = in->weekday.count,
		.time = in->time.texts,
		.time_count = in->time.count,
		.minute = in->minute.texts,
		.minute_count = in->minute.count,
	};
	size_t count = schedule_parse_calendar(&arena, &form, &context, &schedule, errors, 4);
	MUST((count == 0) == (schedule != NULL));
	if (schedule)
		walk(schedule);
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena lines = {0};
	char *text = arena_copy(&lines, (const char *)data, size), *rest = text, *line;
	struct input input = {0};

	while ((line = strsep(&rest, "\n")))
		if (*line)
			read_line(&input, line);
	parse(&input);
	arena_finish(&lines);
	return 0;
}
