/*
 * http_client.h - requests to a server, belfry's above all, one at a time, waiting for
 * the answer.
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

/* Why there was no whole answer. */
enum http_failure {
	HTTP_ANSWERED,        /* there was one */
	HTTP_FAILED,          /* for a reason of another kind: reply->why */
	HTTP_BAD_ADDRESS,     /* no address that could be asked */
	HTTP_NO_NAME,         /* the host's name is not found */
	HTTP_REFUSED,         /* nobody listens */
	HTTP_UNREACHABLE,     /* no way to there */
	HTTP_NO_CONNECTION,   /* none in time */
	HTTP_NO_ANSWER,       /* connected, and none in time */
	HTTP_BAD_CERTIFICATE, /* nobody vouches for it, or it is another's, or too old */
	HTTP_NO_TLS,          /* no TLS, or none that we speak */
	HTTP_NO_HTTP,         /* what came is no HTTP */
	HTTP_BROKE_OFF,       /* the connection was closed before */
};

struct http_call {
	const char *server;        /* "http://127.0.0.1:7420"; the scheme may be left out */
	const char *token;         /* NULL: none is sent */
	const char *authorization; /* in place of a token: the header's value as it is */
	/* Further ones, "Name: value"; ends with NULL. NULL: none. */
	const char *const *headers;
	const char *cacert; /* PEM file of who may vouch for the server; NULL: the system's */
	const char *method; /* "GET", "POST" */
	const char *target; /* "/api/v1/runs?limit=5", escaped */
	const char *body;   /* JSON; NULL: none */
	size_t body_length;
	int64_t timeout_ms; /* of the whole; 0: none, only to connect */
	/* Set: called with the body of a 2xx answer instead of collecting it. */
	http_data_fn *data;
	bool takes_any; /* `data` gets the bodies of all answers */
	/* Set: called about once a second while nothing comes. */
	void (*tick)(void *context);
	void *context;
};

enum { HTTP_WHY_MAX = 256 };

struct http_reply {
	int status; /* 0: not even its first line came */
	enum http_failure failure;
	char why[HTTP_WHY_MAX]; /* the failure, in the library's words */
	int64_t retry_after_s;  /* 0: not told */
	struct buf location;    /* of a redirect, which is not followed; as it was sent */
	struct buf body;        /* the caller finishes both */
};
void http_reply_finish(struct http_reply *reply);

/* False where no whole answer was had; any status is an answer. */
bool http_client_send(const struct http_call *call, struct http_reply *reply, struct err *err);

#endif
