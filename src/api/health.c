/*
 * health.c - GET /health: whether belfry does its work.
 *
 * That there is an answer at all tells that the loop is alive.
 */
#include "internal.h"
#include "json.h"
#include "query.h"

void health_get(struct api_call *call)
{
	struct api *api = call->api;
	struct api_health health = {0};
	struct err err;

	if (!query_nothing(call->request->target, &err)) {
		answer_refused(call, &err);
		return;
	}
	api->doors.health(api->doors.context, call->request->arena, &health);
	struct buf *json = answer_json(call, health.store_failure ? 503 : 200);
	json_health(json, &health, api->world, api->doors.now(api->doors.context));
	answer_end(json);
}
