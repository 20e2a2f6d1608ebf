/*
 * runner_link.h - the socket to belfry-runner: finds it or starts it, shakes hands,
 * sends in order whatever the socket's buffer takes later.
 */
#ifndef BELFRY_RUNNER_LINK_H
#define BELFRY_RUNNER_LINK_H

#include "err.h"
#include "loop.h"
#include "protocol.h"

struct runner_link {
	struct loop *loop;
	const char *state_path, *program; /* owned by whoever owns the link */
	int state;                        /* the directory */
	int fd;                           /* -1: not connected */
	struct loop_fd *watch;
	struct packet *first, *last; /* not sent yet */
	struct arena arena;          /* of the message being read */
	/* HOLDS and everything after HELLO. What it points to is borrowed. */
	void (*message)(void *context, const struct message *message);
	void (*lost)(void *context); /* the runner has gone; the link is closed */
	void *context;
};

/* Connects to the runner that is there or starts one, and waits for its HELLO. */
bool runner_link_open(struct runner_link *link, struct err *err);
/* False: it is too long to travel, nothing was done. */
bool runner_link_send(struct runner_link *link, const struct message *message);
/* Whether a START of that run still waits to be sent. */
bool runner_link_has_unsent(const struct runner_link *link, uint64_t run);
/* What waits to be sent is kept for the next runner. */
void runner_link_close(struct runner_link *link);
void runner_link_finish(struct runner_link *link);

#endif
