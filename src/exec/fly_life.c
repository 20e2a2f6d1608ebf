/* fly_life.c - what the steps of a run on Fly have in common; see fly.h. */
#include <string.h>

#include "fly.h"
#include "http_target.h"

/* ---- asking ---- */

const char *fly_machines_path(const struct fly_ward *ward, struct arena *arena, const char *rest)
{
	struct buf path = {0};

	buf_text(&path, "/v1/apps/");
	http_escape(&path, ward->app);
	buf_format(&path, "/machines%s", rest);
	const char *text = arena_text(arena, buf_string(&path));
	buf_finish(&path);
	return text;
}

const char *fly_machine_path(const struct fly_ward *ward, struct arena *arena, const char *rest)
{
	struct buf path = {0};

	buf_char(&path, '/');
	http_escape(&path, ward->machine);
	buf_text(&path, rest);
	const char *text = fly_machines_path(ward, arena, buf_string(&path));
	buf_finish(&path);
	return text;
}

void fly_send(struct fly_ward *ward, struct fly_request *request, http_answered_fn *answered)
{
	request->app = ward->app;
	request->priority = ward->priority;
	request->answered = answered;
	request->context = ward;
	ward->call = fly_calls_send(ward->fly->calls, request);
}

void fly_step(struct fly_ward *ward, enum fly_step next)
{
	ward->step = next;
	ward->since_ms = fly_now_ms();
	ward->looks = 0;
}

bool fly_is_fine(const struct http_answer *answer)
{
	return answer->status >= 200 && answer->status < 300;
}

/* "Fly said …", for people. */
const char *fly_words(const struct http_answer *answer, struct arena *arena, const char **code)
{
	*code = NULL;
	if (answer->status == 0)
		return arena_format(arena, "Fly cannot be reached: %s", answer->failure);
	const char *text = fly_error(answer->body, answer->length, arena, code);
	return arena_format(arena, "Fly answered %d%s%s%s%s%s", answer->status, *text ? ": " : "",
			    text, answer->request_id ? " (fly-request-id " : "",
			    answer->request_id ? answer->request_id : "",
			    answer->request_id ? ")" : "");
}

bool fly_has_waited(const struct fly_ward *ward, int64_t ms)
{
	return fly_now_ms() - ward->since_ms > ms;
}

/* Once: the token was taken away, or is for another app. */
void fly_say_denied(struct fly_ward *ward, const struct http_answer *answer)
{
	struct arena arena = {0};
	const char *code, *text = fly_words(answer, &arena, &code);

	if (!ward->is_told_denied)
		fly_say(ward, arena_format(&arena, "belfry may not ask for the Machine: %s", text));
	ward->is_told_denied = true;
	arena_finish(&arena);
}

/* ---- the end of it ---- */

void fly_destroy_machine(const struct fly_ward *ward, bool is_last)
{
	if (ward->machine)
		fly_destroy_any(ward->fly, ward->app, ward->machine, is_last ? ward->run : 0);
	else if (is_last)
		fly_record_remove(ward->fly, ward->run);
}

void fly_fail(struct fly_ward *ward, const char *why, bool is_passing)
{
	struct arena arena = {0};

	/* The text may live in what is let go now. */
	why = arena_text(&arena, why);
	fly_destroy_machine(ward, false);
	fly_tell_failed(ward, why, is_passing);
	arena_finish(&arena);
}

void fly_on_timer(void *context)
{
	struct fly_ward *ward = context;

	switch (ward->step) {
	case FLY_STEP_FIND: fly_search(ward); break;
	case FLY_STEP_WATCH: fly_look(ward); break;
	case FLY_STEP_IMAGE: fly_look_up_image(ward); break;
	case FLY_STEP_CREATE:
	case FLY_STEP_LAUNCH:
	case FLY_STEP_LOG:
	case FLY_STEP_OVER: break;
	}
}
