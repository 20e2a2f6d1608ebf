/* fly_app.c - reading an app's Machines, processes and log; see fly_app.h. */
#include "fly_app.h"

#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MOST = 200, PORT_MOST = 65535 };

/* ---- addresses ---- */

int32_t fly_address_port(const char *address)
{
	const char *colon = strrchr(address, ':');
	int32_t port = 0;

	if (!colon)
		return 0;
	for (const char *c = colon + 1; *c >= '0' && *c <= '9' && port <= PORT_MOST; c++)
		port = port * 10 + (*c - '0');
	return port <= PORT_MOST ? port : 0;
}

bool fly_address_is_loopback(const char *address)
{
	static const char *const beginnings[] = {"127.",
						 "localhost:", "[::1]:", "::1:", "[::ffff:127."};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(address, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

/* ---- values ---- */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int32_t port_of(const json_t *object, const char *key)
{
	json_int_t port = json_integer_value(json_object_get(object, key));

	return port > 0 && port <= PORT_MOST ? (int32_t)port : 0;
}

/* What a check printed: one line, and not all of a page. */
static const char *one_line(const char *text, struct arena *arena)
{
	size_t length = strlen(text);
	char *line;

	if (length > OUTPUT_MOST)
		for (length = OUTPUT_MOST; length > 0 && (text[length] & 0xc0) == 0x80;)
			length--;
	line = arena_copy(arena, text, length);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' ';
	while (length > 0 && line[length - 1] == ' ')
		line[--length] = '\0';
	return length ? line : NULL;
}

/* ---- services and checks ---- */

/* autostart is true where it is not told (docs: reference/fly-proxy-autostop-autostart). */
static bool starts(const json_t *service)
{
	const json_t *value = json_object_get(service, "autostart");

	return !json_is_false(value);
}

static void take_services(const json_t *list, struct arena *arena, struct fly_instance *to)
{
	size_t count = json_array_size(list);

	to->services = arena_array(arena, struct fly_service, count + 1);
	for (size_t i = 0; i < count; i++) {
		const json_t *service = json_array_get(list, i);

		if (json_is_object(service))
			to->services[to->service_count++] = (struct fly_service){
				.port = port_of(service, "internal_port"),
				.is_udp = fly_is_text(service, "protocol", "udp"),
				.starts = starts(service)};
	}
}

/* Of a check of the config by its own port; of a service's by its name, which Fly makes:
 * "servicecheck-00-http-3000". */
static int32_t check_port(const json_t *config, const char *name)
{
	const json_t *checks = json_object_get(config, "checks");
	int32_t port = port_of(json_object_get(checks, name), "port");
	const char *dash = strrchr(name, '-');
	char *end;
	long number;

	if (port || !dash || strncmp(name, "servicecheck-", 13) != 0)
		return port;
	number = strtol(dash + 1, &end, 10);
	return !*end && number > 0 && number <= PORT_MOST ? (int32_t)number : 0;
}

static void take_checks(const json_t *list, const json_t *config, struct arena *arena,
			struct fly_instance *to)
{
	size_t count = json_array_size(list);

	to->checks = arena_array(arena, struct fly_check, count + 1);
	for (size_t i = 0; i < count; i++) {
		const json_t *check = json_array_get(list, i);
		const char *name = text_of(check, "name"), *status = text_of(check, "status");
		const char *output = text_of(check, "output");

		if (!status)
			continue;
		to->checks[to->check_count++] = (struct fly_check){
			.name = arena_text(arena, name ? name : "without a name"),
			.status = arena_text(arena, status),
			.output = output ? one_line(output, arena) : NULL,
			.port = name ? check_port(config, name) : 0};
	}
}

/* ---- what befell it ---- */

static void take_exit(const json_t *event, struct utc now, bool *was_asked, struct utc *later,
		      struct fly_instance *to)
{
	struct fly_exit exit;
	bool is_restarting;
	int32_t restarts;

	if (*was_asked || !fly_exit_read(event, &exit, &is_restarting, &restarts))
		return;
	*was_asked = exit.was_requested;
	if (exit.was_requested)
		return;
	if (!to->has_crashed) {
		to->has_crashed = true;
		to->crash = exit;
		if (utc_is_set(exit.at) && now.ms - exit.at.ms < FLY_LATELY_MS)
			to->exits = restarts > 0 ? restarts : 0; /* the list does not hold all */
	}
	if (!utc_is_set(exit.at) || now.ms - exit.at.ms >= FLY_LATELY_MS)
		return;
	if (utc_is_set(*later) && later->ms - exit.at.ms > to->longest_run_ms)
		to->longest_run_ms = later->ms - exit.at.ms;
	*later = exit.at;
}

/* Newest first, back to where this version began: what was before is another's fault. */
static void take_events(const json_t *events, struct utc now, struct fly_instance *to)
{
	bool was_asked = false;
	struct utc later = UTC_NONE;
	int32_t seen = 0;

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);

		if (!utc_is_set(to->changed))
			to->changed = fly_time_of(event, "timestamp");
		if (fly_is_text(event, "type", "start") && !utc_is_set(to->started))
			to->started = fly_time_of(event, "timestamp");
		if (fly_is_text(event, "type", "launch") || fly_is_text(event, "type", "update"))
			break;
		if (!fly_is_text(event, "type", "exit"))
			continue;
		struct utc before = later;
		take_exit(event, now, &was_asked, &later, to);
		seen += later.ms != before.ms;
	}
	if (seen > to->exits)
		to->exits = seen;
}

/* ---- Machines ---- */

static bool is_of_app(const struct fly_machine *machine)
{
	return !machine->home && !machine->run && !machine->is_release_job &&
	       strcmp(machine->state, "destroyed") != 0 &&
	       strcmp(machine->state, "destroying") != 0;
}

static bool take_machine(const json_t *json, struct utc now, struct arena *arena,
			 struct fly_instance *to)
{
	const json_t *config = json_object_get(json, "config");

	*to = (struct fly_instance){.changed = UTC_NONE, .started = UTC_NONE};
	if (!fly_machine_read(json, arena, &to->machine) || !is_of_app(&to->machine))
		return false;
	to->changed = fly_time_of(json, "updated_at");
	to->is_spare = json_array_size(json_object_get(config, "standbys")) > 0 ||
		       json_is_string(json_object_get(config, "schedule"));
	take_services(json_object_get(config, "services"), arena, to);
	take_checks(json_object_get(json, "checks"), config, arena, to);
	take_events(json_object_get(json, "events"), now, to);
	return true;
}

bool fly_app_parse(const char *text, size_t length, struct utc now, struct arena *arena,
		   struct fly_app *app)
{
	json_t *json = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
	bool is_list = json_is_array(json);

	*app = (struct fly_app){0};
	app->instances = arena_array(arena, struct fly_instance, json_array_size(json) + 1);
	for (size_t i = 0; i < json_array_size(json); i++)
		app->count += take_machine(json_array_get(json, i), now, arena,
					   &app->instances[app->count]);
	json_decref(json);
	return is_list;
}

/* ---- who listens ---- */

/* Fly's own, in every Machine. */
static bool is_flys(const char *process)
{
	return strncmp(process, "/.fly/", 6) == 0 || strncmp(process, "/fly/", 5) == 0;
}

static size_t count_sockets(const json_t *processes)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(processes); i++)
		count += json_array_size(
			json_object_get(json_array_get(processes, i), "listen_sockets"));
	return count;
}

static void take_process(const json_t *process, struct arena *arena, struct fly_instance *to)
{
	const json_t *sockets = json_object_get(process, "listen_sockets");
	const char *command = text_of(process, "command");

	if (command && is_flys(command))
		return;
	for (size_t i = 0; i < json_array_size(sockets); i++) {
		const json_t *socket = json_array_get(sockets, i);
		const char *address = text_of(socket, "address"), *proto = text_of(socket, "proto");

		if (!address || (proto && strncmp(proto, "udp", 3) == 0))
			continue;
		to->listeners[to->listener_count++] =
			(struct fly_listener){.process = command ? one_line(command, arena) : NULL,
					      .address = arena_text(arena, address)};
	}
}

bool fly_listeners_parse(const char *text, size_t length, struct arena *arena,
			 struct fly_instance *instance)
{
	json_t *json = json_loadb(text, length, JSON_ALLOW_NUL, NULL);

	instance->listener_count = 0;
	instance->has_listeners = json_array_size(json) > 0;
	instance->listeners = arena_array(arena, struct fly_listener, count_sockets(json) + 1);
	for (size_t i = 0; i < json_array_size(json); i++)
		take_process(json_array_get(json, i), arena, instance);
	json_decref(json);
	return instance->has_listeners;
}

/* ---- what the proxy says ---- */

/* The address at the beginning of a text: "0.0.0.0:3000? make sure…". */
static const char *address_at(const char *text, struct arena *arena)
{
	size_t length = strspn(text, "0123456789abcdefABCDEF.:[]");

	while (length > 0 && (text[length - 1] == '.' || text[length - 1] == ':'))
		length--;
	const char *address = arena_copy(arena, text, length);
	return fly_address_port(address) ? address : NULL;
}

/* After any of those words; the first that has one. */
static const char *address_in(const char *message, struct arena *arena)
{
	static const char *const words[] = {"listening on ", "addresses:"};
	const char *address = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (const char *at = message; !address && (at = strstr(at, words[i]));) {
			at += strlen(words[i]);
			address = address_at(at + strspn(at, " \t\r\n-"), arena);
		}
	return address;
}

/* "[PC01] instance refused connection. is your app listening on 0.0.0.0:3000? make sure it
 * is not only listening on 127.0.0.1 (hint: …)"; and at a deployment "WARNING The app is not
 * listening on the expected address and will not be reachable by fly-proxy." */
const char *fly_refusal(const char *message, struct arena *arena)
{
	bool is_one = strstr(message, "refused connection") ||
		      strstr(message, "not listening on the expected address") ||
		      strstr(message, "is your app listening on");
	const char *address = is_one ? address_in(message, arena) : NULL;

	return address ? address : is_one ? "" : NULL;
}

static struct fly_instance *instance_of(const struct fly_app *app, const char *id)
{
	for (size_t i = 0; id && i < app->count; i++)
		if (strcmp(app->instances[i].machine.id, id) == 0)
			return &app->instances[i];
	return NULL;
}

/* The same words from the app itself say nothing. */
static bool is_of_fly(const json_t *attributes)
{
	const json_t *meta = json_object_get(attributes, "meta");

	return !fly_is_text(json_object_get(meta, "event"), "provider", "app");
}

static void take_line(const json_t *attributes, struct utc now, struct arena *arena,
		      const struct fly_app *app)
{
	const char *message = text_of(attributes, "message");
	struct fly_instance *instance = instance_of(app, text_of(attributes, "instance"));
	struct utc at = fly_time_of(attributes, "timestamp");
	const char *address;

	if (!message || !instance || !is_of_fly(attributes) || !utc_is_set(at) ||
	    now.ms - at.ms >= FLY_LATELY_MS ||
	    (utc_is_set(instance->started) && at.ms < instance->started.ms))
		return;
	address = fly_refusal(message, arena);
	if (address)
		instance->refused = address;
}

bool fly_refusals_parse(const char *text, size_t length, struct utc now, struct arena *arena,
			struct fly_app *app)
{
	json_t *json = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
	const json_t *data = json_object_get(json, "data");
	bool is_list = json_is_array(data);

	for (size_t i = 0; i < json_array_size(data); i++)
		take_line(json_object_get(json_array_get(data, i), "attributes"), now, arena, app);
	json_decref(json);
	return is_list;
}
