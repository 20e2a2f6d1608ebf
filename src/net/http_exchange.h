/*
 * http_exchange.h - one request and its response, between MHD and the handler.
 *
 * Shared by http_server.c and http_exchange.c, and by nobody else.
 */
#ifndef BELFRY_HTTP_EXCHANGE_H
#define BELFRY_HTTP_EXCHANGE_H

#include <microhttpd.h>

#include "http_crowd.h"
#include "http_gzip.h"
#include "http_server.h"

struct http_exchange {
	struct http_exchange *previous, *next; /* in arriving or waiting, if in one */
	struct http_server *server;
	struct MHD_Connection *connection; /* NULL until the headers have come */
	struct arena arena;
	struct http_target target;
	bool is_bad_target;
	bool is_last; /* what follows on the connection is not to be trusted */
	int fd;
	struct http_address peer;
	int64_t deadline_ms; /* monotonic, for the request to have come whole */
	struct buf body;
	size_t body_seen; /* bytes that came, kept or not */
	size_t body_max;  /* kept at most */
	struct http_response response;
	struct buf pending; /* of a stream: produced, not yet sent */
	size_t sent;        /* of pending */
	bool has_ended;
	struct http_gzip *gzip; /* of a stream that goes compressed */
	struct loop_fd *hangup; /* while waiting: has the client gone? */
};

struct http_server {
	struct loop *loop;
	struct MHD_Daemon *mhd;
	struct loop_fd *watch;
	struct loop_timer *timer, *deadline;
	struct http_address address;
	http_handler_fn *handler;
	http_body_max_fn *body_max;
	void *context;
	/* Heads of lists: requests that have not come whole, streams that wait. */
	struct http_exchange arriving, waiting;
	size_t streams;
	size_t exchanges; /* requests that have begun and are not answered to their end */
	unsigned connections_max;
	struct http_crowd crowd;
	bool is_running, is_stopping;
	bool is_draining; /* what has begun is answered, nothing else is */
};

/* MHD's call backs. */
void *exchange_on_target(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_on_request(void *server, struct MHD_Connection *connection,
				    const char *url, const char *method, const char *version,
				    const char *data, size_t *size, void **exchange);
void exchange_on_completed(void *server, struct MHD_Connection *connection, void **exchange,
			   enum MHD_RequestTerminationCode code);

/* Takes it out of the line of those that wait; its stream is asked again. */
void exchange_resume(struct http_exchange *x);
int64_t exchange_clock_ms(void);

#endif
