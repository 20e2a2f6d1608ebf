/*
 * api.c - the API as a whole: its server, and who may talk to it.
 *
 * Without tokens the loopback interface is the fence. A browser on this machine is
 * inside of it, with pages of the whole world in it: those are told by the name they
 * call us by (DNS rebinding) and by the origin they come from.
 */
#include "api.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static bool is_foreign_host(const struct http_request *request)
{
	const char *host = http_request_header(request, "Host");

	return host && !http_host_is_loopback(host);
}

/* Only a page that belfry served itself has this origin. */
static bool is_foreign_origin(const struct http_request *request)
{
	static const char scheme[] = "http://";
	const char *origin = http_request_header(request, "Origin");
	const char *host = http_request_header(request, "Host");

	return origin && (!host || strncasecmp(origin, scheme, sizeof(scheme) - 1) != 0 ||
			  strcasecmp(origin + sizeof(scheme) - 1, host) != 0);
}

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";
	size_t length = sizeof(json) - 1;

	return content_type && strncasecmp(content_type, json, length) == 0 &&
	       strchr("; \t", content_type[length]);
}

static void on_request(void *context, const struct http_request *request,
		       struct http_response *response)
{
	struct api_call call = {.api = context, .request = request, .response = response};

	if (is_foreign_host(request))
		http_problem(response, 403,
			     "the Host header must name this machine's loopback interface, such "
			     "as 127.0.0.1 or localhost");
	else if (is_foreign_origin(request))
		http_problem(response, 403, "requests from pages of other origins are refused");
	else if (request->body_length > 0 && strcmp(request->method, "POST") == 0 &&
		 !is_json(http_request_header(request, "Content-Type")))
		http_problem(response, 415,
			     "the body must be application/json, and say so in its "
			     "Content-Type header");
	else
		routes_dispatch(&call);
}

static size_t body_max(void *context, const char *method, const struct http_target *target)
{
	(void)context, (void)method;
	return routes_takes_file(target) ? API_FILE_MAX : HTTP_BODY_MAX;
}

struct api *api_create(struct loop *loop, const struct http_address *address,
		       const struct api_world *world, const struct api_doors *doors,
		       struct err *err)
{
	struct api *api = mem_alloc(sizeof(*api));

	api->world = world;
	api->doors = *doors;
	api->server = http_server_create(loop,
					 &(struct http_server_options){.address = address,
								       .handler = on_request,
								       .body_max = body_max,
								       .context = api},
					 err);
	if (!api->server) {
		free(api);
		return NULL;
	}
	return api;
}

void api_destroy(struct api *api)
{
	if (!api)
		return;
	http_server_destroy(api->server);
	free(api);
}

const struct http_address *api_address(const struct api *api)
{
	return http_server_address(api->server);
}

void api_run_changed(struct api *api, uint64_t run)
{
	http_server_wake(api->server, run);
}
