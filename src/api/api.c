/*
 * api.c - the API as a whole: its server, and who may talk to it.
 *
 * Without tokens the loopback interface is the fence. A browser on this machine is
 * inside of it, with pages of the whole world in it: those are told by the name they
 * call us by (DNS rebinding) and by the origin they come from.
 */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"
#include "str.h"

static bool is_foreign_host(const struct api *api, const struct http_request *request)
{
	const char *host = http_request_header(request, "Host");

	/* Beyond this machine belfry has names that it does not know, and tokens, which a page
	 * has none of; a trusted proxy hands on the name that it was called by. */
	if (api->world->is_exposed || http_proxies_trust(&api->proxies, &request->peer))
		return false;
	return host && !http_host_is_loopback(host);
}

/* Only a page that belfry served itself has this origin. */
static bool is_foreign_origin(const struct api *api, const struct http_request *request)
{
	const char *origin = http_request_header(request, "Origin");
	const char *host = http_request_header(request, "Host");
	const char *scheme = api->has_tls ? "https://" : "http://";

	if (!origin)
		return false;
	/* Before a proxy it may be another one. */
	if (http_proxies_trust(&api->proxies, &request->peer) && strstr(origin, "://"))
		return !host || strcasecmp(strstr(origin, "://") + 3, host) != 0;
	return !host || strncasecmp(origin, scheme, strlen(scheme)) != 0 ||
	       strcasecmp(origin + strlen(scheme), host) != 0;
}

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";
	size_t length = sizeof(json) - 1;

	return content_type && strncasecmp(content_type, json, length) == 0 &&
	       strchr("; \t", content_type[length]);
}

/* Whether an If-None-Match header has that tag, or "*" (RFC 9110, 13.1.2). */
static bool matches(const char *header, const char *tag)
{
	for (const char *at = header; at && *at;) {
		at += strspn(at, ", \t");
		if (strncmp(at, "W/", 2) == 0)
			at += 2;
		size_t length = strcspn(at, ", \t");

		if ((length == 1 && *at == '*') ||
		    (length == strlen(tag) && memcmp(at, tag, length) == 0))
			return true;
		at += length;
	}
	return false;
}

/* What a client has already is not sent again. The tag is weak: a body that was
 * compressed has other bytes and says the same. */
static void tag(const struct http_request *request, struct http_response *response)
{
	bool is_read = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
	char text[32];

	if (!is_read || response->status != 200 || response->stream.next)
		return;
	uint64_t hash = str_quick_hash(STR_HASH_INIT, response->body.data, response->body.length);
	snprintf(text, sizeof(text), "\"%016llx\"", (unsigned long long)hash);
	http_response_header(response, "ETag", arena_format(request->arena, "W/%s", text));
	if (!matches(http_request_header(request, "If-None-Match"), text))
		return;
	response->status = 304;
	response->content_type = NULL;
	buf_finish(&response->body);
	response->body = (struct buf){0};
}

/* A page of another origin may have its browser ask even without saying Origin: a link,
 * a picture. Browsers say so (Fetch Metadata, W3C). */
static bool is_cross_site(const struct http_request *request)
{
	const char *site = http_request_header(request, "Sec-Fetch-Site");

	return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

static void on_request(void *context, const struct http_request *request,
		       struct http_response *response)
{
	struct api_call call = {.api = context, .request = request, .response = response};

	if (is_foreign_host(call.api, request))
		http_problem(response, 403,
			     "the Host header must name this machine's loopback interface, such "
			     "as 127.0.0.1 or localhost");
	else if (is_foreign_origin(call.api, request) || is_cross_site(request))
		http_problem(response, 403, "requests from pages of other origins are refused");
	else if (request->body_length > 0 && strcmp(request->method, "POST") == 0 &&
		 !is_json(http_request_header(request, "Content-Type")))
		http_problem(response, 415,
			     "the body must be application/json, and say so in its "
			     "Content-Type header");
	else
		routes_dispatch(&call);
	tag(request, response);
}

static size_t body_max(void *context, const char *method, const struct http_target *target)
{
	(void)context, (void)method;
	return routes_takes_file(target) ? API_FILE_MAX : HTTP_BODY_MAX;
}

struct api *api_create(struct loop *loop, const struct api_options *options, struct err *err)
{
	struct api *api = mem_alloc(sizeof(*api));

	api->world = options->world;
	api->has_tls = options->tls != NULL;
	api->doors = options->doors;
	api->proxies = options->proxies;
	api->server = http_server_create(loop,
					 &(struct http_server_options){.address = options->address,
								       .tls = options->tls,
								       .handler = on_request,
								       .body_max = body_max,
								       .context = api},
					 err);
	if (!api->server) {
		free(api);
		return NULL;
	}
	api->beat = loop_timer_create(loop, stream_beat, api);
	api->events.next = 1;
	api->events.epoch = (uint64_t)api->doors.now(api->doors.context).ms;
	return api;
}

void api_drain(struct api *api)
{
	enum { DRAIN_MS = 5000 };

	http_server_drain(api->server, DRAIN_MS);
}

void api_destroy(struct api *api)
{
	if (!api)
		return;
	http_server_destroy(api->server);
	loop_timer_destroy(api->beat);
	free(api);
}

const struct http_address *api_address(const struct api *api)
{
	return http_server_address(api->server);
}

void api_run_changed(struct api *api, uint64_t run)
{
	http_server_wake(api->server, run);
	stream_run(api, run);
}

void api_revision_changed(struct api *api, int64_t number)
{
	stream_revision(api, number);
}
