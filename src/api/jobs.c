/*
 * jobs.c - the jobs of the file, and starting one.
 *
 * The list is a stream: ten thousand jobs are neither built in memory at once nor
 * asked for in one stretch that would hold up the loop.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "json.h"
#include "query.h"
#include "record_json.h"
#include "str.h"

/* Jobs that one step of the list looks up; each is a few queries. */
enum { STEP_JOBS = 32 };

/* ---- runs that are not finished, by job ---- */

struct open_run {
	const char *job;
	uint64_t id;
};

struct open_runs {
	struct arena *arena;
	const char *only_job; /* NULL: of all */
	struct open_run *items;
	size_t count, capacity;
};

static void add_open(void *context, const struct run *run)
{
	struct open_runs *open = context;

	if (open->only_job && strcmp(open->only_job, run->job) != 0)
		return;
	if (open->count == open->capacity) {
		open->capacity = open->capacity ? open->capacity * 2 : 16;
		open->items = mem_resize(open->items, open->capacity * sizeof(struct open_run));
	}
	open->items[open->count++] = (struct open_run){arena_text(open->arena, run->job), run->id};
}

static int by_job(const void *left, const void *right)
{
	const struct open_run *a = left, *b = right;
	int order = strcmp(a->job, b->job);

	return order ? order : (a->id > b->id) - (a->id < b->id);
}

static void find_open(struct api *api, struct open_runs *open)
{
	api->doors.each_run(api->doors.context, add_open, open);
	if (open->count)
		qsort(open->items, open->count, sizeof(struct open_run), by_job);
}

/* The first one of the job, in order. */
static size_t first_of(const struct open_runs *open, const char *job)
{
	size_t low = 0, high = open->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(open->items[middle].job, job) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- one job ---- */

/* What is told of a job that is asked for alone. */
struct alone {
	struct lateness lateness;
	struct downtime downtime;
	bool has_downtime;
};

static bool read_alone(struct api *api, struct arena *arena, const char *job, struct alone *alone,
		       struct err *err)
{
	return lateness_read(api, arena, job, &alone->lateness, err) &&
	       downtimes_last(api, &alone->downtime, &alone->has_downtime, err) &&
	       (!alone->has_downtime || downtimes_of_job(api, job, &alone->downtime, err));
}

/* alone NULL: it is one of a list. */
static bool add_job(struct api *api, const struct job *job, const struct open_runs *open,
		    const struct alone *alone, struct buf *out, struct err *err)
{
	struct arena arena = {0};
	struct job_summary summary = {0};
	struct job_view view = {.job = job,
				.next = UTC_NONE,
				.pause = api->doors.find_pause(api->doors.context, job->name),
				.summary = &summary};
	bool is_read = store_job_summary(api->world->store, job->name, &arena, &summary, err);
	uint64_t *ids = arena_array(&arena, uint64_t, open->count + 1);

	for (size_t i = first_of(open, job->name);
	     i < open->count && strcmp(open->items[i].job, job->name) == 0; i++)
		ids[view.running_count++] = open->items[i].id;
	view.running = ids;
	view.lateness = alone ? &alone->lateness : NULL;
	view.downtime = alone && alone->has_downtime ? &alone->downtime : NULL;
	if (!api->doors.next_fire(api->doors.context, job->name, &view.next))
		view.next = UTC_NONE;
	if (is_read)
		json_job(out, NULL, &view);
	arena_finish(&arena);
	return is_read;
}

/* Looked for from `hint` on, so that a walk in the file's order finds each at once. */
static const struct job *find_job(const struct api_world *world, const char *name, size_t *hint)
{
	for (size_t i = 0; i < world->job_count; i++) {
		size_t at = (*hint + i) % world->job_count;

		if (strcmp(world->jobs[at].name, name) == 0) {
			*hint = at + 1;
			return &world->jobs[at];
		}
	}
	return NULL;
}

static const char *nearest_job(const struct api_world *world, struct arena *arena, const char *name)
{
	const char **names = arena_array(arena, const char *, world->job_count + 1);

	for (size_t i = 0; i < world->job_count; i++)
		names[i] = world->jobs[i].name;
	return str_nearest(name, names, world->job_count);
}

const struct job *jobs_of_path(struct api_call *call)
{
	const struct api_world *world = call->api->world;
	const char *name = call->parameter;
	size_t hint = 0;
	const struct job *job = find_job(world, name, &hint);

	if (job)
		return job;
	const char *nearest = nearest_job(world, call->request->arena, name);
	if (nearest)
		http_problem(call->response, 404, "there is no job \"%s\"; did you mean \"%s\"?",
			     name, nearest);
	else
		http_problem(call->response, 404, "there is no job \"%s\"", name);
	return NULL;
}

void jobs_answer(struct api_call *call, const struct job *job)
{
	struct open_runs open = {.arena = call->request->arena, .only_job = job->name};
	struct err err;

	struct alone alone;
	if (!read_alone(call->api, call->request->arena, job->name, &alone, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	find_open(call->api, &open);
	struct buf *json = answer_json(call, 200);
	if (add_job(call->api, job, &open, &alone, json, &err))
		answer_end(json);
	else
		answer_store_failed(call, &err);
	free(open.items);
}

void jobs_get(struct api_call *call)
{
	const struct job *job = jobs_of_path(call);
	struct err err;

	if (!job)
		return;
	if (query_nothing(call->request->target, &err))
		jobs_answer(call, job);
	else
		answer_refused(call, &err);
}

/* ---- the list ---- */

struct job_list {
	struct api *api;
	const char **names; /* copied: the file may be read anew while the list is sent */
	size_t count, next, hint;
	struct open_runs open;
	bool has_items;
};

static enum http_flow next_jobs(void *context, struct buf *out)
{
	struct job_list *list = context;
	struct err err;

	if (list->next == 0)
		buf_text(out, "{\"jobs\":[");
	for (size_t i = 0; i < STEP_JOBS && list->next < list->count; i++, list->next++) {
		const struct job *job =
			find_job(list->api->world, list->names[list->next], &list->hint);

		if (!job) /* gone meanwhile */
			continue;
		if (list->has_items && out->length == 0)
			buf_char(out, ',');
		if (!add_job(list->api, job, &list->open, NULL, out, &err))
			return HTTP_FAIL;
		list->has_items = true;
	}
	if (list->next < list->count)
		return HTTP_MORE;
	buf_text(out, "]}\n");
	return HTTP_END;
}

static void destroy_list(void *context)
{
	struct job_list *list = context;

	free(list->open.items);
}

static struct job_list *make_list(struct api_call *call)
{
	const struct api_world *world = call->api->world;
	struct arena *arena = call->request->arena;
	struct job_list *list = arena_new(arena, struct job_list);

	list->api = call->api;
	list->count = world->job_count;
	list->names = arena_array(arena, const char *, world->job_count + 1);
	for (size_t i = 0; i < world->job_count; i++)
		list->names[i] = arena_text(arena, world->jobs[i].name);
	list->open.arena = arena;
	find_open(call->api, &list->open);
	return list;
}

/* A store that cannot be read is found out while there can still be an answer. */
static bool store_answers(struct api_call *call)
{
	const struct api_world *world = call->api->world;
	struct job_summary summary;
	struct err err;

	if (world->job_count == 0 || store_job_summary(world->store, world->jobs[0].name,
						       call->request->arena, &summary, &err))
		return true;
	answer_store_failed(call, &err);
	return false;
}

void jobs_list(struct api_call *call)
{

	if (!takes_no_parameters(call))
		return;
	if (!store_answers(call))
		return;
	call->response->status = 200;
	call->response->content_type = "application/json";
	call->response->stream = (struct http_stream){
		.next = next_jobs, .destroy = destroy_list, .context = make_list(call)};
}

/* ---- starting one ---- */

/* {} or {"dry_run":…}; nothing at all is {}. */
static bool read_wish(const struct http_request *request, bool *is_dry_run, struct err *err)
{
	json_error_t fault;
	json_t *body;
	const char *key;
	json_t *value;
	bool is_good = true;

	*is_dry_run = false;
	if (request->body_length == 0)
		return true;
	body = json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, &fault);
	if (!body)
		return err_set(err, "the body is no JSON: line %d, column %d: %s", fault.line,
			       fault.column, fault.text);
	if (!json_is_object(body))
		is_good = err_set(err, "the body must be an object such as {\"dry_run\": true}");
	json_object_foreach(body, key, value)
	{
		if (strcmp(key, "dry_run") != 0)
			is_good = err_set(err, "unknown member \"%s\"; there is dry_run", key);
		else if (!json_is_boolean(value))
			is_good = err_set(err, "dry_run must be true or false");
		else
			*is_dry_run = json_is_true(value);
	}
	json_decref(body);
	return is_good;
}

static void answer_run(struct api_call *call, uint64_t id)
{
	const struct run *run;
	struct err err;

	if (!runs_read(call->api, call->request->arena, id, &run, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	struct buf *json = answer_json(call, 202);
	record_json_run(json, NULL, run);
	answer_end(json);
}

void jobs_trigger(struct api_call *call)
{
	bool is_dry_run;
	struct err err;

	if (!jobs_of_path(call))
		return;
	if (query_nothing(call->request->target, &err) &&
	    read_wish(call->request, &is_dry_run, &err))
		jobs_start(call, is_dry_run);
	else
		answer_refused(call, &err);
}

void jobs_start(struct api_call *call, bool is_dry_run)
{
	const struct api_doors *doors = &call->api->doors;
	struct arena *arena = call->request->arena;
	struct api_health health = {0};
	const char *why = "";
	const struct job *job = jobs_of_path(call);

	if (!job)
		return;
	doors->health(doors->context, arena, &health);
	if (health.store_failure) {
		http_problem(call->response, 503,
			     "nothing is started while the store does not take records: %s",
			     health.store_failure);
		return;
	}
	uint64_t id = doors->trigger(doors->context, job->name, is_dry_run, arena, &why);
	if (id)
		answer_run(call, id);
	else
		http_problem(call->response, 409, "%s", why);
}
