/* runner_link.c - the socket to belfry-runner; see runner_link.h. */
#include "runner_link.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "descriptors.h"

enum {
	TRIES = 300,
	TRY_EVERY_MS = 10,
	HELLO_PATIENCE_S = 10,
	READ_MAX = 8 * 1024,  /* of what the runner says; its texts are short */
	READS_A_ROUND = 1024, /* then others have their turn */
	RUNNER_TAKEN = 3,     /* its exit code where another one has the lock */
};

/* One message, as bytes. */
struct packet {
	struct packet *next;
	enum message_kind kind;
	uint64_t run;
	size_t length;
	char data[];
};

/* ---- sending ---- */

static bool is_full(int number)
{
	return number == EAGAIN || number == ENOBUFS || number == EINTR;
}

static void flush(struct runner_link *link)
{
	while (link->first && link->fd >= 0) {
		struct packet *packet = link->first;

		if (send(link->fd, packet->data, packet->length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break; /* full; or gone, which reading will tell */
		link->first = packet->next;
		free(packet);
	}
	if (link->watch)
		loop_fd_interest(link->watch, LOOP_READ | (link->first ? LOOP_WRITE : 0));
}

static void enqueue(struct runner_link *link, const struct message *message, const struct buf *buf)
{
	struct packet *packet = mem_alloc(sizeof(*packet) + buf->length);

	packet->kind = message->kind;
	packet->run = message->run;
	packet->length = buf->length;
	memcpy(packet->data, buf->data, buf->length);
	*(link->first ? &link->last->next : &link->first) = packet;
	link->last = packet;
	if (link->watch && link->first == packet)
		loop_fd_interest(link->watch, LOOP_READ | LOOP_WRITE);
}

bool runner_link_send(struct runner_link *link, const struct message *message)
{
	struct buf buf = {0};

	message_write(&buf, message);
	bool is_fit = buf.length <= MESSAGE_MAX;
	bool is_sent = is_fit && !link->first && link->fd >= 0 &&
		       send(link->fd, buf.data, buf.length, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
	if (is_fit && !is_sent)
		enqueue(link, message, &buf);
	buf_finish(&buf);
	return is_fit;
}

bool runner_link_has_unsent(const struct runner_link *link, uint64_t run)
{
	for (const struct packet *packet = link->first; packet; packet = packet->next)
		if (packet->run == run && packet->kind == MESSAGE_START)
			return true;
	return false;
}

/* ---- receiving ---- */

static void lose(struct runner_link *link)
{
	runner_link_close(link);
	link->lost(link->context, link);
}

static void read_messages(struct runner_link *link)
{
	char data[READ_MAX];
	struct message message;

	for (int i = 0; i < READS_A_ROUND && link->fd >= 0; i++) {
		ssize_t n = recv(link->fd, data, sizeof(data), MSG_DONTWAIT);

		if (n < 0 && is_full(errno))
			return;
		if (n <= 0) {
			lose(link);
			return;
		}
		if (message_read(data, (size_t)n, &link->arena, &message))
			link->message(link->context, link, &message);
		arena_reset(&link->arena);
	}
}

static void on_ready(void *context, unsigned ready)
{
	struct runner_link *link = context;

	if (ready & LOOP_WRITE)
		flush(link);
	if (ready & LOOP_READ)
		read_messages(link);
}

/* ---- connecting ---- */

/* unix(7), SO_PEERCRED: who listens there. */
static bool check_peer(int fd, const char *name, struct err *err)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	    (peer.uid == geteuid() || peer.uid == 0))
		return true;
	return err_set(err, "%s is held by process %d of user %u, and this is user %u", name,
		       (int)peer.pid, peer.uid, geteuid());
}

/* A socket's name has 108 bytes only; through /proc it stays short. */
static bool try_to_connect(struct runner_link *link, const char *name, int *number, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = HELLO_PATIENCE_S};
	int size = 4 * MESSAGE_MAX;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	*number = 0;
	if (fd < 0)
		return err_errno(err, errno, "cannot make a socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", link->state,
		 name);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* Also how long it waits where others wait to be let in. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	bool is_done = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	if (!is_done) {
		*number = errno;
		err_errno(err, errno, "cannot connect to %s", name);
	} else {
		is_done = check_peer(fd, name, err);
	}
	if (!is_done) {
		close(fd);
		return false;
	}
	link->fd = fd;
	snprintf(link->name, sizeof(link->name), "%s", name);
	return true;
}

enum hand { HAND_SHAKEN, HAND_GONE, HAND_REFUSED };

void runner_link_greeted(struct runner_link *link, const struct message *hello)
{
	snprintf(link->version, sizeof(link->version), "%s", hello->text ? hello->text : "unknown");
}

static enum hand check_version(struct runner_link *link, const struct message *hello,
			       struct err *err)
{
	runner_link_greeted(link, hello);
	if (hello->number == version_protocol)
		return HAND_SHAKEN;
	err_set(err,
		"%s is of version %s and speaks protocol %" PRId64 ", this belfry is of version %s "
		"and speaks %d; put both programs of one build into one folder",
		link->program, link->version, hello->number, version_text, version_protocol);
	return HAND_REFUSED;
}

static enum hand shake(struct runner_link *link, struct err *err)
{
	char data[READ_MAX];
	struct message message;

	for (;;) {
		ssize_t n = recv(link->fd, data, sizeof(data), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno == ECONNRESET)) {
			err_set(err, "belfry-runner went away");
			return HAND_GONE; /* it was just ending */
		}
		if (n < 0) {
			err_errno(err, errno, "belfry-runner does not answer");
			return HAND_REFUSED;
		}
		arena_reset(&link->arena);
		if (!message_read(data, (size_t)n, &link->arena, &message))
			continue;
		if (message.kind == MESSAGE_HELLO)
			return check_version(link, &message, err);
		if (message.kind == MESSAGE_REFUSED) {
			err_set(err, "%s",
				message.text && *message.text ? message.text
							      : "belfry-runner refuses belfry");
			return HAND_REFUSED;
		}
		link->message(link->context, link, &message);
	}
}

/* ---- starting the program ---- */

static int spawn(const struct runner_link *link, int errors, pid_t *pid)
{
	char *argv[] = {(char *)(uintptr_t) "belfry-runner", (char *)(uintptr_t) "--state",
			(char *)(uintptr_t)link->state_path, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	argv[0] = (char *)(uintptr_t)link->program;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, errors, 2);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	descriptors_hand_on();
	int number = posix_spawn(pid, link->program, &actions, &attributes, argv, environ);
	descriptors_raise();
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return number;
}

/* What it said before it went to the background; its first line. */
static void read_complaint(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size - 1 &&
	       ((n = read(fd, text + length, size - 1 - length)) > 0 || (n < 0 && errno == EINTR)))
		length += n > 0 ? (size_t)n : 0;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/* The program answers by its exit code once it can be connected to. */
static bool start_program(const struct runner_link *link, struct err *err)
{
	int pipes[2], status = 0;
	char text[256];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_errno(err, errno, "cannot start %s", link->program);
	int number = spawn(link, pipes[1], &pid);
	close(pipes[1]);
	if (number != 0) {
		close(pipes[0]);
		return err_errno(err, number, "cannot start %s", link->program);
	}
	read_complaint(pipes[0], text, sizeof(text));
	close(pipes[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == RUNNER_TAKEN))
		return true;
	if (*text)
		return err_set(err, "cannot start the runner: %s", text);
	return err_set(err, "cannot start %s: it ended with %s %d", link->program,
		       WIFSIGNALED(status) ? "signal" : "code",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* What waits to be sent goes in the loop's next round: until then the owner can tell
 * it from what an earlier runner was sent. */
static bool keep(struct runner_link *link, struct err *err)
{
	unsigned interest = LOOP_READ | (link->first ? LOOP_WRITE : 0);

	link->watch = loop_fd_create(link->loop, link->fd, interest, on_ready, link, err);
	if (!link->watch)
		runner_link_close(link);
	return link->watch != NULL;
}

bool runner_link_each(const struct runner_link *link,
		      bool (*fn)(void *context, const char *name, const char *version),
		      void *context)
{
	int fd = openat(link->state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	char version[VERSION_TEXT_MAX];
	struct dirent *entry;
	bool is_done = false;

	while (folder && !is_done && (entry = readdir(folder)))
		is_done = runner_name_parse(entry->d_name, RUNNER_SOCKET, version) &&
			  fn(context, entry->d_name, version);
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
	return is_done;
}

bool runner_link_reach(struct runner_link *link, const char *name, bool *is_gone, struct err *err)
{
	int number;
	bool is_there = try_to_connect(link, name, &number, err);

	*is_gone = number == ECONNREFUSED || number == ENOENT;
	return is_there && keep(link, err);
}

struct attempt {
	struct runner_link *link;
	struct err *err;
	enum hand hand;
};

static enum hand try_one(struct runner_link *link, const char *name, struct err *err)
{
	int number;

	if (!try_to_connect(link, name, &number, err)) /* no number: it is there, but not ours */
		return number ? HAND_GONE : HAND_REFUSED;
	enum hand hand = shake(link, err);
	if (hand == HAND_SHAKEN)
		return keep(link, err) ? HAND_SHAKEN : HAND_REFUSED;
	runner_link_close(link);
	return hand;
}

static bool try_other(void *context, const char *name, const char *version)
{
	struct attempt *attempt = context;

	if (strcmp(version, version_text) == 0)
		return false;
	attempt->hand = try_one(attempt->link, name, attempt->err);
	return attempt->hand == HAND_SHAKEN;
}

/* Our own; or, once the program has been started and did not become ours, what there is. */
static enum hand try_all(struct runner_link *link, bool is_started, struct err *err)
{
	char name[RUNNER_NAME_MAX];
	struct attempt attempt = {.link = link, .err = err};

	runner_name(version_text, RUNNER_SOCKET, name);
	attempt.hand = try_one(link, name, err);
	if (attempt.hand == HAND_GONE && is_started)
		runner_link_each(link, try_other, &attempt);
	return attempt.hand;
}

bool runner_link_open(struct runner_link *link, struct err *err)
{
	for (int i = 0; i < TRIES; i++) {
		enum hand hand = try_all(link, i > 0, err);

		if (hand == HAND_SHAKEN)
			return true;
		if (hand == HAND_REFUSED)
			return false;
		if (i > 0) /* one may be on its way out, or in */
			nanosleep(&(struct timespec){.tv_nsec = TRY_EVERY_MS * 1000000L}, NULL);
		if (i % 100 == 0 && !start_program(link, err))
			return false;
	}
	/* Its last words, if any, were said in the background. */
	return err_wrap(err, "no belfry-runner in time; it was started and did not stay, as for "
			     "want of memory");
}

void runner_link_close(struct runner_link *link)
{
	loop_fd_destroy(link->watch);
	link->watch = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

void runner_link_finish(struct runner_link *link)
{
	runner_link_close(link);
	while (link->first) {
		struct packet *packet = link->first;

		link->first = packet->next;
		free(packet);
	}
	arena_finish(&link->arena);
}
