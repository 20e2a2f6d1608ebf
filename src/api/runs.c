/* runs.c - runs: the list, one of them, and ending one. */
#include "internal.h"
#include "json.h"
#include "query.h"
#include "record_json.h"

/* ---- one run ---- */

static struct run *copy_run(struct arena *arena, const struct run *run)
{
	struct run *copy = arena_new(arena, struct run);

	*copy = *run;
	copy->job = arena_text(arena, run->job);
	copy->message = run->message ? arena_text(arena, run->message) : NULL;
	copy->image = run->image ? arena_text(arena, run->image) : NULL;
	return copy;
}

struct search {
	struct arena *arena;
	const struct run *found;
};

static bool on_found(void *context, const struct run *run)
{
	struct search *search = context;

	search->found = copy_run(search->arena, run);
	return false;
}

/* What is not finished the engine knows best: its changes are durable a little later. */
bool runs_read(struct api *api, struct arena *arena, uint64_t id, const struct run **run,
	       struct err *err)
{
	struct search search = {.arena = arena};
	const struct run *open = api->doors.find_run(api->doors.context, id);

	if (!store_runs(api->world->store, &(struct run_filter){.id = id, .limit = 1}, on_found,
			&search, err))
		return false;
	if (open && (!search.found || search.found->state != RUN_FINISHED))
		search.found = copy_run(arena, open);
	*run = search.found;
	return true;
}

const struct run *runs_of_path(struct api_call *call)
{
	const struct run *run = NULL;
	uint64_t id;
	struct err err;

	if (!run_id_parse(call->parameter, &id)) {
		http_problem(call->response, 404,
			     "\"%s\" is not the id of a run: it has 13 characters, such as "
			     "06nk2v0d80200",
			     call->parameter);
		return NULL;
	}
	if (!runs_read(call->api, call->request->arena, id, &run, &err))
		answer_store_failed(call, &err);
	else if (!run)
		http_problem(call->response, 404,
			     "there is no run %s; its job's \"keep\" may have let it go",
			     call->parameter);
	return run;
}

static bool add_attempt(void *context, const struct attempt *attempt)
{
	record_json_attempt(context, NULL, attempt);
	return true;
}

void runs_get(struct api_call *call)
{
	struct err err;
	const struct run *run = runs_of_path(call);

	if (!run || !takes_no_parameters(call))
		return;
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	record_json_run_members(json, run);
	buf_json_open(json, "attempts", '[');
	if (!store_attempts(call->api->world->store, run->id, add_attempt, json, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_close(json, ']');
	buf_json_close(json, '}');
	answer_end(json);
}

/* The job as it was when the run was claimed. */
void runs_job(struct api_call *call)
{
	const struct api_doors *doors = &call->api->doors;
	const struct revision *revision;
	const struct run *run = runs_of_path(call);

	if (!run || !takes_no_parameters(call))
		return;
	if (run->revision == 0) {
		http_problem(call->response, 404, "run %s was of no revision", call->parameter);
		return;
	}
	revision = revisions_find(call, run->revision);
	if (!revision)
		return;
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	buf_json_int(json, "revision", revision->number);
	if (!doors->job_written(doors->context, revision, run->job, json)) {
		http_problem(call->response, 404, "revision %lld has no job \"%s\"",
			     (long long)revision->number, run->job);
		return;
	}
	buf_json_close(json, '}');
	answer_end(json);
}

void runs_cancel(struct api_call *call)
{
	struct api *api = call->api;
	const struct run *run = runs_of_path(call);

	if (!run || !takes_no_parameters(call))
		return;
	uint64_t id = run->id;
	if (run->state == RUN_FINISHED || !api->doors.find_run(api->doors.context, id)) {
		http_problem(call->response, 409, "run %s has ended already", call->parameter);
		return;
	}
	api->doors.cancel(api->doors.context, id);
	run = runs_of_path(call);
	if (!run)
		return;
	struct buf *json = answer_json(call, 202);
	record_json_run(json, NULL, run);
	answer_end(json);
}

/* ---- the list ---- */

struct page {
	struct buf *json;
	bool only_finished;
	size_t limit, count;
	uint64_t last, next; /* next: the cursor of the page after this one; 0 if none */
};

static bool add_run(void *context, const struct run *run)
{
	struct page *page = context;

	if (page->only_finished && run->state != RUN_FINISHED)
		return true;
	if (page->count == page->limit) {
		page->next = page->last;
		return false;
	}
	record_json_run(page->json, NULL, run);
	page->last = run->id;
	page->count++;
	return true;
}

void runs_list(struct api_call *call)
{
	struct runs_query query;
	struct err err;

	if (!query_runs(call->request->target, &query, &err)) {
		answer_refused(call, &err);
		return;
	}
	struct page page = {.json = answer_json(call, 200),
			    .only_finished = query.only_finished,
			    .limit = query.filter.limit};
	/* One more than the page tells whether there is a next one; those that are not
	 * finished are passed over here, so their number is not known before. */
	query.filter.limit = query.only_finished ? 0 : page.limit + 1;
	buf_json_open(page.json, NULL, '{');
	buf_json_open(page.json, "runs", '[');
	if (!store_runs(call->api->world->store, &query.filter, add_run, &page, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_close(page.json, ']');
	record_json_id(page.json, "next", page.next);
	buf_json_close(page.json, '}');
	answer_end(page.json);
}
