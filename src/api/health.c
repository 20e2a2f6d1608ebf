/*
 * health.c - GET /health: whether belfry does its work; GET /ready: whether it may be
 * sent any.
 *
 * That there is an answer at all tells that the loop is alive. One that stops is as
 * healthy as before, and no longer to be asked for anything.
 */
#include "internal.h"
#include "json.h"

void health_get(struct api_call *call)
{
	struct api *api = call->api;
	struct api_health health = {0};

	if (!takes_no_parameters(call))
		return;
	api->doors.health(api->doors.context, call->request->arena, &health);
	struct buf *json = answer_json(call, health.store_failure ? 503 : 200);
	json_health(json, &health, api->world, api->doors.now(api->doors.context));
	answer_end(json);
}

void ready_get(struct api_call *call)
{
	struct api *api = call->api;
	struct api_health health = {0};

	if (!takes_no_parameters(call))
		return;
	api->doors.health(api->doors.context, call->request->arena, &health);
	const char *why = health.is_stopping ? "this belfry is stopping" : health.store_failure;
	struct buf *json = answer_json(call, why ? 503 : 200);
	buf_json_open(json, NULL, '{');
	buf_json_bool(json, "ready", !why);
	buf_json_text(json, "message", why);
	buf_json_close(json, '}');
	answer_end(json);
}
