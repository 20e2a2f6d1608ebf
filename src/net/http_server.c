/*
 * http_server.c - libmicrohttpd driven by the one loop; see http_server.h.
 *
 * MHD keeps an epoll descriptor of its own. It is readable when there is work;
 * MHD_run does the work without waiting, and tells when it wants to be called at
 * the latest (idle connections). That is all there is to it: one watch, one timer.
 */
#include "http_server.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"
#include "http_exchange.h"
#include "http_tls_internal.h"

static void arm(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	if (MHD_get_timeout(server->mhd, &timeout_ms) == MHD_YES)
		loop_timer_start(server->timer, (int64_t)timeout_ms);
	else
		loop_timer_stop(server->timer);
}

enum { ROUNDS_MAX = 8 }; /* then others have their turn; what is left wakes us again */

static unsigned count_connections(const struct http_server *server)
{
	return MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
		->num_connections;
}

/* Enough for the next to be served, and not told that there are too many. */
static bool make_room(struct http_server *server, unsigned connections)
{
	return connections >= server->connections_max &&
	       crowd_make_room(&server->crowd, connections - server->connections_max * 3 / 4) > 0;
}

static void run(struct http_server *server)
{
	unsigned before, after;

	if (server->is_running) /* a handler woke a stream: this round goes on anyway */
		return;
	server->is_running = true;
	/* With all its connections taken MHD does not listen. It does so again in the round
	 * after one has ended, and nothing but us brings that one about. */
	for (int i = 0; i < ROUNDS_MAX; i++) {
		before = count_connections(server);
		MHD_run(server->mhd);
		after = count_connections(server);
		if (after >= before && !make_room(server, after))
			break;
	}
	server->is_running = false;
	arm(server);
}

static void on_ready(void *context, unsigned ready)
{
	(void)ready;
	run(context);
}

static void on_timer(void *context)
{
	run(context);
}

/* The slowest of the requests that have not arrived whole is looked at again when
 * its time is over; a connection is ended by shutting its socket down, which MHD
 * then notices by itself. */
static void on_deadline(void *context)
{
	struct http_server *server = context;
	int64_t now = exchange_clock_ms();
	int64_t next = INT64_MAX;

	for (struct http_exchange *x = server->arriving.next; x; x = x->next) {
		if (x->deadline_ms <= now)
			shutdown(x->fd, SHUT_RDWR);
		else if (x->deadline_ms < next)
			next = x->deadline_ms;
	}
	if (next != INT64_MAX)
		loop_timer_start(server->deadline, next - now);
}

static int open_socket(const struct http_address *address, struct http_address *bound,
		       struct err *err)
{
	char text[HTTP_ADDRESS_TEXT_MAX];
	int family = address->socket.any.sa_family, yes = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*bound = *address;
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    (family != AF_INET6 ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) == 0) &&
	    bind(fd, &address->socket.any, address->length) == 0 && listen(fd, SOMAXCONN) == 0 &&
	    getsockname(fd, &bound->socket.any, &bound->length) == 0)
		return fd;
	int number = errno;
	if (fd >= 0)
		close(fd);
	http_address_format(address, text);
	if (number == EADDRINUSE)
		err_set(err, "listen at %s: the port is taken by another program", text);
	else
		err_errno(err, number, "listen at %s", text);
	return -1;
}

/* Some beyond those that are served, so that there is somebody to answer 503; and never
 * so many that what else the daemon does is short of descriptors. */
static unsigned limit_connections(struct http_server *server)
{
	enum { REFUSED_MAX = HTTP_CONNECTIONS_MAX / 8 };
	long room = descriptors_raise() - HTTP_DESCRIPTORS_LEFT;
	long all = HTTP_CONNECTIONS_MAX + REFUSED_MAX;

	if (room < all)
		all = room > 1 ? room : 1;
	server->connections_max = (unsigned)(all - all / 9);
	return (unsigned)all;
}

static struct MHD_Daemon *start_mhd(struct http_server *server, int fd, bool has_tls)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)http_tls_retrieve},
		{MHD_OPTION_HTTPS_PRIORITIES, 0,
		 (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
		{MHD_OPTION_END, 0, NULL},
	};

	if (server->address.socket.any.sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (has_tls)
		flags |= MHD_USE_TLS;
	return MHD_start_daemon(flags, 0, NULL, NULL, exchange_on_request, server,
				MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK,
				exchange_on_target, server, MHD_OPTION_NOTIFY_COMPLETED,
				exchange_on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
				crowd_on_connection, &server->crowd, MHD_OPTION_CONNECTION_LIMIT,
				limit_connections(server), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				(size_t)HTTP_HEADERS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				(unsigned)HTTP_IDLE_TIMEOUT_S, MHD_OPTION_ARRAY,
				has_tls ? tls : &tls[2], MHD_OPTION_END);
}

static size_t usual_body_max(void *context, const char *method, const struct http_target *target)
{
	(void)context, (void)method, (void)target;
	return HTTP_BODY_MAX;
}

struct http_server *http_server_create(struct loop *loop, const struct http_server_options *options,
				       struct err *err)
{
	struct http_server *server = mem_alloc(sizeof(*server));

	server->loop = loop;
	server->handler = options->handler;
	server->body_max = options->body_max ? options->body_max : usual_body_max;
	server->context = options->context;
	int fd = open_socket(options->address, &server->address, err);
	if (fd < 0) {
		free(server);
		return NULL;
	}
	errno = 0;
	server->mhd = start_mhd(server, fd, options->tls != NULL);
	if (!server->mhd) {
		/* It says no more than that; the system's word is the best guess. */
		err_errno(err, errno ? errno : ENOMEM, "start the HTTP server");
		close(fd);
		free(server);
		return NULL;
	}
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	server->timer = loop_timer_create(loop, on_timer, server);
	server->deadline = loop_timer_create(loop, on_deadline, server);
	server->watch = loop_fd_create(loop, info->epoll_fd, LOOP_READ, on_ready, server, err);
	if (!server->watch) {
		http_server_destroy(server);
		return NULL;
	}
	arm(server);
	return server;
}

void http_server_drain(struct http_server *server, int64_t at_most_ms)
{
	int64_t end = exchange_clock_ms() + at_most_ms, left;
	MHD_socket listening = MHD_quiesce_daemon(server->mhd);

	if (listening != MHD_INVALID_SOCKET)
		close(listening);
	server->is_draining = true;
	while (server->waiting.next) /* each is asked once more, and cut */
		exchange_resume(server->waiting.next);
	while (server->exchanges > 0 && (left = end - exchange_clock_ms()) > 0)
		MHD_run_wait(server->mhd, (int32_t)left);
}

void http_server_destroy(struct http_server *server)
{
	if (!server)
		return;
	server->is_stopping = true;
	loop_fd_destroy(server->watch);
	/* MHD does not stop with connections suspended. */
	while (server->waiting.next)
		exchange_resume(server->waiting.next);
	MHD_stop_daemon(server->mhd);
	assert(!server->arriving.next && !server->waiting.next);
	loop_timer_destroy(server->deadline);
	loop_timer_destroy(server->timer);
	free(server);
}

const struct http_address *http_server_address(const struct http_server *server)
{
	return &server->address;
}

void http_server_wake(struct http_server *server, uint64_t topic)
{
	bool woken = false;

	for (struct http_exchange *x = server->waiting.next, *next; x; x = next) {
		next = x->next;
		if (x->response.stream.topic != topic)
			continue;
		exchange_resume(x);
		woken = true;
	}
	if (woken)
		loop_timer_start(server->timer, 0);
}
