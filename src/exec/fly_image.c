/*
 * fly_image.c - the image that an app runs now: that of its newest live Machine, else that
 * of its current release; see fly.h.
 */
#include "fly.h"
#include "fly_current.h"

/* ---- of the release ---- */

static void on_release(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena *arena = &ward->arena;
	int64_t version = 0;
	const char *ref = answer->status == 200
				  ? fly_release_image(answer->body, answer->length, arena, &version)
				  : NULL;

	ward->call = NULL;
	if (ref) {
		fly_say(ward, arena_format(arena, "image \"current\" of %s is release %lld's: %s",
					   ward->app, (long long)version, ref));
		fly_image_known(ward, ref);
		return;
	}
	fly_image_unknown(
		ward,
		arena_format(arena,
			     "image \"current\": app %s has no Machine%s%s, and its release "
			     "cannot be had (%s); deploy it, or write the image",
			     ward->app, ward->spec.group ? " of group " : "",
			     ward->spec.group ? ward->spec.group : "",
			     answer->status ? arena_format(arena, "Fly answered %d", answer->status)
					    : answer->failure),
		answer->status == 0 || answer->status == 429 || answer->status >= 500);
}

static void ask_release(struct fly_ward *ward)
{
	struct buf body = {0};

	fly_release_query(ward->app, &body);
	fly_send(ward,
		 &(struct fly_request){.method = "POST",
				       .path = "/graphql",
				       .body = buf_string(&body),
				       .is_of_api = true,
				       .is_eager = true},
		 on_release);
	buf_finish(&body);
}

/* ---- of a Machine ---- */

static void on_machines(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct fly_machine *machines = NULL;
	size_t count = 0;

	ward->call = NULL;
	if (answer->status == 200)
		fly_machines_parse(answer->body, answer->length, &ward->arena, &machines, &count);
	const struct fly_machine *best = fly_current(machines, count, ward->spec.group);
	if (!best) {
		ask_release(ward);
		return;
	}
	fly_say(ward,
		arena_format(&ward->arena, "image \"current\" of %s is that of Machine %s: %s",
			     ward->app, best->id, best->image));
	fly_image_known(ward, best->image);
}

void fly_look_up_image(struct fly_ward *ward)
{
	struct arena arena = {0};

	fly_send(ward,
		 &(struct fly_request){.method = "GET",
				       .path = fly_machines_path(ward, &arena, ""),
				       .limit = FLY_LIMIT_LIST},
		 on_machines);
	arena_finish(&arena);
}
