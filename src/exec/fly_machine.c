/* fly_machine.c - reading Machines; see fly_machine.h. */
#include "fly_machine.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* ---- values of any shape ---- */

struct utc fly_time_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);
	struct utc at;

	if (json_is_integer(value) && json_integer_value(value) > 0)
		return (struct utc){json_integer_value(value)};
	return text && utc_parse(text, strlen(text), &at) ? at : UTC_NONE;
}

bool fly_is_text(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value && strcmp(value, text) == 0;
}

static const char *text_of(const json_t *object, const char *key, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? arena_text(arena, text) : NULL;
}

static int64_t number_of(const json_t *object, const char *key, int64_t absent)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_real(value) && json_real_value(value) > -1e9 && json_real_value(value) < 1e9)
		return (int64_t)json_real_value(value);
	return absent;
}

/* ---- parts of a Machine ---- */

/* registry/repository[:tag][@digest] (fly-go, FullImageRef). */
static const char *image_of(const json_t *ref, struct arena *arena)
{
	const char *registry = json_string_value(json_object_get(ref, "registry"));
	const char *repository = json_string_value(json_object_get(ref, "repository"));
	const char *tag = json_string_value(json_object_get(ref, "tag"));
	const char *digest = json_string_value(json_object_get(ref, "digest"));

	if (!repository)
		return NULL;
	return arena_format(arena, "%s%s%s%s%s%s%s", registry ? registry : "", registry ? "/" : "",
			    repository, tag && *tag ? ":" : "", tag ? tag : "",
			    digest && *digest ? "@" : "", digest ? digest : "");
}

static void take_metadata(const json_t *metadata, struct arena *arena, struct fly_machine *machine)
{
	const char *run = json_string_value(json_object_get(metadata, FLY_META_RUN));
	const char *attempt = json_string_value(json_object_get(metadata, FLY_META_ATTEMPT));

	if (run && !run_id_parse(run, &machine->run))
		machine->run = 0;
	machine->attempt = attempt ? (int32_t)strtol(attempt, NULL, 10) : 0;
	machine->home = text_of(metadata, FLY_META_HOME, arena);
	machine->native = text_of(metadata, FLY_META_NATIVE, arena);
	machine->hash = text_of(metadata, FLY_META_HASH, arena);
	machine->group = text_of(metadata, "fly_process_group", arena);
	machine->is_release_job =
		machine->group && (strcmp(machine->group, "fly_app_console") == 0 ||
				   strcmp(machine->group, "fly_app_release_command") == 0);
}

static const json_t *exit_event_of(const json_t *request)
{
	const json_t *monitor = json_object_get(request, "MonitorEvent");
	const json_t *exit;

	if (!json_is_object(monitor))
		monitor = json_object_get(request, "monitor_event");
	exit = json_object_get(monitor, "exit_event");
	return json_is_object(exit) ? exit : json_object_get(request, "exit_event");
}

bool fly_exit_read(const json_t *event, struct fly_exit *exit, bool *is_restarting,
		   int32_t *restarts)
{
	const json_t *request = json_object_get(event, "request");
	const json_t *told = exit_event_of(request);
	int64_t signal;

	if (!json_is_object(told)) /* it ended, and nothing tells how */
		return false;
	signal = number_of(told, "guest_signal", 0);
	if (signal <= 0)
		signal = number_of(told, "signal", 0);
	*exit = (struct fly_exit){
		.exit_code = (int32_t)number_of(told, "exit_code", 0),
		.signal = signal > 0 ? (int32_t)signal : 0,
		.is_oom = json_is_true(json_object_get(told, "oom_killed")),
		.was_requested = json_is_true(json_object_get(told, "requested_stop")),
		.at = fly_time_of(told, "exited_at"),
	};
	if (!utc_is_set(exit->at))
		exit->at = fly_time_of(event, "timestamp");
	*restarts = (int32_t)number_of(request, "restart_count", 0);
	*is_restarting = json_is_true(json_object_get(told, "restarting"));
	return true;
}

static void take_exit(const json_t *event, struct fly_machine *machine)
{
	machine->has_exited =
		fly_exit_read(event, &machine->exit, &machine->is_restarting, &machine->restarts);
}

/* Newest first: of several exits the newest counts, of several starts the oldest. */
static void take_events(const json_t *events, struct fly_machine *machine)
{
	machine->has_events = json_array_size(events) > 0;
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);

		if (fly_is_text(event, "type", "start")) {
			machine->is_starting = true;
			if (json_object_get(event, "status") &&
			    !fly_is_text(event, "status", "started"))
				continue; /* it was asked to, no more */
			machine->has_started = true;
			machine->started_at = fly_time_of(event, "timestamp");
		} else if (fly_is_text(event, "type", "exit") && !machine->has_exited) {
			machine->has_started = true;
			take_exit(event, machine);
		}
	}
}

bool fly_machine_read(const json_t *json, struct arena *arena, struct fly_machine *machine)
{
	const json_t *config = json_object_get(json, "config");
	const json_t *ref = json_object_get(json, "image_ref");

	*machine = (struct fly_machine){.started_at = UTC_NONE, .exit.at = UTC_NONE};
	machine->id = text_of(json, "id", arena);
	machine->state = text_of(json, "state", arena);
	if (!machine->id || !machine->state)
		return false;
	if (!json_is_object(config)) /* its host is unreachable */
		config = json_object_get(json, "incomplete_config");
	machine->name = text_of(json, "name", arena);
	machine->region = text_of(json, "region", arena);
	machine->instance_id = text_of(json, "instance_id", arena);
	machine->host_status = text_of(json, "host_status", arena);
	machine->created = text_of(json, "created_at", arena);
	machine->image = image_of(ref, arena);
	machine->digest = text_of(ref, "digest", arena);
	if (!machine->image)
		machine->image = text_of(config, "image", arena);
	take_metadata(json_object_get(config, "metadata"), arena, machine);
	take_events(json_object_get(json, "events"), machine);
	return true;
}

bool fly_machines_parse(const char *text, size_t length, struct arena *arena,
			struct fly_machine **machines, size_t *count)
{
	json_t *json = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
	size_t most = json_is_array(json) ? json_array_size(json) : 1;

	*count = 0;
	*machines = arena_array(arena, struct fly_machine, most + 1);
	for (size_t i = 0; i < most; i++) {
		const json_t *one = json_is_array(json) ? json_array_get(json, i) : json;

		if (fly_machine_read(one, arena, &(*machines)[*count]))
			++*count;
	}
	bool is_readable = json_is_array(json) || *count == 1;
	json_decref(json);
	return is_readable;
}

/* ---- what it says of a run ---- */

static bool is_any(const char *state, const char *const *states)
{
	for (; *states; states++)
		if (strcmp(state, *states) == 0)
			return true;
	return false;
}

enum fly_phase fly_machine_phase(const struct fly_machine *machine)
{
	static const char *const running[] = {"started",    "starting",  "stopping", "restarting",
					      "suspending", "suspended", NULL};
	static const char *const failed[] = {"failed", "launch_failed", NULL};
	static const char *const stopped[] = {"stopped", NULL};
	static const char *const gone[] = {"destroyed", "destroying", "replaced", "migrated", NULL};
	bool is_over = is_any(machine->state, stopped) || is_any(machine->state, gone) ||
		       is_any(machine->state, failed);

	if (machine->has_exited && !machine->is_restarting)
		return FLY_PHASE_ENDED;
	if (machine->has_exited && is_over)
		return FLY_PHASE_ENDED;
	if (is_any(machine->state, gone))
		return FLY_PHASE_GONE;
	if (is_any(machine->state, failed))
		return machine->has_started ? FLY_PHASE_STOPPED : FLY_PHASE_FAILED;
	if (is_any(machine->state, stopped))
		return FLY_PHASE_STOPPED;
	if (machine->has_started || is_any(machine->state, running))
		return machine->has_started || strcmp(machine->state, "started") == 0
			       ? FLY_PHASE_RUNNING
			       : FLY_PHASE_WAITING;
	return FLY_PHASE_WAITING;
}

/* ---- errors ---- */

const char *fly_error(const char *body, size_t length, struct arena *arena, const char **code)
{
	json_t *json = json_loadb(body, length, JSON_ALLOW_NUL, NULL);
	const char *text = json_string_value(json_object_get(json, "error"));
	struct buf plain = {0};

	if (!text)
		text = json_string_value(json_object_get(json, "message"));
	*code = text_of(json, "status", arena);
	if (text)
		text = arena_text(arena, text);
	json_decref(json);
	if (text)
		return text;
	/* A proxy's page, or nothing: its beginning, on one line. */
	for (size_t i = 0; i < length && i < 120; i++)
		buf_char(&plain, (unsigned char)body[i] < ' ' ? ' ' : body[i]);
	text = arena_text(arena, buf_string(&plain));
	buf_finish(&plain);
	return text;
}
