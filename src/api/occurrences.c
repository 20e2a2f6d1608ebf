/* occurrences.c - due instants and what became of them. */
#include "internal.h"
#include "json.h"
#include "query.h"
#include "record_json.h"

static bool add_occurrence(void *context, const struct occurrence *occurrence)
{
	record_json_occurrence(context, NULL, occurrence);
	return true;
}

void occurrences_list(struct api_call *call)
{
	struct occurrence_filter filter;
	struct err err;

	if (!query_occurrences(call->request->target, &filter, &err)) {
		answer_refused(call, &err);
		return;
	}
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	buf_json_open(json, "occurrences", '[');
	if (!store_occurrences(call->api->world->store, &filter, add_occurrence, json, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_close(json, ']');
	buf_json_close(json, '}');
	answer_end(json);
}
