/* timeline.c - a window of time: the runs that were, and the fires to come. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "query.h"
#include "record_json.h"

/* ---- fires ---- */

struct fire {
	struct utc at;
	const char *job;
};

/* The earliest ones there is room for; a heap with the latest of them on top. */
struct fires {
	struct fire *items;
	size_t count, limit;
	bool has_more;
};

static bool is_later(const struct fire *a, const struct fire *b)
{
	return a->at.ms != b->at.ms ? a->at.ms > b->at.ms : strcmp(a->job, b->job) > 0;
}

static void swap(struct fire *a, struct fire *b)
{
	struct fire other = *a;

	*a = *b;
	*b = other;
}

static void sift_down(struct fires *fires)
{
	for (size_t at = 0, child = 1; child < fires->count; at = child, child = 2 * at + 1) {
		if (child + 1 < fires->count &&
		    is_later(&fires->items[child + 1], &fires->items[child]))
			child++;
		if (!is_later(&fires->items[child], &fires->items[at]))
			return;
		swap(&fires->items[child], &fires->items[at]);
	}
}

/* False where it is later than all that are kept: the job's next ones are, too. */
static bool keep_fire(struct fires *fires, const struct fire *fire)
{
	if (fires->count < fires->limit) {
		size_t at = fires->count++;

		fires->items[at] = *fire;
		for (; at > 0 && is_later(&fires->items[at], &fires->items[(at - 1) / 2]);
		     at = (at - 1) / 2)
			swap(&fires->items[at], &fires->items[(at - 1) / 2]);
		return true;
	}
	fires->has_more = true;
	if (!is_later(&fires->items[0], fire))
		return false;
	fires->items[0] = *fire;
	sift_down(fires);
	return true;
}

static int in_order(const void *a, const void *b)
{
	return is_later(a, b) ? 1 : is_later(b, a) ? -1 : 0;
}

/* As the job's jitter has them. */
static void collect(const struct job *job, struct utc after, struct utc to, struct fires *fires)
{
	struct utc at = {after.ms - schedule_jitter_max_ms(job->schedule)};

	while (schedule_next_after(job->schedule, at, &at) && at.ms < to.ms) {
		struct fire fire = {{at.ms + schedule_jitter_ms(job->schedule, at)}, job->name};

		if (fire.at.ms <= after.ms || fire.at.ms >= to.ms)
			continue;
		if (!keep_fire(fires, &fire))
			return;
	}
}

static void add_fires(struct api_call *call, const struct timeline_query *query, struct utc now,
		      struct buf *json)
{
	const struct api_world *world = call->api->world;
	struct utc after = {query->from.ms - 1 > now.ms ? query->from.ms - 1 : now.ms};
	struct fires fires = {.limit = query->limit};

	fires.items = arena_array(call->request->arena, struct fire, query->limit);
	for (size_t i = 0; i < world->job_count; i++) {
		const struct job *job = &world->jobs[i];

		if (job->enabled && (!query->job || strcmp(query->job, job->name) == 0))
			collect(job, after, query->to, &fires);
	}
	if (fires.count)
		qsort(fires.items, fires.count, sizeof(*fires.items), in_order);
	buf_json_open(json, "fires", '[');
	for (size_t i = 0; i < fires.count; i++) {
		buf_json_open(json, NULL, '{');
		buf_json_text(json, "job", fires.items[i].job);
		buf_json_time(json, "at", fires.items[i].at);
		buf_json_close(json, '}');
	}
	buf_json_close(json, ']');
	buf_json_bool(json, "has_more_fires", fires.has_more);
}

/* ---- runs ---- */

struct page {
	struct buf *json;
	size_t limit, count;
	bool has_more;
};

static bool add_run(void *context, const struct run *run)
{
	struct page *page = context;

	if (page->count++ == page->limit) {
		page->has_more = true;
		return false;
	}
	record_json_run(page->json, NULL, run);
	return true;
}

static bool add_runs(struct api_call *call, const struct timeline_query *query, struct buf *json,
		     struct err *err)
{
	struct page page = {.json = json, .limit = query->limit};
	struct run_filter filter = {.job = query->job,
				    .after = run_id_first(query->from) - 1,
				    .before = run_id_first(query->to),
				    .limit = query->limit + 1};

	buf_json_open(json, "runs", '[');
	if (!store_runs(call->api->world->store, &filter, add_run, &page, err))
		return false;
	buf_json_close(json, ']');
	buf_json_bool(json, "has_more_runs", page.has_more);
	return true;
}

void timeline_get(struct api_call *call)
{
	const struct api_doors *doors = &call->api->doors;
	struct utc now = doors->now(doors->context);
	struct timeline_query query;
	struct err err;

	if (!query_timeline(call->request->target, now, &query, &err)) {
		answer_refused(call, &err);
		return;
	}
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	buf_json_time(json, "from", query.from);
	buf_json_time(json, "to", query.to);
	buf_json_time(json, "now", now);
	if (!add_runs(call, &query, json, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	add_fires(call, &query, now, json);
	buf_json_close(json, '}');
	answer_end(json);
}
