/*
 * http_client.h - requests to a belfry server, one at a time, waiting for the answer.
 *
 * For programs with nothing else to do meanwhile (the command line). libcurl
 * does the work; nothing of it shows here.
 */
#ifndef BELFRY_HTTP_CLIENT_H
#define BELFRY_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* A piece of the body as it arrives; false ends the request early, which is then
 * no error. */
typedef bool http_data_fn(void *context, const char *data, size_t length);

struct http_call {
	const char *server; /* "http://127.0.0.1:7420"; the scheme may be left out */
	const char *token;  /* NULL: none is sent */
	const char *cacert; /* PEM file of who may vouch for the server; NULL: the system's */
	const char *method; /* "GET", "POST" */
	const char *target; /* "/api/v1/runs?limit=5", escaped */
	const char *body;   /* JSON; NULL: none */
	size_t body_length;
	int64_t timeout_ms; /* of the whole; 0: none, only to connect */
	/* Set: called with the body of a 2xx answer instead of collecting it. */
	http_data_fn *data;
	void *context;
};

struct http_reply {
	int status;
	struct buf body; /* the caller finishes it */
};

/* False where no whole answer was had; any status is an answer. */
bool http_client_send(const struct http_call *call, struct http_reply *reply, struct err *err);

#endif
