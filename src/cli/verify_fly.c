/* verify_fly.c - asking Fly whether an app is up; see verify_fly.h. */
#include "verify_fly.h"

#include <string.h>

#include "http_target.h"
#include "when.h"

enum { PROCESSES_MOST = 8 }; /* Machines whose processes are asked for, in a try */

void verify_fly_finish(struct verify_fly *fly)
{
	fly_place_finish(&fly->place);
	arena_finish(&fly->arena);
}

static bool get(const struct verify_fly *fly, const char *base, const struct buf *target,
		int64_t timeout_ms, struct http_reply *reply)
{
	struct err err; /* the reply says more */

	return http_client_send(&(struct http_call){.server = base,
						    .authorization = fly->place.authorization,
						    .method = "GET",
						    .target = buf_string(target),
						    .timeout_ms = timeout_ms},
				reply, &err);
}

/* ---- who listens, and what the proxy says ---- */

static bool ask_processes(struct verify_fly *fly, struct fly_instance *instance, int64_t timeout_ms)
{
	struct buf target = {0};
	struct http_reply reply;
	bool is_told = false;

	buf_text(&target, "/v1/apps/");
	http_escape(&target, fly->name);
	buf_text(&target, "/machines/");
	http_escape(&target, instance->machine.id);
	buf_text(&target, "/ps");
	if (get(fly, fly->place.machines, &target, timeout_ms, &reply) && reply.status == 200)
		is_told = fly_listeners_parse(buf_string(&reply.body), reply.body.length,
					      &fly->arena, instance);
	http_reply_finish(&reply);
	buf_finish(&target);
	return is_told;
}

static void ask_log(struct verify_fly *fly, int64_t timeout_ms)
{
	struct buf target = {0};
	struct http_reply reply;

	buf_text(&target, "/api/v1/apps/");
	http_escape(&target, fly->name);
	buf_text(&target, "/logs");
	if (get(fly, fly->place.api, &target, timeout_ms, &reply) && reply.status == 200)
		fly_refusals_parse(buf_string(&reply.body), reply.body.length, fly->now,
				   &fly->arena, &fly->app);
	http_reply_finish(&reply);
	buf_finish(&target);
}

static void ask_further(struct verify_fly *fly, int64_t timeout_ms)
{
	bool needs_log = false;
	int asked = 0;

	for (size_t i = 0; i < fly->app.count; i++) {
		struct fly_instance *instance = &fly->app.instances[i];

		if (!fly_needs_listeners(instance))
			continue;
		needs_log |= asked++ >= PROCESSES_MOST || !ask_processes(fly, instance, timeout_ms);
	}
	if (needs_log)
		ask_log(fly, timeout_ms);
}

/* ---- the Machines ---- */

static enum verify_fly_reach reach_of(const struct http_reply *reply)
{
	if (reply->failure != HTTP_ANSWERED)
		return VERIFY_FLY_NO_ANSWER;
	switch (reply->status) {
	case 200: return VERIFY_FLY_TOLD;
	case 401:
	case 403: return VERIFY_FLY_DENIED;
	case 404: return VERIFY_FLY_NO_APP;
	default: return VERIFY_FLY_ERROR;
	}
}

static void take(struct verify_fly *fly, const struct http_reply *reply)
{
	const char *code;

	arena_reset(&fly->arena);
	fly->reach = reach_of(reply);
	fly->status = reply->status;
	fly->app = (struct fly_app){0};
	fly->now = when_now();
	fly->was_asked = true;
	fly->why = NULL;
	if (fly->reach == VERIFY_FLY_NO_ANSWER)
		fly->why = arena_text(&fly->arena, reply->why);
	else if (fly->reach != VERIFY_FLY_TOLD)
		fly->why =
			fly_error(buf_string(&reply->body), reply->body.length, &fly->arena, &code);
	else if (!fly_app_parse(buf_string(&reply->body), reply->body.length, fly->now, &fly->arena,
				&fly->app))
		fly->reach = VERIFY_FLY_ERROR;
}

void verify_fly_ask(struct verify_fly *fly, int64_t timeout_ms, bool may_keep)
{
	struct buf target = {0};
	struct http_reply reply;

	if (!fly->place.authorization) {
		fly->reach = VERIFY_FLY_NO_TOKEN;
		return;
	}
	buf_text(&target, "/v1/apps/");
	http_escape(&target, fly->name);
	buf_text(&target, "/machines");
	get(fly, fly->place.machines, &target, timeout_ms, &reply);
	if (reply.failure == HTTP_ANSWERED || !fly->was_asked || !may_keep) {
		take(fly, &reply);
		if (fly->reach == VERIFY_FLY_TOLD)
			ask_further(fly, timeout_ms);
	}
	http_reply_finish(&reply);
	buf_finish(&target);
}
