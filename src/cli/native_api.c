/* native_api.c - requests to Fly that wait for the answer; see native_api.h. */
#include "native_api.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fly_machine.h"
#include "http_client.h"
#include "http_target.h"

enum {
	BURST = 3,
	SPACING_MS = 1150, /* as in fly_calls.c */
	TIMEOUT_MS = 20000,
	TRIES = 4,          /* of what Fly does not answer */
	THROTTLED_MAX = 20, /* of what it asks to wait for */
	PAUSE_MS = 500,     /* doubles */
	RETRY_AFTER_MAX_S = 60,
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void native_wait_ms(int64_t ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	if (ms <= 0)
		return;
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, &pause) != 0)
		continue;
}

/* A token bucket for each kind of request. */
static void wait_for_turn(struct native_api *api, enum fly_limit limit)
{
	int64_t *full = &api->full_ms[limit], now;

	if (limit == FLY_LIMIT_NONE)
		return;
	native_wait_ms(*full - (int64_t)(BURST - 1) * SPACING_MS - now_ms());
	now = now_ms();
	*full = (*full > now ? *full : now) + SPACING_MS;
}

/* ---- one try ---- */

static bool was_unsent(const struct http_reply *reply)
{
	switch (reply->failure) {
	case HTTP_BAD_ADDRESS:
	case HTTP_NO_NAME:
	case HTTP_REFUSED:
	case HTTP_UNREACHABLE:
	case HTTP_NO_CONNECTION:
	case HTTP_BAD_CERTIFICATE:
	case HTTP_NO_TLS: return true;
	case HTTP_ANSWERED:
	case HTTP_FAILED:
	case HTTP_NO_ANSWER:
	case HTTP_NO_HTTP:
	case HTTP_BROKE_OFF: return false;
	}
	return false;
}

static void judge(struct native_api *api, const struct http_reply *reply,
		  struct native_answer *answer)
{
	const char *text = buf_string(&reply->body);
	bool is_whole = reply->failure == HTTP_ANSWERED;
	bool is_2xx = reply->status >= 200 && reply->status < 300;
	bool is_refusal = reply->status >= 300 && reply->status < 500 && reply->status != 408;

	*answer = (struct native_answer){.status = is_whole ? reply->status : 0, .why = ""};
	answer->json = is_whole ? json_loadb(text, reply->body.length, 0, NULL) : NULL;
	answer->is_ok = is_2xx && answer->json;
	answer->is_lost = !answer->is_ok && !(is_whole && is_refusal) && !was_unsent(reply);
	if (answer->is_ok)
		return;
	if (!is_whole) {
		answer->why = arena_format(api->arena, "no answer of Fly's (%s)", reply->why);
		return;
	}
	const char *said = fly_error(text, reply->body.length, api->arena, &answer->code);

	answer->why = is_2xx ? "Fly's answer cannot be read"
			     : arena_format(api->arena, "Fly answered %d%s%s", reply->status,
					    *said ? ": " : "", said);
}

static void send(struct native_api *api, const struct native_request *request, const char *target,
		 const char *body, struct native_answer *answer, int64_t *pause_ms, bool *may_again)
{
	const char *headers[3] = {NULL};
	struct http_reply reply;
	struct err err; /* the reply says more */
	size_t count = 0;

	if (api->place.authorization)
		headers[count++] =
			arena_format(api->arena, "Authorization: %s", api->place.authorization);
	if (request->nonce)
		headers[count++] =
			arena_format(api->arena, "fly-machine-lease-nonce: %s", request->nonce);
	wait_for_turn(api, request->limit);
	http_client_send(&(struct http_call){.server = request->is_of_api ? api->place.api
									  : api->place.machines,
					     .headers = headers,
					     .method = request->method,
					     .target = target,
					     .body = body,
					     .body_length = body ? strlen(body) : 0,
					     .timeout_ms = TIMEOUT_MS},
			 &reply, &err);
	judge(api, &reply, answer);
	if (reply.retry_after_s > 0 && reply.retry_after_s <= RETRY_AFTER_MAX_S &&
	    reply.retry_after_s * 1000 > *pause_ms)
		*pause_ms = reply.retry_after_s * 1000;
	*may_again = answer->status == 429 || was_unsent(&reply) ||
		     (answer->is_lost && !request->is_once);
	http_reply_finish(&reply);
}

/* ---- until it is answered ---- */

bool native_ask(struct native_api *api, const struct native_request *request,
		struct native_answer *answer)
{
	struct buf target = {0};
	char *body = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
	int64_t pause = PAUSE_MS;
	int tries = 0, throttled = 0;

	if (!request->is_of_api) {
		buf_text(&target, "/v1/apps/");
		http_escape(&target, api->app);
		buf_text(&target, "/machines");
	}
	buf_text(&target, request->rest);
	for (;;) {
		int64_t wait = pause;
		bool may_again;

		send(api, request, buf_string(&target), body, answer, &wait, &may_again);
		bool is_throttled = answer->status == 429;
		if (!may_again || (is_throttled ? ++throttled : ++tries) >=
					  (is_throttled ? THROTTLED_MAX : TRIES))
			break;
		native_answer_drop(answer);
		native_wait_ms(wait);
		pause *= is_throttled ? 1 : 2;
	}
	free(body);
	buf_finish(&target);
	return answer->is_ok;
}

void native_answer_drop(struct native_answer *answer)
{
	json_decref(answer->json);
	answer->json = NULL;
}

bool native_api_open(struct native_api *api, const char *app, struct arena *arena, struct err *err)
{
	*api = (struct native_api){.app = app, .arena = arena};
	return fly_place_read(&api->place, err);
}

void native_api_close(struct native_api *api)
{
	fly_place_finish(&api->place);
}
