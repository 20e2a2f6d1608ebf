/*
 * guard.c - who may ask what, and a line in the audit log for what was changed.
 *
 * Without tokens whoever reaches the loopback interface may do all. With any, every
 * route but those that are open to all wants one whose scope and jobs allow it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth.h"
#include "internal.h"
#include "query.h"

static struct mono mono_now(const struct api *api)
{
	return api->doors.mono(api->doors.context);
}

struct http_address guard_peer(const struct api *api, const struct http_request *request)
{
	return http_forwarded_peer(&api->proxies, &request->peer,
				   http_request_header(request, "X-Forwarded-For"));
}

const char *guard_peer_text(const struct api_call *call)
{
	struct http_address peer = guard_peer(call->api, call->request);
	char text[HTTP_ADDRESS_TEXT_MAX];

	http_address_format(&peer, text);
	*strrchr(text, ':') = '\0'; /* the port says nothing */
	return arena_text(call->request->arena, text);
}

/* The job that the request is about; NULL where it is none, *is_all where it is all. */
static const char *job_of(struct api_call *call, const struct api_route *route, bool *is_all)
{
	const struct run *run = NULL;
	uint64_t id;
	struct err err;

	*is_all = false;
	switch (route->about) {
	case API_ABOUT_NOTHING: return NULL;
	case API_ABOUT_ALL: *is_all = true; return NULL;
	case API_ABOUT_JOB: return call->parameter;
	case API_ABOUT_RUN:
		if (run_id_parse(call->parameter, &id) &&
		    runs_read(call->api, call->request->arena, id, &run, &err) && run)
			return run->job;
		*is_all = true; /* nobody learns here which runs there are */
		return NULL;
	case API_ABOUT_FILTER: break;
	}
	const char *job = http_target_query(call->request->target, "job");
	*is_all = !job;
	return job;
}

static void refuse(struct api_call *call, int status, const char *why)
{
	struct api *api = call->api;

	http_problem(call->response, status, "%s", why);
	if (status == 401)
		http_response_header(call->response, "WWW-Authenticate", "Bearer realm=\"belfry\"");
	api->doors.denied(api->doors.context, guard_peer_text(call),
			  call->who ? call->who->name : NULL, why);
}

static bool is_throttled(struct api_call *call)
{
	struct http_address peer = guard_peer(call->api, call->request);
	int64_t wait_s = throttle_wait_s(&call->api->throttle, &peer, mono_now(call->api));

	if (wait_s == 0)
		return false;
	http_problem(call->response, 429,
		     "too many tokens that are none came from this address; try again in %lld s",
		     (long long)wait_s);
	http_response_header(call->response, "Retry-After",
			     arena_format(call->request->arena, "%lld", (long long)wait_s));
	return true;
}

/* Tokens that hold are not hindered by somebody who guesses from the same address. */
static void refuse_guess(struct api_call *call, const char *why)
{
	struct http_address peer = guard_peer(call->api, call->request);

	if (is_throttled(call))
		return;
	throttle_failed(&call->api->throttle, &peer, mono_now(call->api));
	refuse(call, 401, why);
}

static void refuse_scope(struct api_call *call, const struct api_route *route)
{
	refuse(call, 403,
	       arena_format(call->request->arena, "this token may %s; this takes one that may %s",
			    scope_word(call->who->scope), scope_word(route->scope)));
}

static void refuse_job(struct api_call *call)
{
	refuse(call, 403,
	       arena_format(
		       call->request->arena,
		       "this token is for the jobs %s; ask for one of them (job=NAME in lists)",
		       call->who->jobs));
}

/* The list of tokens may be another one before the answer is recorded. */
static const struct token *keep(struct arena *arena, const struct token *token)
{
	struct token *copy;

	if (!token)
		return NULL;
	copy = arena_new(arena, struct token);
	*copy = *token;
	copy->id = arena_text(arena, token->id);
	copy->name = arena_text(arena, token->name);
	copy->jobs = token->jobs ? arena_text(arena, token->jobs) : NULL;
	copy->created_by = arena_text(arena, token->created_by);
	return copy;
}

bool guard_admits(struct api_call *call, const struct api_route *route)
{
	const struct api_world *world = call->api->world;
	struct auth_question question = {
		.tokens = world->tokens,
		.count = world->token_count,
		.authorization = http_request_header(call->request, "Authorization"),
		.scope = route->scope,
		.now = call->api->doors.now(call->api->doors.context),
	};

	if (route->is_open || world->token_count == 0)
		return true;
	question.job = job_of(call, route, &question.is_about_all);
	enum auth_verdict verdict = auth_decide(&question, &call->who);
	call->who = keep(call->request->arena, call->who);
	switch (verdict) {
	case AUTH_FINE: return true;
	case AUTH_MISSING: refuse(call, 401, "a token is needed (Authorization: Bearer …)"); break;
	case AUTH_UNKNOWN: refuse_guess(call, "there is no such token, or it was revoked"); break;
	case AUTH_EXPIRED: refuse_guess(call, "the token has expired"); break;
	case AUTH_SCOPE: refuse_scope(call, route); break;
	case AUTH_JOB: refuse_job(call); break;
	}
	return false;
}

void guard_records(struct api_call *call, const struct api_route *route)
{
	const struct api_doors *doors = &call->api->doors;
	struct audit audit = {
		.at = doors->now(doors->context),
		.who = guard_who(call),
		.action = route->action,
		.target = call->target ? call->target : call->parameter,
		.status = call->response->status,
	};

	if (!route->action)
		return;
	audit.address = guard_peer_text(call);
	doors->audit(doors->context, &audit);
}

const char *guard_who(const struct api_call *call)
{
	return call->who ? call->who->name : "local";
}
