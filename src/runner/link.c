/*
 * link.c - the socket to belfry: who may come, what is said.
 *
 * One belfry at a time. When another connects, everything that the last one still
 * had under way is read first, so that what the new one is told is the whole truth.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runner.h"

/* A message for which there was no room. */
struct unsaid {
	struct unsaid *next;
	size_t length;
	char data[];
};

/* A socket's name has 108 bytes only; through /proc it stays short. */
static bool bind_at(const struct runner *runner, int fd, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t before = umask(0177);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", runner->state,
		 name);
	unlinkat(runner->state, name, 0);
	bool is_bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	int number = errno;
	umask(before);
	errno = number;
	return is_bound;
}

/* Under its name only when it can be connected to: one that cannot is a dead runner's. */
bool link_listen(struct runner *runner, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char name[RUNNER_NAME_MAX], first[RUNNER_NAME_MAX];

	runner_name(version_text, RUNNER_SOCKET, name);
	runner_name(version_text, ".new", first);
	if (fd < 0 || !bind_at(runner, fd, first) || listen(fd, 8) != 0 ||
	    renameat(runner->state, first, runner->state, name) != 0)
		return err_errno(err, errno, "cannot listen at %s", name);
	runner->listener = (struct source){.kind = SOURCE_LISTENER, .fd = fd};
	if (!runner_watch(runner, &runner->listener, EPOLLIN))
		return err_errno(err, errno, "cannot listen at %s", name);
	return true;
}

void link_finish(struct runner *runner)
{
	char name[RUNNER_NAME_MAX];

	unlinkat(runner->state, runner_name(version_text, RUNNER_SOCKET, name), 0);
}

/* unix(7), SO_PEERCRED: who connected. */
static bool may_come(int fd, struct ucred *peer)
{
	socklen_t length = sizeof(*peer);

	*peer = (struct ucred){.uid = (uid_t)-1};
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &length) == 0 &&
	       (peer->uid == geteuid() || peer->uid == 0);
}

static void act(struct runner *runner, const struct message *message)
{
	switch (message->kind) {
	case MESSAGE_START:
		held_start(runner, message->run, message->attempt, &message->order);
		break;
	case MESSAGE_STOP: held_stop(runner, message->run, message->number); break;
	case MESSAGE_QUIT: runner->is_quitting = true; break;
	case MESSAGE_BURY:
		link_say(runner, &(struct message){.kind = MESSAGE_BURIED,
						   .run = message->run,
						   .attempt = message->attempt,
						   .number = leftover_end(runner, message->run,
									  message->attempt)});
		break;
	case MESSAGE_HOLDS:
	case MESSAGE_HELLO:
	case MESSAGE_NEWS:
	case MESSAGE_REFUSED:
	case MESSAGE_BURIED:
	case MESSAGE_NOTICE: break; /* ours to say, not to hear */
	}
}

static void hang_up(struct runner *runner)
{
	runner_unwatch(runner, &runner->link);
	runner->has_deaf_link = false;
	/* The next belfry asks anew. */
	while (runner->first_unsaid) {
		struct unsaid *unsaid = runner->first_unsaid;

		runner->first_unsaid = unsaid->next;
		free(unsaid);
	}
}

void link_read(struct runner *runner)
{
	static char data[MESSAGE_MAX];
	struct arena arena = {0};
	struct message message;

	while (runner->link.fd >= 0) {
		ssize_t n = recv(runner->link.fd, data, sizeof(data), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			hang_up(runner);
		else if (message_read(data, (size_t)n, &arena, &message))
			act(runner, &message);
		arena_reset(&arena);
	}
	arena_finish(&arena);
}

static bool send_to(int fd, const struct message *message)
{
	struct buf buf = {0};

	message_write(&buf, message);
	bool is_sent = send(fd, buf.data, buf.length, MSG_NOSIGNAL) >= 0;
	int number = errno;
	buf_finish(&buf);
	errno = number;
	return is_sent;
}

static bool transmit(struct runner *runner, const struct message *message)
{
	return send_to(runner->link.fd, message);
}

/* Both sides are told: the stranger, and belfry for its log. */
static void turn_away(struct runner *runner, int fd, const struct ucred *peer)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "belfry-runner serves user %u and root only, and refused process %d of user %u",
		 geteuid(), (int)peer->pid, peer->uid);
	send_to(fd, &(struct message){.kind = MESSAGE_REFUSED, .text = text});
	close(fd);
	if (runner->link.fd >= 0)
		link_say(runner, &(struct message){.kind = MESSAGE_NOTICE, .text = text});
}

/* Blocking; false if it did not arrive whole. */
static bool greet(struct runner *runner)
{
	bool is_said = true;

	for (const struct held *held = runner->held; held && is_said; held = held->next)
		is_said = transmit(runner, &(struct message){.kind = MESSAGE_HOLDS,
							     .run = held->run,
							     .attempt = held->attempt});
	return is_said && transmit(runner, &(struct message){.kind = MESSAGE_HELLO,
							     .number = version_protocol,
							     .text = version_text});
}

void link_accept(struct runner *runner)
{
	int fd = accept4(runner->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	int size = 4 * MESSAGE_MAX;
	struct ucred peer;

	if (fd < 0)
		return;
	if (!may_come(fd, &peer)) {
		turn_away(runner, fd, &peer);
		return;
	}
	if (runner->link.fd >= 0) {
		link_read(runner);
		hang_up(runner);
	}
	runner->link.fd = fd;
	runner->is_quitting = false;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* The greeting may be long, and somebody is waiting for it: it blocks, and so
	 * is cut off after a while should nobody read. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_sec = 5},
		   sizeof(struct timeval));
	if (!greet(runner) || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    !runner_watch(runner, &runner->link, EPOLLIN))
		hang_up(runner);
}

static void listen_for_room(struct runner *runner, bool is_deaf)
{
	runner->has_deaf_link = is_deaf;
	epoll_ctl(runner->epoll, EPOLL_CTL_MOD, runner->link.fd,
		  &(struct epoll_event){.events = EPOLLIN | (is_deaf ? EPOLLOUT : 0),
					.data.ptr = &runner->link});
}

bool link_send(struct runner *runner, const struct message *message)
{
	if (runner->link.fd < 0)
		return true;
	if (runner->has_deaf_link)
		return false;
	if (transmit(runner, message))
		return true;
	if (errno == EAGAIN) {
		listen_for_room(runner, true);
		return false;
	}
	hang_up(runner);
	return true;
}

void link_say(struct runner *runner, const struct message *message)
{
	struct buf buf = {0};

	if (link_send(runner, message))
		return;
	message_write(&buf, message);
	struct unsaid *unsaid = mem_alloc(sizeof(*unsaid) + buf.length);
	unsaid->length = buf.length;
	memcpy(unsaid->data, buf.data, buf.length);
	*(runner->first_unsaid ? &runner->last_unsaid->next : &runner->first_unsaid) = unsaid;
	runner->last_unsaid = unsaid;
	buf_finish(&buf);
}

void link_flush(struct runner *runner)
{
	while (runner->first_unsaid) {
		struct unsaid *unsaid = runner->first_unsaid;

		if (send(runner->link.fd, unsaid->data, unsaid->length, MSG_NOSIGNAL) < 0) {
			if (errno != EAGAIN)
				hang_up(runner);
			return;
		}
		runner->first_unsaid = unsaid->next;
		free(unsaid);
	}
	listen_for_room(runner, false);
}
