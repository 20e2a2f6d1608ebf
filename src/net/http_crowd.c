/*
 * http_crowd.c - who has to go when all connections are taken; see http_crowd.h.
 *
 * Somebody who opens connections and says little on them must not keep out those who
 * have something to ask: the oldest go that are not being answered. It is also what
 * frees those whose end libmicrohttpd has not noticed, as it came along with the
 * beginning of a request.
 */
#include "http_crowd.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "mem.h"

static void join(struct http_crowd *crowd, struct http_connection *connection)
{
	struct http_connection *last = crowd->newest ? crowd->newest : &crowd->oldest;

	last->next = connection;
	connection->previous = last;
	crowd->newest = connection;
}

static void leave(struct http_crowd *crowd, struct http_connection *connection)
{
	connection->previous->next = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	else
		crowd->newest =
			connection->previous == &crowd->oldest ? NULL : connection->previous;
	free(connection);
}

void crowd_on_connection(void *crowd, struct MHD_Connection *mhd, void **context,
			 enum MHD_ConnectionNotificationCode code)
{
	struct http_connection *connection = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection = mem_alloc(sizeof(*connection));
		connection->fd =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		*context = connection;
		join(crowd, connection);
	} else if (connection) {
		leave(crowd, connection);
		*context = NULL;
	}
}

void crowd_answered(struct MHD_Connection *mhd, bool is_answered)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_connection *connection = info ? info->socket_context : NULL;

	if (connection)
		connection->is_answered = is_answered;
}

unsigned crowd_make_room(struct http_crowd *crowd, unsigned wanted)
{
	unsigned ended = 0;

	for (struct http_connection *connection = crowd->oldest.next; connection && ended < wanted;
	     connection = connection->next) {
		if (connection->is_answered || connection->is_ending)
			continue;
		/* MHD notices by itself, and closes it. */
		shutdown(connection->fd, SHUT_RDWR);
		connection->is_ending = true;
		ended++;
	}
	return ended;
}
