/*
 * doors.c - what the API may ask of the daemon, and the server it asks through.
 *
 * Handlers run between turns. A wish is stepped and performed at once, so that the
 * answer can tell what became of it.
 */
#include "clock.h"
#include "http_address.h"
#include "internal.h"
#include "log.h"
#include "version.h"

/* Performs what a wish led to, and makes all of it durable before the answer. */
static void carry_out(struct daemon *daemon)
{
	turn_now(daemon);
	if (!daemon->node.is_out)
		turn_flush(daemon, clock_now().mono, true);
}

/* The store may have said only now that others have gone on, or nothing at all. */
static bool is_lost(const struct daemon *daemon, const char **why)
{
	if (daemon->node.is_out)
		*why = "this node has just lost its lease, and cannot tell whether this was "
		       "recorded; look again in a moment";
	return daemon->node.is_out;
}

static uint64_t trigger(void *context, const char *job, bool is_dry_run, struct arena *arena,
			const char **why)
{
	struct daemon *daemon = context;
	struct event event = {.kind = EVENT_TRIGGER, .job = job, .dry_run = is_dry_run};

	if (daemon->node.is_out) {
		*why = "this node has lost its lease and starts nothing until it has joined the "
		       "others again; try another node, or again in a moment";
		return 0;
	}
	turn_step(daemon, &event);
	if (!event.run)
		*why = arena_text(arena, event.message); /* before the turn forgets it */
	carry_out(daemon);
	return is_lost(daemon, why) ? 0 : event.run;
}

static void cancel(void *context, uint64_t run)
{
	turn_step(context, &(struct event){.kind = EVENT_CANCEL, .run = run});
	carry_out(context);
}

static bool pause_job(void *context, const struct pause *pause, struct arena *arena,
		      const char **why)
{
	struct event event = {.kind = EVENT_PAUSE, .pause = *pause};

	turn_step(context, &event);
	if (event.message)
		*why = arena_text(arena, event.message); /* before the turn forgets it */
	carry_out(context);
	return !event.message && !is_lost(context, why);
}

static void resume(void *context, const char *job, const char *by)
{
	turn_step(context, &(struct event){.kind = EVENT_RESUME, .job = job, .pause.by = by});
	carry_out(context);
}

static const struct pause *find_pause(void *context, const char *job)
{
	const struct daemon *daemon = context;

	return engine_find_pause(daemon->engine, job);
}

static const struct run *find_run(void *context, uint64_t run)
{
	const struct daemon *daemon = context;

	return engine_find_run(daemon->engine, run);
}

static void each_run(void *context, api_run_fn *fn, void *fn_context)
{
	const struct daemon *daemon = context;

	engine_each_run(daemon->engine, fn, fn_context);
}

static bool next_fire(void *context, const char *job, struct utc *at)
{
	const struct daemon *daemon = context;

	return engine_next_fire(daemon->engine, job, at);
}

static void count_waiting(void *context, const struct run *run)
{
	size_t *waiting = context;

	*waiting += run->state == RUN_CLAIMED;
}

static void health(void *context, struct arena *arena, struct api_health *health)
{
	const struct daemon *daemon = context;
	struct buf zones = {0};
	struct err err;

	*health = (struct api_health){.running = engine_running(daemon->engine)};
	engine_each_run(daemon->engine, count_waiting, &health->waiting);
	if (daemon->node.is_out)
		health->store_failure = "this node has lost its lease and joins the others again";
	else if (daemon->recorder.is_failing)
		health->store_failure = arena_text(arena, daemon->recorder.failure.text);
	else if (!store_is_writable(daemon->store, &err))
		health->store_failure = arena_text(arena, err.text);
	if (daemon->config_error.length)
		health->config_error = arena_text(arena, buf_string(&daemon->config_error));
	zones_trouble(daemon, &zones);
	if (zones.length)
		health->zone_trouble = arena_text(arena, buf_string(&zones));
	buf_finish(&zones);
}

static struct utc now(void *context)
{
	return node_now(context).utc;
}

static bool metrics(void *context, struct api_metrics_place *place, bool is_openmetrics,
		    struct buf *out)
{
	return metrics_text(context, place, is_openmetrics, out);
}

bool doors_address(const char *listen, struct http_address *address, struct err *err)
{
	if (!http_address_parse(listen, address, err))
		return err_wrap(err, "--listen");
	if (!http_address_is_loopback(address))
		return err_set(err,
			       "--listen %s: no tokens configured: loopback only, such as "
			       "127.0.0.1:7420",
			       listen);
	return true;
}

bool doors_open(struct daemon *daemon, struct err *err)
{
	struct api_doors doors = {
		.trigger = trigger,
		.cancel = cancel,
		.pause = pause_job,
		.resume = resume,
		.find_pause = find_pause,
		.find_run = find_run,
		.each_run = each_run,
		.next_fire = next_fire,
		.health = health,
		.metrics = metrics,
		.now = now,
		.context = daemon,
	};
	struct http_address address;

	if (!doors_address(daemon->options->listen, &address, err))
		return false;
	daemon->world.store = daemon->store;
	daemon->world.version = version_text;
	daemon->world.started_at = clock_utc();
	daemon->api = api_create(daemon->loop, &address, &daemon->world, &doors, err);
	return daemon->api != NULL;
}

void doors_announce(const struct daemon *daemon)
{
	char text[HTTP_ADDRESS_TEXT_MAX];

	log_info("listening on http://%s", http_address_format(api_address(daemon->api), text));
}
