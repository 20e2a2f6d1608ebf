/* status.c - GET /api/v1/status: how belfry is doing as a whole. */
#include "internal.h"
#include "json.h"

static void add_health(struct buf *json, const struct api_health *health,
		       const struct api_world *world, struct utc now)
{
	struct buf text = {0};

	json_health(&text, health, world, now);
	buf_json_raw(json, "health", buf_string(&text));
	buf_finish(&text);
}

void status_get(struct api_call *call)
{
	struct api *api = call->api;
	struct api_health health = {0};
	struct lateness lateness;
	struct downtime downtime;
	bool has_downtime;
	struct err err;

	if (!takes_no_parameters(call))
		return;
	if (!lateness_read(api, call->request->arena, NULL, &lateness, &err) ||
	    !downtimes_last(api, &downtime, &has_downtime, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	api->doors.health(api->doors.context, call->request->arena, &health);
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	buf_json_time(json, "started_at", api->world->started_at);
	json_lateness(json, "lateness", &lateness);
	json_downtime(json, "downtime", has_downtime ? &downtime : NULL);
	add_health(json, &health, api->world, api->doors.now(api->doors.context));
	buf_json_close(json, '}');
	answer_end(json);
}
