/*
 * fly_image.c - the image that an app runs now: that of its newest live Machine, else that
 * of its current release; see fly.h.
 */
#include <string.h>

#include "fly.h"

static bool is_of_app(const struct fly_machine *machine, const char *group)
{
	if (machine->run || machine->home || machine->is_release_job || !machine->image)
		return false;
	if (fly_machine_phase(machine) == FLY_PHASE_GONE ||
	    fly_machine_phase(machine) == FLY_PHASE_FAILED)
		return false;
	return !group || (machine->group && strcmp(machine->group, group) == 0);
}

static bool is_started(const struct fly_machine *machine)
{
	return strcmp(machine->state, "started") == 0;
}

/* One that runs before one that does not; of these the newest. */
static bool is_better(const struct fly_machine *a, const struct fly_machine *b)
{
	if (!b || is_started(a) != is_started(b))
		return !b || is_started(a);
	return strcmp(a->created ? a->created : "", b->created ? b->created : "") > 0;
}

/* ---- of the release ---- */

static const char *ref_of(const struct http_answer *answer, struct arena *arena, int64_t *version)
{
	json_t *json = json_loadb(answer->body, answer->length, 0, NULL);
	const json_t *app = json_object_get(json_object_get(json, "data"), "app");
	const json_t *release = json_object_get(app, "currentReleaseUnprocessed");

	if (!json_is_object(release))
		release = json_object_get(app, "currentRelease");
	const char *ref = json_string_value(json_object_get(release, "imageRef"));
	*version = json_integer_value(json_object_get(release, "version"));
	ref = ref ? arena_text(arena, ref) : NULL;
	json_decref(json);
	return ref;
}

static void on_release(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena *arena = &ward->arena;
	int64_t version = 0;
	const char *ref = answer->status == 200 ? ref_of(answer, arena, &version) : NULL;

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
		answer->status == 0 || answer->status >= 500);
}

static void ask_release(struct fly_ward *ward)
{
	static const char query[] = "query($name:String!){app(name:$name){"
				    "currentReleaseUnprocessed{imageRef version}}}";
	struct buf body = {0};

	buf_json_open(&body, NULL, '{');
	buf_json_text(&body, "query", query);
	buf_json_open(&body, "variables", '{');
	buf_json_text(&body, "name", ward->app);
	buf_json_close(&body, '}');
	buf_json_close(&body, '}');
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
	struct fly_machine *machines, *best = NULL;
	size_t count = 0;

	ward->call = NULL;
	if (answer->status == 200)
		fly_machines_parse(answer->body, answer->length, &ward->arena, &machines, &count);
	for (size_t i = 0; i < count; i++)
		if (is_of_app(&machines[i], ward->spec.group) && is_better(&machines[i], best))
			best = &machines[i];
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
