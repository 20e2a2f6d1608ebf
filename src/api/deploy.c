/*
 * deploy.c - schedules.json through the API: planned, applied, rolled back, exported.
 *
 * The body is the file itself, as in `curl --data-binary @schedules.json`; whose it is
 * and what is expected are parameters.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "query.h"
#include "record_json.h"

static const char *const content_types[] = {
	[API_FORMAT_JSON] = "application/json",
	[API_FORMAT_TEXT] = "text/plain; charset=utf-8",
	[API_FORMAT_MARKDOWN] = "text/markdown; charset=utf-8",
};

/* ---- answers ---- */

/* Takes back the bracket that closes an object, for one more member. */
static void reopen(struct buf *json)
{
	while (json->data[json->length - 1] != '}')
		json->length--;
	json->length--;
}

/* 422 with everything that is wrong, as `belfry check` tells it. */
static void refuse_file(struct api_call *call, const char *findings)
{
	struct buf *body = &call->response->body;

	http_problem(call->response, 422, "the file is refused; see findings");
	reopen(body);
	buf_json_raw(body, "findings", findings);
	buf_json_close(body, '}');
	answer_end(body);
}

static void refuse(struct api_call *call, const struct api_deploy *deploy)
{
	switch (deploy->status) {
	case API_DEPLOY_DONE: break;
	case API_DEPLOY_BAD_FILE: refuse_file(call, buf_string(deploy->findings)); break;
	case API_DEPLOY_FOLLOWS_FILE:
		http_problem(call->response, 409,
			     "this belfry follows a file, which would undo what is applied here: "
			     "change the file, or start it with --managed");
		break;
	case API_DEPLOY_OTHER_REVISION:
		http_problem(call->response, 412,
			     "revision %lld was expected, and revision %lld is in force: somebody "
			     "applied in between; plan again",
			     (long long)deploy->expect, (long long)deploy->revision);
		break;
	case API_DEPLOY_STORE_FAILED:
		http_problem(call->response, 503, "the store does not take records; see /health");
		break;
	case API_DEPLOY_STOPPING:
		http_problem(call->response, 503, "this belfry is stopping");
		break;
	}
}

static void answer_plan(struct api_call *call, const struct api_deploy *deploy, bool is_rendered)
{
	bool in_json = deploy->format == API_FORMAT_JSON || is_rendered;
	const struct buf *from = in_json ? deploy->plan : deploy->rendered;
	struct buf *body = &call->response->body;

	call->response->status = 200;
	call->response->content_type = content_types[in_json ? API_FORMAT_JSON : deploy->format];
	buf_add(body, from->data, from->length);
	if (is_rendered) {
		reopen(body);
		buf_json_bytes(body, "rendered", buf_string(deploy->rendered),
			       deploy->rendered->length);
		buf_json_close(body, '}');
	}
	if (in_json)
		answer_end(body);
}

static bool keep_revision(void *context, const struct revision *revision)
{
	record_json_revision(context, "revision", revision);
	return true;
}

/* The revision that is in force now, and what it took. */
static void answer_applied(struct api_call *call, const struct api_deploy *deploy)
{
	struct err err;
	struct buf *json = answer_json(call, 200);

	call->target =
		arena_format(call->request->arena, "revision %lld", (long long)deploy->revision);
	buf_json_open(json, NULL, '{');
	buf_json_bool(json, "applied", !deploy->is_same_content);
	if (!deploy->revision)
		buf_json_null(json, "revision");
	else if (!store_revisions(call->api->world->store,
				  &(struct revision_filter){.number = deploy->revision},
				  keep_revision, json, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_raw(json, "plan", buf_string(deploy->plan));
	buf_json_close(json, '}');
	answer_end(json);
}

static void carry_out(struct api_call *call, struct api_deploy *deploy, bool is_rendered)
{
	const struct api_doors *doors = &call->api->doors;
	struct buf plan = {0}, rendered = {0}, findings = {0};

	deploy->plan = &plan;
	deploy->rendered = &rendered;
	deploy->findings = &findings;
	doors->deploy(doors->context, call->request->arena, deploy);
	if (deploy->status != API_DEPLOY_DONE)
		refuse(call, deploy);
	else if (deploy->is_applied)
		answer_applied(call, deploy);
	else
		answer_plan(call, deploy, is_rendered);
	buf_finish(&plan);
	buf_finish(&rendered);
	buf_finish(&findings);
}

/* ---- requests ---- */

static bool has_file(struct api_call *call, struct api_deploy *deploy)
{
	deploy->text = call->request->body;
	deploy->length = call->request->body_length;
	if (strspn(deploy->text, " \t\r\n") < deploy->length)
		return true;
	http_problem(call->response, 400, "the file is empty; {\"jobs\": []} means no jobs");
	return false;
}

static void from_query(const struct deploy_query *query, struct api_deploy *deploy)
{
	deploy->format = query->format;
	deploy->expect = query->expect;
	deploy->author = query->author ? query->author : "api";
	deploy->source = query->source ? query->source : "api";
	deploy->message = query->message;
}

void deploy_plan(struct api_call *call)
{
	struct api_deploy deploy = {0};
	struct deploy_query query;
	struct err err;

	if (!query_plan(call->request->target, false, &query, &err)) {
		answer_refused(call, &err);
		return;
	}
	from_query(&query, &deploy);
	if (has_file(call, &deploy))
		carry_out(call, &deploy, query.is_rendered);
}

void deploy_apply(struct api_call *call)
{
	struct api_deploy deploy = {.is_applied = true};
	struct deploy_query query;
	struct err err;

	if (!query_apply(call->request->target, &query, &err)) {
		answer_refused(call, &err);
		return;
	}
	from_query(&query, &deploy);
	if (has_file(call, &deploy))
		carry_out(call, &deploy, query.is_rendered);
}

void deploy_export(struct api_call *call)
{
	const struct api_doors *doors = &call->api->doors;
	struct err err;

	if (!takes_no_parameters(call))
		return;
	if (!doors->export(doors->context, answer_json(call, 200), &err))
		answer_store_failed(call, &err);
}

/* ---- revisions ---- */

void deploy_rollback(struct api_call *call)
{
	struct api_deploy deploy = {.is_applied = true};
	struct deploy_query query;
	const struct revision *revision;
	struct err err;

	if (!query_apply(call->request->target, &query, &err)) {
		answer_refused(call, &err);
		return;
	}
	revision = revisions_of_path(call);
	if (!revision)
		return;
	from_query(&query, &deploy);
	deploy.text = revision->content;
	deploy.length = revision->length;
	if (!query.source)
		deploy.source = revision->source;
	if (!query.message)
		deploy.message = arena_format(call->request->arena, "rollback to revision %lld",
					      (long long)revision->number);
	carry_out(call, &deploy, query.is_rendered);
}

/* What rolling back to it would do, or what it changed against another one. */
void deploy_revision_plan(struct api_call *call)
{
	struct api_deploy deploy = {0};
	struct deploy_query query;
	const struct revision *revision, *from = NULL;
	struct err err;

	if (!query_plan(call->request->target, true, &query, &err)) {
		answer_refused(call, &err);
		return;
	}
	revision = revisions_of_path(call);
	if (!revision || (query.from && !(from = revisions_find(call, query.from))))
		return;
	from_query(&query, &deploy);
	deploy.text = revision->content;
	deploy.length = revision->length;
	if (from) {
		deploy.before = from->content;
		deploy.before_length = from->length;
		deploy.against_revision = from->number;
	}
	carry_out(call, &deploy, query.is_rendered);
}
