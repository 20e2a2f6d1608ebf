/* http_client.c - libcurl's easy interface, blocking; see http_client.h. */
#include "http_client.h"

#include <curl/curl.h>
#include <errno.h>
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
	if (transfer->call->data && status >= 200 && status < 300) {
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

	if (call->token) {
		struct buf line = {0};

		buf_format(&line, "Authorization: Bearer %s", call->token);
		headers = curl_slist_append(headers, buf_string(&line));
		buf_finish(&line);
	}
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
	if (http_url_is_loopback(url)) /* no proxy between us and our own machine */
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (strcmp(call->method, "GET") != 0) {
		const char *body = call->body ? call->body : "";

		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)call->body_length);
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
	}
}

bool http_client_send(const struct http_call *call, struct http_reply *reply, struct err *err)
{
	char detail[CURL_ERROR_SIZE] = "";
	struct buf url = {0};
	CURL *curl = curl_easy_init();
	struct transfer transfer = {.curl = curl, .call = call, .reply = reply};
	long status = 0;

	*reply = (struct http_reply){0};
	if (!curl)
		return err_set(err, "libcurl cannot be set up");
	make_url(call, &url);
	struct curl_slist *headers = make_headers(call);
	set_up(curl, call, buf_string(&url), detail, headers, &transfer);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	reply->status = (int)status;
	bool ok = code == CURLE_OK || transfer.was_ended;
	if (!ok)
		describe(curl, code, detail, &url, err);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	buf_finish(&url);
	return ok;
}
