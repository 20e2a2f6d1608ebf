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
	if (!store_revisions(call->api->world->store, limit, false, add_revision, json, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_close(json, ']');
	buf_json_close(json, '}');
	answer_end(json);
}
