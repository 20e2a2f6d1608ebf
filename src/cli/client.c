/* client.c - questions to a belfry server; see client.h. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

#include "http_target.h"
#include "str.h"

enum { ANSWER_TIMEOUT_MS = 30000 };
static const char usual_server[] = "http://127.0.0.1:7420";

static const char *first_set(const char *given, const char *variable, const char *otherwise)
{
	if (given)
		return given;
	const char *value = getenv(variable);
	return str_empty(value) ? otherwise : value;
}

static struct http_call make_call(const struct args *args, const struct client_question *question)
{
	return (struct http_call){
		.server = first_set(args_value(args, "server"), "BELFRY_SERVER", usual_server),
		.token = first_set(args_value(args, "token"), "BELFRY_TOKEN", NULL),
		.cacert = first_set(args_value(args, "cacert"), "BELFRY_CACERT", NULL),
		.method = question->method,
		.target = question->target,
		.body = question->body,
		.body_length = question->body ? (question->body_length ? question->body_length
								       : strlen(question->body))
					      : 0,
		.timeout_ms = question->timeout_ms,
	};
}

/* What an answer that is no success says of itself. */
static void describe(const struct http_call *call, const struct http_reply *reply, struct err *err)
{
	json_t *problem = json_loadb(buf_string(&reply->body), reply->body.length, 0, NULL);
	const char *detail = client_text(problem, "detail"), *title = client_text(problem, "title");

	if (*detail && reply->status == 401)
		err_set(err, "%s; use --token or BELFRY_TOKEN", detail);
	else if (*detail)
		err_set(err, "%s", detail);
	else if (*title)
		err_set(err, "%s %s: %s", call->method, call->target, title);
	else
		err_set(err, "%s answered %d to %s %s; is that a belfry server?", call->server,
			reply->status, call->method, call->target);
	json_decref(problem);
}

static json_t *read_reply(const struct http_call *call, const struct http_reply *reply,
			  bool takes_problem, struct err *err)
{
	json_error_t error;
	json_t *json;

	if (reply->status < 200 || reply->status > 299) {
		describe(call, reply, err);
		return takes_problem
			       ? json_loadb(buf_string(&reply->body), reply->body.length, 0, NULL)
			       : NULL;
	}
	json = json_loadb(buf_string(&reply->body), reply->body.length, JSON_DECODE_ANY, &error);
	if (!json)
		err_set(err,
			"%s answered %s %s with what is no JSON (%s); is that a belfry server?",
			call->server, call->method, call->target, error.text);
	return json;
}

json_t *client_ask(const struct args *args, const struct client_question *question, int *status,
		   struct err *err)
{
	struct http_call call = make_call(args, question);
	struct http_reply reply = {0};
	json_t *json = NULL;

	if (http_client_send(&call, &reply, err))
		json = read_reply(&call, &reply, question->takes_problem, err);
	if (status)
		*status = reply.status;
	http_reply_finish(&reply);
	return json;
}

json_t *client_get(const struct args *args, const char *target, struct err *err)
{
	return client_ask(args,
			  &(struct client_question){.method = "GET",
						    .target = target,
						    .timeout_ms = ANSWER_TIMEOUT_MS},
			  NULL, err);
}

json_t *client_post(const struct args *args, const char *target, const char *body, struct err *err)
{
	return client_ask(args,
			  &(struct client_question){.method = "POST",
						    .target = target,
						    .body = body,
						    .timeout_ms = ANSWER_TIMEOUT_MS},
			  NULL, err);
}

bool client_stream(const struct args *args, const char *target, http_data_fn *data, void *context,
		   int *status, struct err *err)
{
	struct http_call call =
		make_call(args, &(struct client_question){.method = "GET", .target = target});
	struct http_reply reply = {0};
	bool ok;

	call.data = data;
	call.context = context;
	ok = http_client_send(&call, &reply, err);
	if (ok && (reply.status < 200 || reply.status > 299)) {
		describe(&call, &reply, err);
		ok = false;
	}
	*status = reply.status;
	http_reply_finish(&reply);
	return ok;
}

void client_query(struct buf *target, const char *name, const char *value)
{
	if (!value)
		return;
	buf_char(target, strchr(buf_string(target), '?') ? '&' : '?');
	buf_format(target, "%s=", name);
	http_escape(target, value);
}

const char *client_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int64_t client_int(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool client_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

json_t *client_list(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_array(value) ? json_incref(value) : json_array();
}

struct utc client_time(const json_t *object, const char *key)
{
	const char *text = client_text(object, key);
	struct utc at = UTC_NONE;

	utc_parse(text, strlen(text), &at);
	return at;
}
