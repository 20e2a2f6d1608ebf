/* http_client.c - libcurl's easy interface, blocking; see http_client.h. */
#include "http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http_address.h"

enum { CONNECT_TIMEOUT_MS = 5000, REPLY_MAX = 256 << 20 };

struct transfer {
	CURL *curl;
	const struct http_call *call;
	struct http_reply *reply;
	bool was_ended; /* by the data call back */
};

static size_t on_data(char *data, size_t unit, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t length = unit * count;
	long status = 0;

	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	bool is_taken = transfer->call->takes_any || (status >= 200 && status < 300);
	if (transfer->call->data && is_taken) {
		if (transfer->call->data(transfer->call->context, data, length))
			return length;
		transfer->was_ended = true;
		return 0;
	}
	if (transfer->reply->body.length + length > REPLY_MAX)
		return 0;
	buf_add(&transfer->reply->body, data, length);
	return length;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		       curl_off_t up)
{
	const struct http_call *call = context;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	call->tick(call->context);
	return 0;
}

static void make_url(const struct http_call *call, struct buf *url)
{
	size_t length = strlen(call->server);

	if (!strstr(call->server, "://"))
		buf_text(url, "http://");
	while (length > 0 && call->server[length - 1] == '/')
		length--;
	buf_add(url, call->server, length);
	buf_text(url, call->target);
}

/* ---- what went wrong ---- */

static enum http_failure kind_of_timeout(CURL *curl)
{
	curl_off_t named = 0, connected = 0;

	curl_easy_getinfo(curl, CURLINFO_NAMELOOKUP_TIME_T, &named);
	curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected);
	return connected ? HTTP_NO_ANSWER : named ? HTTP_NO_CONNECTION : HTTP_NO_NAME;
}

static enum http_failure kind_of_connect(CURL *curl)
{
	long number = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
	return number == ECONNREFUSED ? HTTP_REFUSED
	       : number == ETIMEDOUT  ? HTTP_NO_CONNECTION
				      : HTTP_UNREACHABLE;
}

static enum http_failure kind_of(CURL *curl, CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK: return HTTP_ANSWERED;
	case CURLE_URL_MALFORMAT: return HTTP_BAD_ADDRESS;
	case CURLE_COULDNT_RESOLVE_HOST: return HTTP_NO_NAME;
	case CURLE_COULDNT_CONNECT: return kind_of_connect(curl);
	case CURLE_OPERATION_TIMEDOUT: return kind_of_timeout(curl);
	case CURLE_PEER_FAILED_VERIFICATION: return HTTP_BAD_CERTIFICATE;
	case CURLE_SSL_CONNECT_ERROR: return HTTP_NO_TLS;
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, which is any text at all */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM: return HTTP_NO_HTTP;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR: return HTTP_BROKE_OFF;
	default: return HTTP_FAILED;
	}
}

static void keep_failure(CURL *curl, CURLcode code, const char *detail, struct http_reply *reply)
{
	reply->failure = kind_of(curl, code);
	snprintf(reply->why, sizeof(reply->why), "%s",
		 detail[0] ? detail : curl_easy_strerror(code));
}

static bool describe(CURL *curl, CURLcode code, const char *detail, const struct buf *url,
		     struct err *err)
{
	const char *start = strstr(buf_string(url), "://") + 3;
	size_t length = (size_t)(start - buf_string(url)) + strcspn(start, "/?");
	const char *why = detail[0] ? detail : curl_easy_strerror(code);
	long number = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_COULDNT_CONNECT && number == ECONNREFUSED)
		why = "connection refused";
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	    (code == CURLE_OPERATION_TIMEDOUT && strstr(why, "onnect")))
		return err_set(err,
			       "cannot reach belfry at %.*s: %s; is `belfry serve` running? Use "
			       "--server or BELFRY_SERVER",
			       (int)length, buf_string(url), why);
	if (code == CURLE_SSL_CONNECT_ERROR)
		return err_set(err, "%.*s: that port does not speak TLS; try http:// (%s)",
			       (int)length, buf_string(url), why);
	return err_set(err, "ask belfry at %.*s: %s", (int)length, buf_string(url), why);
}

static struct curl_slist *make_headers(const struct http_call *call)
{
	struct curl_slist *headers = NULL;

	if (call->token || call->authorization) {
		struct buf line = {0};

		buf_format(&line, "Authorization: %s%s", call->authorization ? "" : "Bearer ",
			   call->authorization ? call->authorization : call->token);
		headers = curl_slist_append(headers, buf_string(&line));
		buf_finish(&line);
	}
	for (const char *const *line = call->headers; line && *line; line++)
		headers = curl_slist_append(headers, *line);
	if (call->body)
		headers = curl_slist_append(headers, "Content-Type: application/json");
	return headers;
}

static void set_up(CURL *curl, const struct http_call *call, const char *url, char *detail,
		   struct curl_slist *headers, struct transfer *transfer)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "belfry");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	if (call->cacert)
		curl_easy_setopt(curl, CURLOPT_CAINFO, call->cacert);
	if (call->tick) {
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, call);
	}
	if (http_url_is_loopback(url)) /* no proxy between us and our own machine */
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (strcmp(call->method, "GET") != 0) {
		const char *body = call->body ? call->body : "";

		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)call->body_length);
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
	}
}

static void keep_location(CURL *curl, struct http_reply *reply)
{
	struct curl_header *header;

	if (reply->status >= 300 && reply->status < 400 &&
	    curl_easy_header(curl, "Location", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		buf_text(&reply->location, header->value);
}

bool http_client_send(const struct http_call *call, struct http_reply *reply, struct err *err)
{
	char detail[CURL_ERROR_SIZE] = "";
	struct buf url = {0};
	CURL *curl = curl_easy_init();
	struct transfer transfer = {.curl = curl, .call = call, .reply = reply};
	curl_off_t retry_after = 0;
	long status = 0;

	*reply = (struct http_reply){0};
	if (!curl) {
		reply->failure = HTTP_FAILED;
		snprintf(reply->why, sizeof(reply->why), "libcurl cannot be set up");
		return err_set(err, "%s", reply->why);
	}
	make_url(call, &url);
	struct curl_slist *headers = make_headers(call);
	set_up(curl, call, buf_string(&url), detail, headers, &transfer);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	reply->status = (int)status;
	keep_location(curl, reply);
	curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
	reply->retry_after_s = (int64_t)retry_after;
	bool ok = code == CURLE_OK || transfer.was_ended;
	if (!ok) {
		keep_failure(curl, code, detail, reply);
		describe(curl, code, detail, &url, err);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	buf_finish(&url);
	return ok;
}

void http_reply_finish(struct http_reply *reply)
{
	buf_finish(&reply->location);
	buf_finish(&reply->body);
}
