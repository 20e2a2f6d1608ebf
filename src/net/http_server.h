/*
 * http_server.h - an HTTP/1.1 server inside the one loop.
 *
 * No thread of its own and no wake-up while nothing happens. Whoever answers
 * sees a whole request and gives a whole response, or a stream that may say
 * "nothing yet" and is asked again when woken. libmicrohttpd does the protocol;
 * nothing of it shows here.
 */
#ifndef BELFRY_HTTP_SERVER_H
#define BELFRY_HTTP_SERVER_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "http_address.h"
#include "http_target.h"
#include "http_tls.h"
#include "loop.h"
#include "mem.h"

enum {
	HTTP_BODY_MAX = 1 << 20,         /* of a usual request; beyond it: 413 */
	HTTP_HEADERS_MAX = 32 << 10,     /* of a request, all in all; beyond it: 431 */
	HTTP_CONNECTIONS_MAX = 128,      /* beyond it: 503 */
	HTTP_DESCRIPTORS_LEFT = 40,      /* for everything else, however many connections */
	HTTP_STREAMS_MAX = 64,           /* streams at a time; beyond it: 503 */
	HTTP_IDLE_TIMEOUT_S = 30,        /* without a byte either way */
	HTTP_HEADERS_OUT = 4,            /* of a response, besides the usual ones */
	HTTP_GZIP_LEAST = 1024,          /* shorter bodies are not compressed */
	HTTP_REQUEST_TIMEOUT_MS = 30000, /* from a request's first line to its last byte */
};

struct http_request {
	const char *method; /* as it came; HEAD is answered without its body by itself */
	const struct http_target *target;
	struct http_address peer; /* who asks, port included */
	const char *body;
	size_t body_length;
	struct arena *arena;  /* dies with the exchange; streams may use it */
	const void *exchange; /* the server's own */
};

/* The value of a header, NULL if it is absent; borrowed for the call. */
const char *http_request_header(const struct http_request *request, const char *name);

enum http_flow {
	HTTP_MORE, /* something was added to out; ask again once it is sent */
	HTTP_WAIT, /* nothing yet; ask again when the topic is woken */
	HTTP_END,  /* that was all (what was added to out is still sent) */
	HTTP_FAIL, /* cut the connection, so that the client sees that it is not all */
};

struct http_stream {
	enum http_flow (*next)(void *context, struct buf *out);
	void (*destroy)(void *context); /* may be NULL */
	void *context;
	uint64_t topic; /* what to wake it for */
};

/* Zeroed before the handler is called. */
struct http_response {
	int status;
	const char *content_type; /* static, or in the request's arena; so are the others */
	struct {
		const char *name, *value;
	} headers[HTTP_HEADERS_OUT]; /* further ones */
	size_t header_count;
	struct buf body;           /* taken by the server */
	struct http_stream stream; /* instead of body where next is set */
};

typedef void http_handler_fn(void *context, const struct http_request *request,
			     struct http_response *response);
/* Bytes that the body of such a request may have, asked before any has come. */
typedef size_t http_body_max_fn(void *context, const char *method,
				const struct http_target *target);

struct http_server_options {
	const struct http_address *address; /* port 0 takes a free one */
	const struct http_tls *tls;         /* NULL: HTTP without it */
	http_handler_fn *handler;
	http_body_max_fn *body_max; /* NULL: HTTP_BODY_MAX for all */
	void *context;
};

struct http_server;
struct http_server *http_server_create(struct loop *loop, const struct http_server_options *options,
				       struct err *err);
/* Takes no more connections and sends what it owes: answers under way are sent to their
 * end, streams that wait are cut, and what is asked meanwhile is told 503. Returns when all
 * that is done, or after so long; in between nothing else of the loop is served. */
void http_server_drain(struct http_server *server, int64_t at_most_ms);
/* Ends all connections, streams included. */
void http_server_destroy(struct http_server *server);
/* Where it listens, the port taken included. */
const struct http_address *http_server_address(const struct http_server *server);
/* Asks the streams of that topic that said HTTP_WAIT again. */
void http_server_wake(struct http_server *server, uint64_t topic);

/* One more header; name and value as content_type. */
void http_response_header(struct http_response *response, const char *name, const char *value);

/* Answers for what the server refuses by itself (413, 503, …) and for handlers:
 * an RFC 9457 problem. */
void http_problem(struct http_response *response, int status, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));

#endif
