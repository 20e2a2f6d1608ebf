/* stream.c - changes as they happen, for GET /api/v1/events; see events.h. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "query.h"
#include "record_json.h"

/* No run has this id. */
#define TOPIC UINT64_MAX

struct viewer {
	struct api *api;
	uint64_t next; /* number of the change that is sent next */
	bool has_begun, is_reset;
	bool follows;   /* else it is over when what is known is sent */
	uint64_t beats; /* of the server when something was sent last */
};

/* ---- noting ---- */

static void note(struct api *api, const struct change *change)
{
	if (events_add(&api->events, change))
		http_server_wake(api->server, TOPIC);
}

void stream_run(struct api *api, uint64_t id)
{
	const struct run *run = api->doors.find_run(api->doors.context, id);
	struct change change = {.noun = EVENT_NOUN_RUN, .id = id, .state = RUN_FINISHED};

	if (run) {
		change.state = run->state;
		change.attempt = run->attempt;
	}
	note(api, &change);
}

void stream_revision(struct api *api, int64_t number)
{
	note(api, &(struct change){.noun = EVENT_NOUN_REVISION, .id = (uint64_t)number});
}

/* ---- sending ---- */

static void begin_event(const struct viewer *viewer, const char *name, struct buf *out)
{
	char id[EVENT_ID_MAX];

	buf_format(out,
		   "id: %s\nevent: %s\ndata:", events_id(&viewer->api->events, viewer->next, id),
		   name);
}

/* A run that its job's "keep" has let go meanwhile is no news any more. */
static bool add_run(struct viewer *viewer, uint64_t id, struct buf *out)
{
	struct arena arena = {0};
	const struct run *run = NULL;
	struct err err;
	bool ok = runs_read(viewer->api, &arena, id, &run, &err);

	if (ok && run) {
		begin_event(viewer, "run", out);
		record_json_run(out, NULL, run);
		buf_text(out, "\n\n");
	}
	arena_finish(&arena);
	return ok;
}

static bool add_change(struct viewer *viewer, const struct change *change, struct buf *out)
{
	switch (change->noun) {
	case EVENT_NOUN_RUN: return add_run(viewer, change->id, out);
	case EVENT_NOUN_REVISION:
		begin_event(viewer, "revision", out);
		buf_format(out, "{\"number\":%llu}\n\n", (unsigned long long)change->id);
		return true;
	}
	return true;
}

static void begin(struct viewer *viewer, struct buf *out)
{
	char id[EVENT_ID_MAX];

	viewer->has_begun = true;
	buf_text(out, "retry: 2000\n");
	/* From here on nothing is missed. */
	buf_format(out, "id: %s\n",
		   events_id(&viewer->api->events, viewer->next ? viewer->next - 1 : 0, id));
	if (viewer->is_reset)
		buf_text(out, "event: reset\ndata: {}\n");
	buf_text(out, "\n");
}

static enum http_flow next_events(void *context, struct buf *out)
{
	struct viewer *viewer = context;
	struct events *events = &viewer->api->events;

	if (!viewer->has_begun) {
		begin(viewer, out);
		return HTTP_MORE;
	}
	while (viewer->next < events->next && out->length < 64 << 10) {
		const struct change *change = events_find(events, viewer->next);

		if (!change) /* too slow: it fell out of the ring */
			return HTTP_END;
		if (!add_change(viewer, change, out))
			return HTTP_FAIL;
		viewer->next++;
	}
	if (out->length)
		return HTTP_MORE;
	if (!viewer->follows)
		return HTTP_END;
	if (viewer->beats == viewer->api->beats)
		return HTTP_WAIT;
	viewer->beats = viewer->api->beats;
	buf_text(out, ":\n\n"); /* so that proxies, and we, know that somebody is there */
	return HTTP_MORE;
}

static void destroy_viewer(void *context)
{
	struct viewer *viewer = context;
	struct api *api = viewer->api;

	if (--api->viewers == 0)
		loop_timer_stop(api->beat);
}

void stream_beat(void *context)
{
	struct api *api = context;

	api->beats++;
	http_server_wake(api->server, TOPIC);
	loop_timer_start(api->beat, EVENTS_BEAT_MS);
}

void events_get(struct api_call *call)
{
	struct api *api = call->api;
	struct viewer *viewer = arena_new(call->request->arena, struct viewer);
	const char *last = http_request_header(call->request, "Last-Event-ID");
	struct err err;

	*viewer = (struct viewer){.api = api, .next = api->events.next, .beats = api->beats};
	if (!query_events(call->request->target, &viewer->follows, &err)) {
		answer_refused(call, &err);
		return;
	}
	if (last && !events_after(&api->events, last, &viewer->next)) {
		viewer->next = api->events.next;
		viewer->is_reset = true;
	}
	if (api->viewers++ == 0)
		loop_timer_start(api->beat, EVENTS_BEAT_MS);
	call->response->status = 200;
	call->response->content_type = "text/event-stream";
	call->response->stream = (struct http_stream){
		.next = next_events, .destroy = destroy_viewer, .context = viewer, .topic = TOPIC};
}
