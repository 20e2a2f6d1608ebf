/* pauses.c - jobs that are paused and resumed. */
#include <jansson.h>
#include <string.h>

#include "internal.h"
#include "query.h"
#include "str.h"
#include "utf8.h"

/* What the body may say; texts live in the JSON. */
struct wish {
	const char *length, *until, *reason, *by; /* NULL: not said */
};

static bool read_member(struct wish *wish, const char *key, const json_t *value, bool is_pause,
			struct err *err)
{
	struct {
		const char *key, **to;
		size_t most;
		bool is_of_pause;
	} members[] = {
		{"for", &wish->length, 40, true},
		{"until", &wish->until, 40, true},
		{"reason", &wish->reason, QUERY_TEXT_MAX, true},
		{"by", &wish->by, QUERY_NAME_MAX, false},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(members[i].key, key) != 0 || (members[i].is_of_pause && !is_pause))
			continue;
		*members[i].to = json_string_value(value);
		if (!*members[i].to || !utf8_is_line(*members[i].to, members[i].most))
			return err_set(err, "%s must be a text of one line, at most %zu characters",
				       key, members[i].most);
		return true;
	}
	return err_set(err, "unknown member \"%s\"; there is %s", key,
		       is_pause ? "for, until, reason, by" : "by");
}

/* An object, or nothing at all; the wish borrows from *body, which the caller lets go. */
static bool read_wish(const struct http_request *request, bool is_pause, json_t **body,
		      struct wish *wish, struct err *err)
{
	json_error_t fault;
	const char *key;
	json_t *value;
	bool is_good = true;

	if (request->body_length == 0)
		return true;
	*body = json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, &fault);
	if (!*body)
		return err_set(err, "the body is no JSON: line %d, column %d: %s", fault.line,
			       fault.column, fault.text);
	if (!json_is_object(*body))
		return err_set(err, "the body must be an object such as {\"for\": \"2h\"}");
	json_object_foreach(*body, key, value)
	{
		is_good = is_good && read_member(wish, key, value, is_pause, err);
	}
	return is_good;
}

/* By the server's clock. */
static bool read_until(const struct wish *wish, struct utc now, struct utc *until, struct err *err)
{
	int64_t ms;

	*until = UTC_NONE;
	if (wish->length && wish->until)
		return err_set(err, "for and until say the same; keep one");
	if (wish->until && !utc_parse(wish->until, strlen(wish->until), until))
		return err_set(err, "until must be an instant such as 2026-12-01T08:00:00Z");
	if (!wish->length)
		return true;
	if (!str_duration(wish->length, strlen(wish->length), &ms) || ms <= 0)
		return err_set(err, "for must be a duration such as 90s, 15m, 2h or 1d12h");
	*until = utc_add(now, ms);
	return true;
}

/* A pause that is not durable would be none after a crash. */
static bool store_takes(struct api_call *call)
{
	const struct api_doors *doors = &call->api->doors;
	struct api_health health = {0};

	doors->health(doors->context, call->request->arena, &health);
	if (health.store_failure)
		http_problem(call->response, 503,
			     "nothing is paused or resumed while the store does not take records: "
			     "%s",
			     health.store_failure);
	return !health.store_failure;
}

static void begin(struct api_call *call, const struct job *job, const struct wish *wish)
{
	const struct api_doors *doors = &call->api->doors;
	struct pause pause = {.job = job->name, .reason = wish->reason, .by = wish->by};
	const char *why = "";
	struct err err;

	if (!read_until(wish, doors->now(doors->context), &pause.until, &err))
		answer_refused(call, &err);
	else if (!store_takes(call))
		return;
	else if (doors->pause(doors->context, &pause, call->request->arena, &why))
		jobs_answer(call, job);
	else
		http_problem(call->response, 409, "%s", why);
}

static void end(struct api_call *call, const struct job *job, const struct wish *wish)
{
	const struct api_doors *doors = &call->api->doors;

	if (!store_takes(call))
		return;
	doors->resume(doors->context, job->name, wish->by);
	jobs_answer(call, job);
}

static void handle(struct api_call *call, bool is_pause)
{
	const struct job *job = jobs_of_path(call);
	struct wish wish = {0};
	json_t *body = NULL;
	struct err err;

	if (!job)
		return;
	if (!query_nothing(call->request->target, &err) ||
	    !read_wish(call->request, is_pause, &body, &wish, &err))
		answer_refused(call, &err);
	else if (is_pause)
		begin(call, job, &wish);
	else
		end(call, job, &wish);
	json_decref(body);
}

void pauses_begin(struct api_call *call)
{
	handle(call, true);
}

void pauses_end(struct api_call *call)
{
	handle(call, false);
}
