/*
 * http_requests.h - requests to other servers, many at a time, on the one loop.
 *
 * For what the daemon asks of others (Fly's API). libcurl does the work; nothing of it
 * shows here. Each request is answered exactly once, from the loop, never from within
 * http_requests_send; or canceled, and then never.
 */
#ifndef BELFRY_HTTP_REQUESTS_H
#define BELFRY_HTTP_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "loop.h"

struct http_requests;
struct http_sent; /* one that is under way */

/* Borrowed for the call. */
struct http_answer {
	int status;          /* 0: no whole answer came; see failure */
	const char *failure; /* in words; NULL with a status */
	/* Without a status: the server cannot have seen the request. Else it may have carried
	 * it out. */
	bool is_unsent;
	const char *body; /* ends with NUL, too */
	size_t length;
	int64_t retry_after_s;  /* its Retry-After in seconds; -1 where there is none */
	const char *request_id; /* its fly-request-id or x-request-id; NULL where there is none */
};
typedef void http_answered_fn(void *context, const struct http_answer *answer);

/* All borrowed for the call. */
struct http_order {
	const char *method, *url;
	const char *authorization; /* the header's value; NULL: none */
	const char *body;          /* JSON; NULL: none */
	size_t length;
	int64_t timeout_ms; /* of the whole */
	http_answered_fn *answered;
	void *context;
};

struct http_requests *http_requests_create(struct loop *loop, struct err *err);
/* What is under way is canceled. */
void http_requests_destroy(struct http_requests *requests);
struct http_sent *http_requests_send(struct http_requests *requests,
				     const struct http_order *order);
/* It will not be answered; the server may carry it out all the same. */
void http_requests_cancel(struct http_requests *requests, struct http_sent *sent);

#endif
