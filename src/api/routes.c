/*
 * routes.c - the one table of routes: it drives dispatch, 404, 405, and the manual's
 * test.
 */
#include <string.h>

#include "internal.h"

static const struct api_route routes[] = {
	{"GET", "/health", "whether belfry does its work: 200, or 503 with what is wrong",
	 health_get, .is_open = true},
	{"GET", "/ready",
	 "whether it may be sent work: 200, or 503 while it stops or its store fails", ready_get,
	 .is_open = true},
	{"GET", "/openapi.json", "this document", openapi_get, .is_open = true},
	{"GET", "/metrics", "what is counted, for Prometheus: OpenMetrics, or its own older text",
	 metrics_get, .about = API_ABOUT_ALL},
	{"GET", "/api/v1/status", "belfry as a whole: health, lateness, the last downtime",
	 status_get, .about = API_ABOUT_ALL},
	{"GET", "/api/v1/summary",
	 "a window of time in numbers: runs by outcome, what did not run, who fails", summary_get,
	 .about = API_ABOUT_ALL},
	{"GET", "/api/v1/jobs", "every job of the file, with how it has been doing", jobs_list,
	 .about = API_ABOUT_ALL},
	{"GET", "/api/v1/jobs/{job}", "one job", jobs_get, .about = API_ABOUT_JOB},
	{"POST", "/api/v1/jobs/{job}/trigger", "start a run now, with {\"dry_run\":true} a dry one",
	 jobs_trigger, .scope = SCOPE_OPERATE, .about = API_ABOUT_JOB, .action = "trigger"},
	{"POST", "/api/v1/jobs/{job}/pause",
	 "nothing of it starts by itself, for a time or until it is resumed", pauses_begin,
	 .scope = SCOPE_OPERATE, .about = API_ABOUT_JOB, .action = "pause"},
	{"POST", "/api/v1/jobs/{job}/resume", "it does again", pauses_end, .scope = SCOPE_OPERATE,
	 .about = API_ABOUT_JOB, .action = "resume"},
	{"GET", "/api/v1/runs", "runs, newest first, in pages", runs_list,
	 .about = API_ABOUT_FILTER},
	{"GET", "/api/v1/runs/{id}", "one run with its attempts", runs_get, .about = API_ABOUT_RUN},
	{"GET", "/api/v1/runs/{id}/log", "its output; with follow=true until it has ended",
	 logs_get, .about = API_ABOUT_RUN},
	{"GET", "/api/v1/runs/{id}/job", "its job as it was, by the file it was claimed under",
	 runs_job, .about = API_ABOUT_RUN},
	{"POST", "/api/v1/runs/{id}/cancel", "end a run", runs_cancel, .scope = SCOPE_OPERATE,
	 .about = API_ABOUT_RUN, .action = "cancel"},
	{"GET", "/api/v1/occurrences", "due instants and what became of them, newest first",
	 occurrences_list, .about = API_ABOUT_FILTER},
	{"GET", "/api/v1/timeline", "a window of time: runs that were, fires to come", timeline_get,
	 .about = API_ABOUT_FILTER},
	{"GET", "/api/v1/events", "what changes, as it changes (server-sent events)", events_get,
	 .about = API_ABOUT_ALL},
	{"GET", "/api/cron/{job}", "with dryRun=true: a dry run, now", cron_rehearse,
	 .scope = SCOPE_OPERATE, .about = API_ABOUT_JOB, .action = "trigger"},
	{"POST", "/api/cron/{job}", "a run, now", cron_start, .scope = SCOPE_OPERATE,
	 .about = API_ABOUT_JOB, .action = "trigger"},
	{"GET", "/api/v1/downtimes",
	 "when nobody looked at what fell due, and what became of it, newest first", downtimes_list,
	 .about = API_ABOUT_FILTER},
	{"GET", "/api/v1/revisions", "applied versions of schedules.json, newest first",
	 revisions_list, .about = API_ABOUT_ALL},
	{"GET", "/api/v1/revisions/{number}", "one of them, with the file as it was applied",
	 revisions_get, .about = API_ABOUT_ALL},
	{"GET", "/api/v1/revisions/{number}/plan",
	 "what rolling back to it would do, or with from=N what it changed against N",
	 deploy_revision_plan, .about = API_ABOUT_ALL},
	{"POST", "/api/v1/revisions/{number}/rollback", "apply that file again, as a new revision",
	 deploy_rollback, .scope = SCOPE_ADMIN, .about = API_ABOUT_ALL, .action = "rollback"},
	{"POST", "/api/v1/plan", "what the schedules.json in the body would change", deploy_plan,
	 .takes_file = true, .about = API_ABOUT_ALL},
	{"POST", "/api/v1/apply", "apply the schedules.json in the body as a new revision",
	 deploy_apply, .takes_file = true, .scope = SCOPE_ADMIN, .about = API_ABOUT_ALL,
	 .action = "apply"},
	{"GET", "/api/v1/export", "the schedules.json in force, in its canonical form",
	 deploy_export, .about = API_ABOUT_ALL},
	{"GET", "/api/v1/tokens", "access tokens, without their secrets", tokens_list,
	 .scope = SCOPE_ADMIN, .about = API_ABOUT_ALL},
	{"POST", "/api/v1/tokens", "a new token, which is told this once", tokens_create,
	 .scope = SCOPE_ADMIN, .about = API_ABOUT_ALL, .action = "token create"},
	{"DELETE", "/api/v1/tokens/{id}", "revoke a token", tokens_revoke, .scope = SCOPE_ADMIN,
	 .about = API_ABOUT_ALL, .action = "token revoke"},
	{"GET", "/api/v1/audit", "who changed what through the API, newest first, in pages",
	 audits_list, .scope = SCOPE_ADMIN, .about = API_ABOUT_ALL},
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

bool routes_takes_file(const struct http_target *target)
{
	const char *parameter;

	for (size_t i = 0; i < ROUTE_COUNT; i++)
		if (routes[i].takes_file && matches(routes[i].pattern, target, &parameter))
			return true;
	return false;
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
	http_response_header(call->response, "Allow", allow);
}

static void refuse_path(struct api_call *call)
{
	http_problem(call->response, 404, "there is nothing at %s", call->request->target->path);
}

static void serve(struct api_call *call, const struct api_route *route)
{
	if (!guard_admits(call, route))
		return;
	route->handler(call);
	guard_records(call, route);
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
			serve(call, route);
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
