/* cron.c - fuzzes cron expressions, in a zone with daylight saving. */
#include "schedule_walk.h"
#include "zoneinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zoneinfo *zones;
	struct arena arena = {0};
	struct schedule_error errors[4] = {0};
	const struct schedule *schedule = NULL;

	if (!zones)
		zones = zoneinfo_create(NULL);
	const struct zone_source *source = zoneinfo_source(zones);
	struct schedule_context context = {
		.job_name = "a job", .zones = source, .jitter_ms = 90000};
	context.zone = source->get(source->context, "Europe/Paris", NULL);
	size_t count = schedule_parse_cron(&arena, (const char *)data, size, &context, &schedule,
					   errors, 4);
	MUST((count == 0) == (schedule != NULL));
	for (size_t i = 0; i < count && i < 4; i++)
		MUST(errors[i].message[0] && errors[i].column >= 1 && errors[i].column <= size + 1);
	if (schedule)
		walk(schedule);
	arena_finish(&arena);
	return 0;
}
