/*
 * routes.c - the one table of routes: it drives dispatch, 404, 405, and the manual's
 * test.
 */
#include <string.h>

#include "internal.h"

static const struct api_route routes[] = {
	{"GET", "/health", "whether belfry does its work: 200, or 503 with what is wrong",
	 health_get},
	{"GET", "/api/v1/jobs", "every job of the file, with how it has been doing", jobs_list},
	{"GET", "/api/v1/jobs/{job}", "one job", jobs_get},
	{"POST", "/api/v1/jobs/{job}/trigger", "start a run now, with {\"dry_run\":true} a dry one",
	 jobs_trigger},
	{"POST", "/api/v1/jobs/{job}/pause",
	 "nothing of it starts by itself, for a time or until it is resumed", pauses_begin},
	{"POST", "/api/v1/jobs/{job}/resume", "it does again", pauses_end},
	{"GET", "/api/v1/runs", "runs, newest first, in pages", runs_list},
	{"GET", "/api/v1/runs/{id}", "one run with its attempts", runs_get},
	{"GET", "/api/v1/runs/{id}/log", "its output; with follow=true until it has ended",
	 logs_get},
	{"POST", "/api/v1/runs/{id}/cancel", "end a run", runs_cancel},
	{"GET", "/api/v1/occurrences", "due instants and what became of them, newest first",
	 occurrences_list},
	{"GET", "/api/v1/revisions", "applied versions of schedules.json, newest first",
	 revisions_list},
};
enum { ROUTE_COUNT = sizeof(routes) / sizeof(routes[0]) };

size_t api_routes(const struct api_route **rows)
{
	*rows = routes;
	return ROUTE_COUNT;
}

/* Segment by segment; "{…}" takes any one that is not empty. */
static bool matches(const char *pattern, const struct http_target *target, const char **parameter)
{
	size_t i = 0;

	for (const char *at = pattern + 1; at[-1]; i++) {
		size_t length = strcspn(at, "/");

		if (i == target->segment_count)
			return false;
		const char *segment = target->segments[i];
		bool is_equal = strlen(segment) == length && memcmp(segment, at, length) == 0;
		if (at[0] == '{' && segment[0] != '\0')
			*parameter = segment;
		else if (!is_equal)
			return false;
		at += length + 1;
	}
	return i == target->segment_count;
}

static bool takes(const struct api_route *route, const char *method)
{
	bool is_head = strcmp(method, "HEAD") == 0; /* the server leaves the body out */

	return strcmp(route->method, is_head ? "GET" : method) == 0;
}

static void refuse_method(struct api_call *call, const char *allow)
{
	http_problem(call->response, 405, "%s is not for this path; it takes %s",
		     call->request->method, allow);
	call->response->allow = allow;
}

static void refuse_path(struct api_call *call)
{
	http_problem(call->response, 404, "there is nothing at %s", call->request->target->path);
}

void routes_dispatch(struct api_call *call)
{
	struct buf allow = {0};

	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		const struct api_route *route = &routes[i];

		call->parameter = NULL;
		if (!matches(route->pattern, call->request->target, &call->parameter))
			continue;
		if (takes(route, call->request->method)) {
			buf_finish(&allow);
			route->handler(call);
			return;
		}
		buf_format(&allow, "%s%s", allow.length ? ", " : "", route->method);
		if (strcmp(route->method, "GET") == 0)
			buf_text(&allow, ", HEAD");
	}
	if (allow.length)
		refuse_method(call, arena_text(call->request->arena, buf_string(&allow)));
	else
		refuse_path(call);
	buf_finish(&allow);
}
