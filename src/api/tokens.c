/* tokens.c - tokens: those there are, a new one, one that ends. */
#include <jansson.h>
#include <string.h>

#include "auth.h"
#include "internal.h"
#include "query.h"
#include "utf8.h"

#define LONGEST_S (36500.0 * 86400)

static void add_members(struct buf *json, const struct token *token)
{
	buf_json_text(json, "id", token->id);
	buf_json_text(json, "name", token->name);
	buf_json_text(json, "scope", scope_word(token->scope));
	buf_json_text(json, "jobs", token->jobs);
	buf_json_time(json, "created_at", token->created_at);
	buf_json_text(json, "created_by", token->created_by);
	buf_json_time(json, "expires_at", token->expires_at);
	buf_json_time(json, "revoked_at", token->revoked_at);
}

static bool add_token(void *context, const struct token *token)
{
	buf_json_open(context, NULL, '{');
	add_members(context, token);
	buf_json_close(context, '}');
	return true;
}

void tokens_list(struct api_call *call)
{
	struct err err;

	if (!takes_no_parameters(call))
		return;
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	buf_json_open(json, "tokens", '[');
	if (!store_tokens(call->api->world->store, add_token, json, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_close(json, ']');
	buf_json_close(json, '}');
	answer_end(json);
}

/* ---- a new one ---- */

struct wish {
	const char *name, *scope, *jobs;
	int64_t expires_in_s; /* 0: never */
};

static bool take_text(const json_t *value, const char *key, const char **text, struct err *err)
{
	*text = json_string_value(value);
	return (*text && utf8_is_line(*text, QUERY_NAME_MAX)) ||
	       err_set(err, "%s is one line of 1 to %d characters", key, QUERY_NAME_MAX);
}

static bool take_member(const char *key, const json_t *value, struct wish *wish, struct err *err)
{
	if (strcmp(key, "name") == 0)
		return take_text(value, key, &wish->name, err);
	if (strcmp(key, "scope") == 0)
		return take_text(value, key, &wish->scope, err);
	if (strcmp(key, "jobs") == 0)
		return json_is_null(value) || take_text(value, key, &wish->jobs, err);
	if (strcmp(key, "expires_in_s") != 0)
		return err_set(err,
			       "unknown member \"%s\"; there are expires_in_s, jobs, name, scope",
			       key);
	double seconds = json_number_value(value); /* 60.0 is 60 */
	bool is_whole = seconds >= 1 && seconds <= LONGEST_S && seconds == (double)(int64_t)seconds;

	wish->expires_in_s = is_whole ? (int64_t)seconds : 0;
	return is_whole || json_is_null(value) ||
	       err_set(err, "expires_in_s is a number of seconds, of at most 100 years");
}

static bool read_wish(const json_t *body, struct wish *wish, struct token *token, struct err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(body))
		return err_set(err, "the body must be an object such as {\"name\": \"ci\", "
				    "\"scope\": \"admin\"}");
	json_object_foreach((json_t *)(uintptr_t)body, key, value)
	{
		if (!take_member(key, value, wish, err))
			return false;
	}
	if (!wish->name || !wish->scope)
		return err_set(err, "name and scope are needed");
	if (!scope_from_word(wish->scope, &token->scope))
		return err_set(err, "scope is one of view, operate, admin");
	return true;
}

static void create(struct api_call *call, const struct wish *wish, struct token *token)
{
	const struct api_doors *doors = &call->api->doors;
	char text[TOKEN_TEXT_MAX], id[TOKEN_ID_LENGTH + 1];

	auth_draw(text, id, token->hash);
	token->id = id;
	token->name = wish->name;
	token->jobs = wish->jobs;
	token->created_at = doors->now(doors->context);
	token->expires_at = wish->expires_in_s
				    ? (struct utc){token->created_at.ms + wish->expires_in_s * 1000}
				    : UTC_NONE;
	token->revoked_at = UTC_NONE;
	token->created_by = guard_who(call);
	call->target = arena_format(call->request->arena, "%s (%s)", id, wish->name);
	if (!doors->token(doors->context, token)) {
		http_problem(call->response, 503, "the store does not take records; see /health");
		return;
	}
	struct buf *json = answer_json(call, 201);
	buf_json_open(json, NULL, '{');
	add_members(json, token);
	buf_json_text(json, "token", text);
	buf_json_close(json, '}');
	answer_end(json);
}

void tokens_create(struct api_call *call)
{
	const struct http_request *request = call->request;
	struct token token = {0};
	struct wish wish = {0};
	json_error_t fault;
	struct err err;

	if (!takes_no_parameters(call))
		return;
	json_t *body =
		json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, &fault);
	if (!body)
		err_set(&err, "the body is no JSON: line %d, column %d: %s", fault.line,
			fault.column, fault.text);
	if (body && read_wish(body, &wish, &token, &err))
		create(call, &wish, &token);
	else
		answer_refused(call, &err);
	json_decref(body);
}

/* ---- the end of one ---- */

struct search {
	struct arena *arena;
	const char *id;
	struct token *found;
	size_t usable; /* besides it */
	struct utc now;
};

static bool on_found(void *context, const struct token *token)
{
	struct search *search = context;
	bool is_usable = !utc_is_set(token->revoked_at) &&
			 (!utc_is_set(token->expires_at) || token->expires_at.ms > search->now.ms);

	if (strcmp(token->id, search->id) != 0) {
		search->usable += is_usable;
		return true;
	}
	search->found = arena_new(search->arena, struct token);
	*search->found = *token;
	search->found->id = search->id;
	search->found->name = arena_text(search->arena, token->name);
	search->found->jobs = token->jobs ? arena_text(search->arena, token->jobs) : NULL;
	search->found->created_by = arena_text(search->arena, token->created_by);
	return true;
}

static void revoke(struct api_call *call, struct token *token)
{
	const struct api_doors *doors = &call->api->doors;

	call->target = arena_format(call->request->arena, "%s (%s)", token->id, token->name);
	if (!utc_is_set(token->revoked_at))
		token->revoked_at = doors->now(doors->context);
	if (!doors->token(doors->context, token)) {
		http_problem(call->response, 503, "the store does not take records; see /health");
		return;
	}
	struct buf *json = answer_json(call, 200);
	buf_json_open(json, NULL, '{');
	add_members(json, token);
	buf_json_close(json, '}');
	answer_end(json);
}

void tokens_revoke(struct api_call *call)
{
	const struct api_doors *doors = &call->api->doors;
	struct search search = {.arena = call->request->arena,
				.id = call->parameter,
				.now = doors->now(doors->context)};
	struct err err;

	if (!takes_no_parameters(call))
		return;
	if (!store_tokens(call->api->world->store, on_found, &search, &err))
		answer_store_failed(call, &err);
	else if (!search.found)
		http_problem(call->response, 404, "there is no token %s", call->parameter);
	else if (search.usable == 0 && call->api->world->is_exposed)
		http_problem(call->response, 409,
			     "that is the last token, and this belfry listens beyond this machine: "
			     "whoever reaches it could do all; create another one first");
	else
		revoke(call, search.found);
}
