/*
 * fly_calls.h - requests to Fly: within its rate limits, and again where that is safe.
 *
 * Limits are as documented (docs: machines/api/working-with-machines-api): one a second
 * for each action on an app, in bursts of three. What waits goes by priority, then by age.
 * 429, 5xx and lost connections are tried again after a pause that doubles; what makes
 * something is only sent again where it certainly was not carried out.
 */
#ifndef BELFRY_FLY_CALLS_H
#define BELFRY_FLY_CALLS_H

#include "http_requests.h"

/* Where Fly is and how it knows us; from the environment. */
struct fly_place {
	char *machines;      /* "https://api.machines.dev"; no slash at the end */
	char *api;           /* "https://api.fly.io": logs and releases */
	char *authorization; /* "FlyV1 …" or "Bearer …"; NULL: there is no token */
};
/* FLY_FLAPS_BASE_URL, FLY_API_HOSTNAME, FLY_API_BASE_URL, FLY_API_TOKEN,
 * FLY_API_TOKEN_FILE. */
bool fly_place_read(struct fly_place *place, struct err *err);
void fly_place_finish(struct fly_place *place);
/* The header's value for a token as people have it. The caller frees it. */
char *fly_authorization(const char *token);

struct fly_calls;
struct fly_call;

enum fly_limit {
	FLY_LIMIT_NONE,
	FLY_LIMIT_CREATE, /* of an app */
	FLY_LIMIT_LIST,   /* of an app */
	FLY_LIMIT_COUNT
};

/* All borrowed for the call. */
struct fly_request {
	const char *method, *path; /* path: from the host on, escaped */
	const char *body;          /* JSON; NULL: none */
	const char *app;           /* whose limit counts */
	enum fly_limit limit;
	int32_t priority;
	bool is_once;   /* it makes something: never sent again blindly */
	bool is_of_api; /* logs, releases */
	bool is_eager;  /* nobody waits long for it: two tries */
	http_answered_fn *answered;
	void *context;
};

typedef void fly_notice_fn(void *context, const char *text);

struct fly_calls *fly_calls_create(struct loop *loop, const struct fly_place *place,
				   fly_notice_fn *notice, void *context, struct err *err);
void fly_calls_destroy(struct fly_calls *calls);
/* Answered once, later; or canceled, and never. */
struct fly_call *fly_calls_send(struct fly_calls *calls, const struct fly_request *request);
void fly_calls_cancel(struct fly_calls *calls, struct fly_call *call);
/* Whether Fly may know of it: it is under way, or was before. */
bool fly_call_is_sent(const struct fly_call *call);

#endif
