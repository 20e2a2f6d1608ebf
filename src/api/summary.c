/*
 * summary.c - a window of time in numbers: runs by outcome, what did not run, who fails.
 *
 * Runs are walked, newest first, and no more of them than the loop has time for; where
 * that is not the whole window, the answer says from when on it counts.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "query.h"
#include "record_json.h"

enum { COUNTED_MAX = 10000 };

/* How a job's newest runs of the window ended. */
struct streak {
	const char *job;
	uint64_t last; /* 0: none has ended yet */
	int64_t failures;
	bool is_over; /* an older one succeeded */
};

struct tally {
	struct arena *arena;
	int64_t open, finished[OUTCOME_COUNT];
	int64_t unrun[OCCURRENCE_STATE_COUNT];
	struct streak *streaks; /* of the jobs of the file, by name */
	size_t streak_count, rows;
	struct utc counted_from;
};

static int by_job(const void *left, const void *right)
{
	return strcmp(((const struct streak *)left)->job, ((const struct streak *)right)->job);
}

static void follow(struct tally *tally, const struct run *run)
{
	struct streak key = {.job = run->job};
	struct streak *streak =
		tally->streak_count
			? bsearch(&key, tally->streaks, tally->streak_count, sizeof(key), by_job)
			: NULL;

	if (!streak || streak->is_over)
		return;
	switch (run->outcome) {
	case OUTCOME_FAILED:
	case OUTCOME_TIMED_OUT:
		streak->last = streak->last ? streak->last : run->id;
		streak->failures++;
		break;
	case OUTCOME_SUCCEEDED:
	case OUTCOME_PARTIAL: streak->is_over = true; break;
	/* They say nothing about the job. */
	case OUTCOME_NONE:
	case OUTCOME_CANCELED:
	case OUTCOME_UNKNOWN:
	case OUTCOME_COUNT: break;
	}
}

static bool add_run(void *context, const struct run *run)
{
	struct tally *tally = context;

	if (tally->rows++ == COUNTED_MAX) {
		tally->counted_from = run->claimed_at;
		return false;
	}
	if (run->dry_run)
		return true;
	if (run->state != RUN_FINISHED) {
		tally->open++;
		return true;
	}
	tally->finished[run->outcome]++;
	follow(tally, run);
	return true;
}

static bool add_unrun(void *context, const struct occurrence *occurrence)
{
	struct tally *tally = context;

	if (tally->rows++ == COUNTED_MAX) {
		tally->counted_from = utc_max(tally->counted_from, occurrence->last_at);
		return false;
	}
	tally->unrun[occurrence->state] += occurrence->count;
	return true;
}

static bool count_unrun(struct api *api, struct utc from, struct utc to,
			enum occurrence_state state, struct tally *tally, struct err *err)
{
	struct occurrence_filter filter = {.from = from,
					   .to = to,
					   .has_state = true,
					   .state = state,
					   .limit = COUNTED_MAX + 1};

	tally->rows = 0;
	return store_occurrences(api->world->store, &filter, add_unrun, tally, err);
}

static bool count(struct api *api, struct utc from, struct utc to, struct tally *tally,
		  struct err *err)
{
	const struct api_world *world = api->world;
	struct run_filter filter = {.after = run_id_first(from) - 1, .before = run_id_first(to)};

	tally->counted_from = from;
	tally->streaks = arena_array(tally->arena, struct streak, world->job_count + 1);
	tally->streak_count = world->job_count;
	for (size_t i = 0; i < world->job_count; i++)
		tally->streaks[i] = (struct streak){.job = world->jobs[i].name};
	if (tally->streak_count)
		qsort(tally->streaks, tally->streak_count, sizeof(*tally->streaks), by_job);
	return store_runs(world->store, &filter, add_run, tally, err) &&
	       count_unrun(api, from, to, OCCURRENCE_SKIPPED, tally, err) &&
	       count_unrun(api, from, to, OCCURRENCE_MISSED, tally, err);
}

/* ---- the answer ---- */

static void count_open(void *context, const struct run *run)
{
	(void)run;
	++*(int64_t *)context;
}

static void add_jobs(struct api *api, struct buf *json)
{
	const struct api_world *world = api->world;
	int64_t enabled = 0, paused = 0, running = 0;

	for (size_t i = 0; i < world->job_count; i++) {
		enabled += world->jobs[i].enabled;
		paused += api->doors.find_pause(api->doors.context, world->jobs[i].name) != NULL;
	}
	api->doors.each_run(api->doors.context, count_open, &running);
	buf_json_open(json, "jobs", '{');
	buf_json_int(json, "all", (int64_t)world->job_count);
	buf_json_int(json, "enabled", enabled);
	buf_json_int(json, "paused", paused);
	buf_json_int(json, "running", running);
	buf_json_close(json, '}');
}

static void add_counts(const struct tally *tally, struct buf *json)
{
	buf_json_open(json, "runs", '{');
	buf_json_int(json, "open", tally->open);
	buf_json_open(json, "finished", '{');
	for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++)
		buf_json_int(json, outcome_word((enum outcome)i), tally->finished[i]);
	buf_json_close(json, '}');
	buf_json_close(json, '}');
	buf_json_open(json, "occurrences", '{');
	buf_json_int(json, "skipped", tally->unrun[OCCURRENCE_SKIPPED]);
	buf_json_int(json, "missed", tally->unrun[OCCURRENCE_MISSED]);
	buf_json_close(json, '}');
}

static void add_failing(const struct tally *tally, struct buf *json)
{
	buf_json_open(json, "failing", '[');
	for (size_t i = 0; i < tally->streak_count; i++) {
		const struct streak *streak = &tally->streaks[i];

		if (!streak->failures)
			continue;
		buf_json_open(json, NULL, '{');
		buf_json_text(json, "job", streak->job);
		buf_json_int(json, "failures", streak->failures);
		record_json_id(json, "last", streak->last);
		buf_json_close(json, '}');
	}
	buf_json_close(json, ']');
}

void summary_get(struct api_call *call)
{
	struct api *api = call->api;
	struct tally tally = {.arena = call->request->arena};
	struct utc now = api->doors.now(api->doors.context), from, to;
	struct err err;

	if (!query_window(call->request->target, now, &from, &to, &err)) {
		answer_refused(call, &err);
		return;
	}
	if (!count(api, from, to, &tally, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	buf_json_time(json, "from", from);
	buf_json_time(json, "to", to);
	buf_json_time(json, "now", now);
	buf_json_time(json, "counted_from", tally.counted_from);
	add_jobs(api, json);
	add_counts(&tally, json);
	add_failing(&tally, json);
	buf_json_close(json, '}');
	answer_end(json);
}
