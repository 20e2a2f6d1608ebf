/*
 * client.h - questions to a belfry server over its HTTP API.
 *
 * Server and token: --server and --token, else BELFRY_SERVER and BELFRY_TOKEN, else
 * http://127.0.0.1:7420 and none.
 */
#ifndef BELFRY_CLIENT_H
#define BELFRY_CLIENT_H

#include <jansson.h>

#include "args.h"
#include "err.h"
#include "http_client.h"
#include "instant.h"

/* The body of a 2xx answer; the caller decrefs. NULL: the message is the detail of
 * the problem (RFC 9457) that was answered, or else says which server and what was
 * asked. */
json_t *client_get(const struct args *args, const char *target, struct err *err);
/* body NULL: none. */
json_t *client_post(const struct args *args, const char *target, const char *body, struct err *err);
/* Hands the body on as it arrives, until its end. The status is that of the answer, 0
 * where there was none: a success that is false was cut off. */
bool client_stream(const struct args *args, const char *target, http_data_fn *data, void *context,
		   int *status, struct err *err);

struct client_question {
	const char *method, *target, *body; /* body NULL: none */
	size_t body_length;                 /* 0: it is a text */
	int64_t timeout_ms;
	bool takes_problem; /* an answer that is no success is handed over, too; err is set */
};
/* The same as client_get, with all that can be chosen. *status (may be NULL) is that
 * of the answer, 0 if there was none. */
json_t *client_ask(const struct args *args, const struct client_question *question, int *status,
		   struct err *err);

/* Adds "?name=value" or "&name=value" to a target, escaped; value NULL adds nothing. */
void client_query(struct buf *target, const char *name, const char *value);

/* Members of an answer; "" or the fallback where they are absent, null or of another
 * type, so that an older or newer server is read as far as it goes. Borrowed. */
const char *client_text(const json_t *object, const char *key);
int64_t client_int(const json_t *object, const char *key, int64_t otherwise);
bool client_bool(const json_t *object, const char *key);
/* A new reference to the array, an empty one where there is none. */
json_t *client_list(const json_t *object, const char *key);
/* UTC_NONE where there is none. */
struct utc client_time(const json_t *object, const char *key);

#endif
