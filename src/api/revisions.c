/* revisions.c - applied versions of schedules.json. */
#include "internal.h"
#include "json.h"
#include "query.h"
#include "record_json.h"

static bool add_revision(void *context, const struct revision *revision)
{
	record_json_revision(context, NULL, revision);
	return true;
}

void revisions_list(struct api_call *call)
{
	size_t limit;
	struct err err;

	if (!query_limit(call->request->target, &limit, &err)) {
		answer_refused(call, &err);
		return;
	}
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	buf_json_open(json, "revisions", '[');
	if (!store_revisions(call->api->world->store, &(struct revision_filter){.limit = limit},
			     add_revision, json, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_close(json, ']');
	buf_json_close(json, '}');
	answer_end(json);
}

/* ---- one of them ---- */

struct search {
	struct arena *arena;
	struct revision *found;
};

static const char *keep(struct arena *arena, const char *text)
{
	return text ? arena_text(arena, text) : NULL;
}

static bool on_found(void *context, const struct revision *revision)
{
	struct search *search = context;
	struct arena *arena = search->arena;
	struct revision *copy = arena_new(arena, struct revision);

	*copy = *revision;
	copy->hash = keep(arena, revision->hash);
	copy->author = keep(arena, revision->author);
	copy->source = keep(arena, revision->source);
	copy->message = keep(arena, revision->message);
	copy->changes = keep(arena, revision->changes);
	copy->content = arena_copy(arena, revision->content, revision->length);
	search->found = copy;
	return false;
}

const struct revision *revisions_find(struct api_call *call, int64_t number)
{
	struct search search = {.arena = call->request->arena};
	struct err err;

	if (!store_revisions(call->api->world->store,
			     &(struct revision_filter){.number = number, .with_content = true},
			     on_found, &search, &err))
		answer_store_failed(call, &err);
	else if (!search.found)
		http_problem(call->response, 404, "there is no revision %lld", (long long)number);
	return search.found;
}

const struct revision *revisions_of_path(struct api_call *call)
{
	int64_t number;

	if (query_revision(call->parameter, &number) && number > 0)
		return revisions_find(call, number);
	http_problem(call->response, 404, "\"%s\" is not the number of a revision",
		     call->parameter);
	return NULL;
}

void revisions_get(struct api_call *call)
{
	const struct revision *revision;

	if (!takes_no_parameters(call))
		return;
	revision = revisions_of_path(call);
	if (!revision)
		return;
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	record_json_revision(json, "revision", revision);
	buf_json_bytes(json, "content", revision->content, revision->length);
	buf_json_close(json, '}');
	answer_end(json);
}
