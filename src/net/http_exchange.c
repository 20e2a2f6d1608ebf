/* http_exchange.c - requests collected, responses sent; see http_exchange.h. */
#include "http_exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

/* A body that is too long is read to its end up to so many bytes more, so that the
 * client reads our answer instead of a broken pipe. */
#define DRAIN_MAX ((size_t)16 << 20)

int64_t exchange_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- lists ---- */

static void list_add(struct http_exchange *head, struct http_exchange *x)
{
	x->previous = head;
	x->next = head->next;
	if (x->next)
		x->next->previous = x;
	head->next = x;
}

static void list_remove(struct http_exchange *x)
{
	if (!x->previous)
		return;
	x->previous->next = x->next;
	if (x->next)
		x->next->previous = x->previous;
	x->previous = x->next = NULL;
}

/* ---- streams ---- */

/* While a stream waits MHD does not look at its socket. A client that hangs up is
 * noticed here; one that sends early is not listened to until its turn. */
static void on_hangup(void *context, unsigned ready)
{
	struct http_exchange *x = context;
	char byte;

	(void)ready;
	if (recv(x->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		loop_fd_interest(x->hangup, 0);
		return;
	}
	x->has_ended = true;
	exchange_resume(x);
	loop_timer_start(x->server->timer, 0);
}

static ssize_t suspend(struct http_exchange *x)
{
	MHD_suspend_connection(x->connection);
	list_add(&x->server->waiting, x);
	x->hangup = loop_fd_create(x->server->loop, x->fd, LOOP_READ, on_hangup, x, NULL);
	return 0;
}

void exchange_resume(struct http_exchange *x)
{
	list_remove(x);
	loop_fd_destroy(x->hangup);
	x->hangup = NULL;
	MHD_resume_connection(x->connection);
}

static void compress_pending(struct http_exchange *x)
{
	struct buf plain = x->pending;

	x->pending = (struct buf){0};
	http_gzip_add(x->gzip, buf_string(&plain), plain.length, x->has_ended, &x->pending);
	buf_finish(&plain);
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t max)
{
	struct http_exchange *x = context;
	struct http_stream *stream = &x->response.stream;

	(void)position;
	if (x->sent == x->pending.length) {
		buf_clear(&x->pending);
		x->sent = 0;
		if (x->server->is_stopping)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (x->has_ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		switch (stream->next(stream->context, &x->pending)) {
		case HTTP_MORE: break;
		case HTTP_WAIT:
			/* Cut, and not ended: who follows a log must not take it for all. */
			if (x->pending.length == 0)
				return x->server->is_draining ? MHD_CONTENT_READER_END_WITH_ERROR
							      : suspend(x);
			break;
		case HTTP_END: x->has_ended = true; break;
		case HTTP_FAIL: return MHD_CONTENT_READER_END_WITH_ERROR;
		}
		if (x->gzip && (x->pending.length || x->has_ended))
			compress_pending(x);
		if (x->pending.length == 0)
			return x->has_ended ? MHD_CONTENT_READER_END_OF_STREAM : 0;
	}
	size_t n = x->pending.length - x->sent;
	if (n > max)
		n = max;
	memcpy(out, x->pending.data + x->sent, n);
	x->sent += n;
	return (ssize_t)n;
}

/* ---- responses ---- */

/* True if it goes compressed; a stream then has somebody to do it. */
static bool compress(struct http_exchange *x)
{
	struct http_response *response = &x->response;
	bool is_stream = response->stream.next != NULL;
	struct buf out = {0};

	if (response->status != 200 || (!is_stream && response->body.length < HTTP_GZIP_LEAST) ||
	    !http_gzip_is_taken(MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
							    MHD_HTTP_HEADER_ACCEPT_ENCODING)))
		return false;
	x->gzip = http_gzip_create();
	if (!x->gzip || is_stream)
		return x->gzip != NULL;
	http_gzip_add(x->gzip, response->body.data, response->body.length, true, &out);
	buf_finish(&response->body);
	response->body = out;
	return true;
}

static struct MHD_Response *make_response(struct http_exchange *x)
{
	struct http_response *response = &x->response;
	struct buf body = response->body;

	if (response->stream.next)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16 << 10, read_stream, x,
							 NULL);
	response->body = (struct buf){0};
	return MHD_create_response_from_buffer(body.length, body.data, MHD_RESPMEM_MUST_FREE);
}

static void add_headers(struct MHD_Response *mhd, const struct http_exchange *x, bool is_compressed)
{
	const struct http_response *response = &x->response;

	if (response->content_type)
		MHD_add_response_header(mhd, "Content-Type", response->content_type);
	for (size_t i = 0; i < response->header_count; i++)
		MHD_add_response_header(mhd, response->headers[i].name, response->headers[i].value);
	if (is_compressed)
		MHD_add_response_header(mhd, "Content-Encoding", "gzip");
	MHD_add_response_header(mhd, "Vary", "Accept-Encoding");
	/* A cache may keep it, and asks each time whether it still holds. */
	MHD_add_response_header(mhd, "Cache-Control", "no-cache, private");
	MHD_add_response_header(mhd, "X-Content-Type-Options", "nosniff");
	if (response->status == 503 || x->is_last || x->server->is_draining)
		MHD_add_response_header(mhd, "Connection", "close");
}

static enum MHD_Result send_response(struct http_exchange *x)
{
	struct http_response *response = &x->response;

	list_remove(x);
	if (response->stream.next && x->server->streams >= HTTP_STREAMS_MAX) {
		if (response->stream.destroy)
			response->stream.destroy(response->stream.context);
		*response = (struct http_response){0};
		http_problem(response, 503, "too many streams are open; at most %d are served",
			     HTTP_STREAMS_MAX);
	}
	x->server->streams += response->stream.next != NULL;
	bool is_compressed = compress(x);
	struct MHD_Response *mhd = make_response(x);
	if (!mhd)
		return MHD_NO;
	crowd_answered(x->connection, true);
	add_headers(mhd, x, is_compressed);
	enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)response->status, mhd);
	MHD_destroy_response(mhd);
	return result;
}

static const char *title_of(int status)
{
	switch (status) {
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 409: return "Conflict";
	case 413: return "Content Too Large";
	case 412: return "Precondition Failed";
	case 416: return "Range Not Satisfiable";
	case 415: return "Unsupported Media Type";
	case 421: return "Misdirected Request";
	case 422: return "Unprocessable Content";
	case 429: return "Too Many Requests";
	case 503: return "Service Unavailable";
	default: return "Internal Server Error";
	}
}

void http_response_header(struct http_response *response, const char *name, const char *value)
{
	assert(response->header_count < HTTP_HEADERS_OUT);
	response->headers[response->header_count].name = name;
	response->headers[response->header_count].value = value;
	response->header_count++;
}

void http_problem(struct http_response *response, int status, const char *detail, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, detail);
	buf_vformat(&text, detail, args);
	va_end(args);
	response->status = status;
	response->content_type = "application/problem+json";
	buf_clear(&response->body);
	buf_json_open(&response->body, NULL, '{');
	buf_json_text(&response->body, "type", "about:blank");
	buf_json_text(&response->body, "title", title_of(status));
	buf_json_int(&response->body, "status", status);
	buf_json_bytes(&response->body, "detail", buf_string(&text), text.length);
	buf_json_close(&response->body, '}');
	buf_char(&response->body, '\n');
	buf_finish(&text);
}

/* ---- requests ---- */

static void take_peer(struct http_exchange *x, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	if (!address)
		return;
	x->peer.length = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							: sizeof(struct sockaddr_in);
	memcpy(&x->peer.socket, address, x->peer.length);
}

void *exchange_on_target(void *server, const char *target, struct MHD_Connection *connection)
{
	struct http_exchange *x = mem_alloc(sizeof(*x));
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	x->server = server;
	x->server->exchanges++;
	x->fd = info->connect_fd;
	take_peer(x, connection);
	x->deadline_ms = exchange_clock_ms() + HTTP_REQUEST_TIMEOUT_MS;
	x->is_bad_target = !http_target_parse(&x->arena, target, &x->target);
	if (!x->server->arriving.next)
		loop_timer_start(x->server->deadline, HTTP_REQUEST_TIMEOUT_MS);
	list_add(&x->server->arriving, x);
	return x;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	const struct http_exchange *x = request->exchange;

	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

static size_t announced_length(struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text ? strtoull(text, NULL, 10) : 0;
}

static void refuse_length(struct http_exchange *x)
{
	http_problem(&x->response, 413, "the body is longer than %zu bytes", x->body_max);
}

struct framing {
	unsigned lengths, codings;
	bool is_crooked; /* a length that is no plain number, a coding that we do not know */
};

static enum MHD_Result note_framing(void *context, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	struct framing *framing = context;

	(void)kind;
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		framing->lengths++;
		if (!value || !*value || value[strspn(value, "0123456789")])
			framing->is_crooked = true;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		framing->codings++;
		if (!value || strcasecmp(value, "chunked") != 0)
			framing->is_crooked = true;
	}
	return MHD_YES;
}

/* Where a request ends has to be beyond doubt: two readers of the same bytes could else
 * take them for one request or for two (RFC 9112, 6.1 and 11.2). */
static bool is_framing_clear(const struct http_exchange *x)
{
	struct framing framing = {0};

	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, note_framing, &framing);
	return framing.lengths + framing.codings <= 1 && !framing.is_crooked;
}

/* The headers have come. Says no at once where nothing of the body is wanted. */
static enum MHD_Result begin(struct http_exchange *x, const char *method)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(x->server->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	if (info->num_connections > x->server->connections_max) {
		http_problem(&x->response, 503, "too many connections; at most %u are served",
			     x->server->connections_max);
		return send_response(x);
	}
	if (!is_framing_clear(x)) {
		x->is_last = true;
		http_problem(&x->response, 400,
			     "how long the body is must be told once, by a Content-Length or by "
			     "Transfer-Encoding: chunked");
		return send_response(x);
	}
	x->body_max = x->is_bad_target
			      ? HTTP_BODY_MAX
			      : x->server->body_max(x->server->context, method, &x->target);
	if (announced_length(x->connection) > x->body_max + DRAIN_MAX) {
		refuse_length(x);
		return send_response(x);
	}
	return MHD_YES;
}

static enum MHD_Result collect(struct http_exchange *x, const char *data, size_t size)
{
	x->body_seen += size;
	if (x->body_seen <= x->body_max)
		buf_add(&x->body, data, size);
	return x->body_seen <= x->body_max + DRAIN_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result answer(struct http_exchange *x, const char *method)
{
	struct http_request request = {
		.method = method,
		.target = &x->target,
		.peer = x->peer,
		.body = buf_string(&x->body),
		.body_length = x->body.length,
		.arena = &x->arena,
		.exchange = x,
	};

	if (x->body_seen > x->body_max)
		refuse_length(x);
	else if (x->server->is_draining)
		http_problem(&x->response, 503, "this belfry is stopping");
	else if (x->is_bad_target)
		http_problem(&x->response, 400, "the path or the query is not well formed");
	else
		x->server->handler(x->server->context, &request, &x->response);
	return send_response(x);
}

enum MHD_Result exchange_on_request(void *server, struct MHD_Connection *connection,
				    const char *url, const char *method, const char *version,
				    const char *data, size_t *size, void **exchange)
{
	struct http_exchange *x = *exchange;

	(void)server, (void)url, (void)version;
	if (!x->connection) {
		x->connection = connection;
		return begin(x, method);
	}
	if (*size == 0)
		return answer(x, method);
	size_t n = *size;
	*size = 0;
	return collect(x, data, n);
}

void exchange_on_completed(void *server, struct MHD_Connection *connection, void **exchange,
			   enum MHD_RequestTerminationCode code)
{
	struct http_exchange *x = *exchange;

	(void)server, (void)code;
	if (!x)
		return;
	crowd_answered(connection, false);
	x->server->exchanges--;
	list_remove(x);
	loop_fd_destroy(x->hangup);
	if (x->response.stream.next) {
		x->server->streams--;
		if (x->response.stream.destroy)
			x->response.stream.destroy(x->response.stream.context);
	}
	buf_finish(&x->response.body);
	http_gzip_destroy(x->gzip);
	buf_finish(&x->pending);
	buf_finish(&x->body);
	arena_finish(&x->arena);
	free(x);
	*exchange = NULL;
}
