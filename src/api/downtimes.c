/* downtimes.c - when nobody looked at what fell due, and what became of it. */
#include <string.h>

#include "internal.h"
#include "query.h"

struct downtime_job {
	struct downtime_counts *counts;
	const struct job *job; /* NULL: it is not in the file any more */
};

/* What became of one job's part is in its occurrences. */
static bool count_one(void *context, const struct occurrence *occurrence)
{
	struct downtime_job *of = context;

	downtime_count(of->counts, of->job, occurrence);
	return true;
}

bool downtimes_of_job(struct api *api, const char *name, struct downtime *downtime, struct err *err)
{
	const struct api_world *world = api->world;
	struct downtime_job of = {.counts = &downtime->counts};

	for (size_t i = 0; i < world->job_count && !of.job; i++)
		if (strcmp(world->jobs[i].name, name) == 0)
			of.job = &world->jobs[i];
	downtime->counts = (struct downtime_counts){0};
	return store_occurrences(world->store,
				 &(struct occurrence_filter){.job = name,
							     .from = downtime->since,
							     .to = downtime->until},
				 count_one, &of, err);
}

static bool keep_downtime(void *context, const struct downtime *downtime)
{
	*(struct downtime *)context = *downtime;
	return false;
}

bool downtimes_last(struct api *api, struct downtime *last, bool *is_recent, struct err *err)
{
	struct utc now = api->doors.now(api->doors.context);

	last->until = UTC_NONE;
	if (!store_downtimes(api->world->store, 1, keep_downtime, last, err))
		return false;
	*is_recent = utc_is_set(last->until) && now.ms - last->until.ms <= DOWNTIME_RECENT_MS;
	return true;
}

/* ---- the list ---- */

struct listing {
	struct api *api;
	const char *job; /* NULL: of all */
	struct buf *json;
	struct err *err;
	bool is_wrong;
};

static bool add_downtime(void *context, const struct downtime *downtime)
{
	struct listing *listing = context;
	struct downtime copy = *downtime;

	if (listing->job && !downtimes_of_job(listing->api, listing->job, &copy, listing->err)) {
		listing->is_wrong = true;
		return false;
	}
	downtime_json(listing->json, NULL, &copy);
	return true;
}

void downtimes_list(struct api_call *call)
{
	struct listing listing = {.api = call->api};
	struct err err;
	size_t limit;

	if (!query_downtimes(call->request->target, &listing.job, &limit, &err)) {
		answer_refused(call, &err);
		return;
	}
	listing.json = answer_json(call, 200);
	listing.err = &err;
	buf_json_open(listing.json, NULL, '{');
	buf_json_open(listing.json, "downtimes", '[');
	if (!store_downtimes(call->api->world->store, limit, add_downtime, &listing, &err) ||
	    listing.is_wrong) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_close(listing.json, ']');
	buf_json_close(listing.json, '}');
	answer_end(listing.json);
}
