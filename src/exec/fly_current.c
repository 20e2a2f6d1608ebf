/* fly_current.c - which image an app runs now; see fly_current.h. */
#include "fly_current.h"

#include <string.h>

static bool is_of_app(const struct fly_machine *machine, const char *group)
{
	if (machine->run || machine->home || machine->native || machine->is_release_job ||
	    !machine->image)
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

const struct fly_machine *fly_current(const struct fly_machine *machines, size_t count,
				      const char *group)
{
	const struct fly_machine *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (is_of_app(&machines[i], group) && is_better(&machines[i], best))
			best = &machines[i];
	return best;
}

void fly_release_query(const char *app, struct buf *body)
{
	static const char query[] = "query($name:String!){app(name:$name){"
				    "currentReleaseUnprocessed{imageRef version}}}";

	buf_json_open(body, NULL, '{');
	buf_json_text(body, "query", query);
	buf_json_open(body, "variables", '{');
	buf_json_text(body, "name", app);
	buf_json_close(body, '}');
	buf_json_close(body, '}');
}

const char *fly_release_image(const char *text, size_t length, struct arena *arena,
			      int64_t *version)
{
	json_t *json = json_loadb(text, length, 0, NULL);
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
