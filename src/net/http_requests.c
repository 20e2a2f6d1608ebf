/*
 * http_requests.c - libcurl's multi interface driven by the loop; see http_requests.h.
 *
 * libcurl says which sockets it waits for and until when (curl_multi_socket_action(3)):
 * a watch for each socket, one timer for all. Answers are handed over once libcurl has
 * returned, as whoever hears one may send the next or cancel another.
 */
#include "http_requests.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "http_address.h"
#include "mem.h"

enum { CONNECT_TIMEOUT_MS = 10000, ANSWER_MAX = 32 << 20 };

struct http_sent {
	struct http_sent *previous, *next; /* of those under way */
	struct http_sent *next_over;       /* of those to be answered */
	struct http_requests *requests;
	CURL *curl;
	struct curl_slist *headers;
	struct buf body, answer;
	char detail[CURL_ERROR_SIZE];
	http_answered_fn *answered;
	void *context;
	bool is_over, is_canceled;
	CURLcode code;
};

/* A socket of libcurl's. */
struct watch {
	struct http_requests *requests;
	curl_socket_t fd;
	struct loop_fd *fd_watch;
};

struct http_requests {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer, *deliver;
	struct http_sent sent; /* head of the list of those under way */
	struct http_sent *over;
};

/* ---- answers ---- */

static void list_remove(struct http_sent *sent)
{
	sent->previous->next = sent->next;
	if (sent->next)
		sent->next->previous = sent->previous;
}

static void free_sent(struct http_sent *sent)
{
	curl_multi_remove_handle(sent->requests->multi, sent->curl);
	curl_easy_cleanup(sent->curl);
	curl_slist_free_all(sent->headers);
	buf_finish(&sent->body);
	buf_finish(&sent->answer);
	free(sent);
}

static const char *header_of(const struct http_sent *sent, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(sent->curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
		       ? header->value
		       : NULL;
}

/* Seconds; the other form, a date, is passed over (RFC 9110, 10.2.3). */
static int64_t retry_after_of(const struct http_sent *sent)
{
	const char *text = header_of(sent, "Retry-After");
	size_t digits = text ? strspn(text, "0123456789") : 0;

	return digits > 0 && digits < 10 && !text[digits] ? strtoll(text, NULL, 10) : -1;
}

static bool is_unsent(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_SSL_CONNECT_ERROR ||
	       code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_URL_MALFORMAT ||
	       code == CURLE_UNSUPPORTED_PROTOCOL;
}

static void answer(struct http_sent *sent)
{
	struct http_answer answer = {.body = buf_string(&sent->answer),
				     .length = sent->answer.length,
				     .retry_after_s = -1};
	long status = 0;

	curl_easy_getinfo(sent->curl, CURLINFO_RESPONSE_CODE, &status);
	if (sent->code == CURLE_OK) {
		answer.status = (int)status;
		answer.retry_after_s = retry_after_of(sent);
		answer.request_id = header_of(sent, "fly-request-id");
		if (!answer.request_id)
			answer.request_id = header_of(sent, "x-request-id");
	} else {
		answer.failure = sent->detail[0] ? sent->detail : curl_easy_strerror(sent->code);
		answer.is_unsent = is_unsent(sent->code);
	}
	sent->answered(sent->context, &answer);
}

static void on_deliver(void *context)
{
	struct http_requests *requests = context;
	struct http_sent *sent;

	/* One at a time: whoever hears an answer may cancel others. */
	while ((sent = requests->over)) {
		requests->over = sent->next_over;
		if (!sent->is_canceled)
			answer(sent);
		free_sent(sent);
	}
}

/* Answered, or canceled, when libcurl has returned. */
static void end(struct http_sent *sent)
{
	struct http_sent **last = &sent->requests->over;

	if (sent->is_over)
		return;
	sent->is_over = true;
	list_remove(sent);
	while (*last)
		last = &(*last)->next_over;
	*last = sent;
	loop_timer_start(sent->requests->deliver, 0);
}

/* ---- libcurl's side ---- */

static void collect(struct http_requests *requests)
{
	int left;

	for (CURLMsg *message; (message = curl_multi_info_read(requests->multi, &left));) {
		struct http_sent *sent = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&sent);
		sent->code = message->data.result;
		end(sent);
	}
}

static void act(struct http_requests *requests, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(requests->multi, fd, events, &running);
	collect(requests);
}

static void on_ready(void *context, unsigned ready)
{
	struct watch *watch = context;
	int events = (ready & LOOP_READ ? CURL_CSELECT_IN : 0) |
		     (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0);

	act(watch->requests, watch->fd, events);
}

static void on_timer(void *context)
{
	act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int on_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *of_socket)
{
	struct http_requests *requests = context;
	struct watch *watch = of_socket;
	unsigned interest =
		(what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	(void)curl;
	if (what == CURL_POLL_REMOVE) {
		if (watch)
			loop_fd_destroy(watch->fd_watch);
		free(watch);
		curl_multi_assign(requests->multi, fd, NULL);
		return 0;
	}
	if (watch) {
		loop_fd_interest(watch->fd_watch, interest);
		return 0;
	}
	watch = mem_alloc(sizeof(*watch));
	*watch = (struct watch){.requests = requests, .fd = fd};
	watch->fd_watch = loop_fd_create(requests->loop, fd, interest, on_ready, watch, NULL);
	curl_multi_assign(requests->multi, fd, watch);
	return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *context)
{
	struct http_requests *requests = context;

	(void)multi;
	if (timeout_ms < 0)
		loop_timer_stop(requests->timer);
	else
		loop_timer_start(requests->timer, timeout_ms);
	return 0;
}

static size_t on_data(char *data, size_t unit, size_t count, void *context)
{
	struct http_sent *sent = context;
	size_t length = unit * count;

	if (sent->answer.length + length > ANSWER_MAX)
		return 0;
	buf_add(&sent->answer, data, length);
	return length;
}

/* ---- sending ---- */

static void set_headers(struct http_sent *sent, const struct http_order *order)
{
	struct buf line = {0};

	if (order->authorization) {
		buf_format(&line, "Authorization: %s", order->authorization);
		sent->headers = curl_slist_append(sent->headers, buf_string(&line));
		buf_finish(&line);
	}
	if (order->body)
		sent->headers = curl_slist_append(sent->headers, "Content-Type: application/json");
	curl_easy_setopt(sent->curl, CURLOPT_HTTPHEADER, sent->headers);
}

static void set_up(struct http_sent *sent, const struct http_order *order)
{
	CURL *curl = sent->curl;

	curl_easy_setopt(curl, CURLOPT_URL, order->url);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, sent);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, sent->detail);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)order->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "belfry");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, sent);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, order->method);
	if (http_url_is_loopback(order->url)) /* no proxy between us and our own machine */
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	/* A connection that was kept may be dead: libcurl then sends the request again, blindly,
	 * on another one. What changes something goes on a fresh one, and once. */
	if (strcmp(order->method, "GET") != 0)
		curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	/* A resolver that hangs is left behind, and not waited for. */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	set_headers(sent, order);
	if (!order->body)
		return;
	buf_add(&sent->body, order->body, order->length);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_string(&sent->body));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)order->length);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, order->method);
}

struct http_sent *http_requests_send(struct http_requests *requests, const struct http_order *order)
{
	struct http_sent *sent = mem_alloc(sizeof(*sent));

	sent->requests = requests;
	sent->answered = order->answered;
	sent->context = order->context;
	sent->curl = curl_easy_init();
	if (!sent->curl)
		mem_exhausted();
	sent->previous = &requests->sent;
	sent->next = requests->sent.next;
	if (sent->next)
		sent->next->previous = sent;
	requests->sent.next = sent;
	set_up(sent, order);
	curl_multi_add_handle(requests->multi, sent->curl);
	return sent;
}

void http_requests_cancel(struct http_requests *requests, struct http_sent *sent)
{
	(void)requests;
	sent->is_canceled = true;
	end(sent);
}

struct http_requests *http_requests_create(struct loop *loop, struct err *err)
{
	struct http_requests *requests = mem_alloc(sizeof(*requests));

	requests->loop = loop;
	requests->multi = curl_multi_init();
	if (!requests->multi) {
		free(requests);
		err_set(err, "libcurl cannot be set up");
		return NULL;
	}
	requests->timer = loop_timer_create(loop, on_timer, requests);
	requests->deliver = loop_timer_create(loop, on_deliver, requests);
	curl_multi_setopt(requests->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(requests->multi, CURLMOPT_SOCKETDATA, requests);
	curl_multi_setopt(requests->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(requests->multi, CURLMOPT_TIMERDATA, requests);
	curl_multi_setopt(requests->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 16L);
	return requests;
}

void http_requests_destroy(struct http_requests *requests)
{
	if (!requests)
		return;
	for (struct http_sent *sent = requests->sent.next, *next; sent; sent = next) {
		next = sent->next;
		free_sent(sent);
	}
	for (struct http_sent *sent = requests->over, *next; sent; sent = next) {
		next = sent->next_over;
		free_sent(sent);
	}
	curl_multi_cleanup(requests->multi);
	loop_timer_destroy(requests->timer);
	loop_timer_destroy(requests->deliver);
	free(requests);
}
