/* lateness_read.c - how late the newest runs started, of all jobs or of one. */
#include "internal.h"

/* Enough for a 99th percentile; reading them takes a few milliseconds. */
enum { NEWEST = 1000 };

struct sample {
	int64_t ms[NEWEST];
	size_t count;
};

static bool add_run(void *context, const struct run *run)
{
	struct sample *sample = context;

	if (!run->dry_run && lateness_of(run, &sample->ms[sample->count]))
		sample->count++;
	return true;
}

bool lateness_read(struct api *api, struct arena *arena, const char *job, struct lateness *lateness,
		   struct err *err)
{
	struct sample *sample = arena_new(arena, struct sample);

	if (!store_runs(api->world->store, &(struct run_filter){.job = job, .limit = NEWEST},
			add_run, sample, err))
		return false;
	*lateness = lateness_summarize(sample->ms, sample->count);
	return true;
}
