/*
 * runner_link.h - the socket to a belfry-runner: finds it or starts it, shakes hands,
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
	char name[RUNNER_NAME_MAX];       /* of the socket, in the directory */
	char version[VERSION_TEXT_MAX];   /* of the runner, by its HELLO */
	struct loop_fd *watch;
	struct packet *first, *last; /* not sent yet */
	struct arena arena;          /* of the message being read */
	/* What it points to is borrowed. */
	void (*message)(void *context, struct runner_link *link, const struct message *message);
	/* The runner has gone; the link is closed. */
	void (*lost)(void *context, struct runner_link *link);
	void *context;
};

/* Connects to the runner of our version, starts it where it is not there, and waits for
 * its HELLO. Where the program is of another version, but speaks as we do: to that one. */
bool runner_link_open(struct runner_link *link, struct err *err);
/* Connects to the socket of that name, and does not wait: HOLDS and HELLO come as
 * messages. *is_gone: nobody is behind it any more. */
bool runner_link_reach(struct runner_link *link, const char *name, bool *is_gone, struct err *err);
/* Takes note of a HELLO that came as a message. */
void runner_link_greeted(struct runner_link *link, const struct message *hello);
/* fn for each runner's socket in the directory, until it returns true. */
bool runner_link_each(const struct runner_link *link,
		      bool (*fn)(void *context, const char *name, const char *version),
		      void *context);
/* False: it is too long to travel, nothing was done. */
bool runner_link_send(struct runner_link *link, const struct message *message);
/* Whether a START of that run still waits to be sent. */
bool runner_link_has_unsent(const struct runner_link *link, uint64_t run);
/* What waits to be sent is kept for the next runner. */
void runner_link_close(struct runner_link *link);
void runner_link_finish(struct runner_link *link);

#endif
