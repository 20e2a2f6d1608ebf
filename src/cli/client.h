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

/* The body of a 2xx answer; the caller decrefs. NULL: the message says which server,
 * what was asked and, of a problem (RFC 9457), its detail. */
json_t *client_get(const struct args *args, const char *target, struct err *err);
/* body NULL: none. */
json_t *client_post(const struct args *args, const char *target, const char *body,
		    struct err *err);
/* Hands the body on as it arrives, until its end. */
bool client_stream(const struct args *args, const char *target, http_data_fn *data, void *context,
		   struct err *err);

/* Members of an answer; "" or the fallback where they are absent, null or of another
 * type, so that an older or newer server is read as far as it goes. Borrowed. */
const char *client_text(const json_t *object, const char *key);
int64_t client_int(const json_t *object, const char *key, int64_t otherwise);
bool client_bool(const json_t *object, const char *key);

#endif
