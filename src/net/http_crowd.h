/*
 * http_crowd.h - the connections there are, and which of them has to make room.
 *
 * Shared by the files of the server, and by nobody else.
 */
#ifndef BELFRY_HTTP_CROWD_H
#define BELFRY_HTTP_CROWD_H

#include <microhttpd.h>
#include <stdbool.h>

struct http_connection {
	struct http_connection *previous, *next;
	int fd;
	bool is_answered; /* a response is on its way: it stays */
	bool is_ending;   /* its socket was shut down */
};

struct http_crowd {
	struct http_connection oldest; /* head of the list, the oldest first */
	struct http_connection *newest;
};

/* MHD's call back for each connection's beginning and end; the context is the crowd. */
void crowd_on_connection(void *crowd, struct MHD_Connection *mhd, void **context,
			 enum MHD_ConnectionNotificationCode code);
/* From a response's first byte to its last. */
void crowd_answered(struct MHD_Connection *mhd, bool is_answered);
/* Ends those that have waited longest for a request, or in the middle of one; how many. */
unsigned crowd_make_room(struct http_crowd *crowd, unsigned wanted);

#endif
