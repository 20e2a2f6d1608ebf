/*
 * native_api.h - requests to Fly, one at a time, waiting for the answer: within its rate
 * limits, and again where that is safe.
 */
#ifndef BELFRY_NATIVE_API_H
#define BELFRY_NATIVE_API_H

#include <jansson.h>

#include "fly_calls.h"
#include "mem.h"

struct native_api {
	struct fly_place place;
	const char *app;
	struct arena *arena; /* of texts */
	int64_t full_ms[FLY_LIMIT_COUNT];
};

struct native_request {
	const char *method;
	const char *rest; /* behind /v1/apps/APP/machines, escaped; a whole path where is_of_api */
	const json_t *body; /* NULL: none */
	const char *nonce;  /* of the lease; NULL: none */
	enum fly_limit limit;
	bool is_of_api;
	bool is_once; /* sent again only where it certainly was not carried out */
};

struct native_answer {
	int status;       /* 0: none came */
	json_t *json;     /* NULL: none that can be read */
	bool is_ok;       /* it was done, and this is what came of it */
	bool is_lost;     /* whether it was done is not known */
	const char *code; /* "insufficient_capacity" and the like; NULL: none */
	const char *why;  /* what people should read; "" where it is ok */
};

bool native_api_open(struct native_api *api, const char *app, struct arena *arena, struct err *err);
void native_api_close(struct native_api *api);
/* The caller drops the answer. True where it is ok. */
bool native_ask(struct native_api *api, const struct native_request *request,
		struct native_answer *answer);
void native_answer_drop(struct native_answer *answer);
void native_wait_ms(int64_t ms);

#endif
