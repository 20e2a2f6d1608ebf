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

enum { TLS_SETTLE_MS = 500 };

/* A write that only asks whether writes succeed costs a sync of the disk: whoever asks
 * often is told of the last one. */
enum { PROOF_HOLDS_MS = 1000 };

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

static bool store_takes_writes(struct daemon *daemon, struct err *err)
{
	struct mono now = clock_now().mono;

	if (daemon->proved_at.ms && now.ms - daemon->proved_at.ms < PROOF_HOLDS_MS)
		return true;
	daemon->proved_at.ms = 0;
	if (!store_is_writable(daemon->store, err))
		return false;
	daemon->proved_at = now;
	return true;
}

static void health(void *context, struct arena *arena, struct api_health *health)
{
	struct daemon *daemon = context;
	struct buf zones = {0};
	struct err err;

	*health = (struct api_health){.running = engine_running(daemon->engine),
				      .is_stopping = daemon->is_stopping};
	engine_each_run(daemon->engine, count_waiting, &health->waiting);
	if (daemon->node.is_out)
		health->store_failure = "this node has lost its lease and joins the others again";
	else if (daemon->recorder.is_failing)
		health->store_failure = arena_text(arena, daemon->recorder.failure.text);
	else if (!store_takes_writes(daemon, &err))
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

static void deploy(void *context, struct arena *arena, struct api_deploy *deploy)
{
	apply_file(context, arena, deploy);
}

static bool export(void *context, struct buf *out, struct err *err)
{
	return apply_export(context, out, err);
}

static bool job_written(void *context, const struct revision *revision, const char *job,
			struct buf *out)
{
	(void)context;
	return config_job_written(revision->content, revision->length, job, out);
}

static struct mono mono(void *context)
{
	(void)context;
	return clock_now().mono;
}

static bool token(void *context, const struct token *token)
{
	return tokens_put(context, token);
}

static void audit(void *context, const struct audit *audit)
{
	tokens_audit(context, audit);
}

static void denied(void *context, const char *address, const char *who, const char *why)
{
	(void)context;
	log_warn("refused %s%s%s: %s", address, who ? " with the token of " : "", who ? who : "",
		 why);
}

bool doors_address(const struct daemon *daemon, struct http_address *address, struct err *err)
{
	const char *listen = daemon->options->listen;

	if (!http_address_parse(listen, address, err))
		return err_wrap(err, "--listen");
	if (!http_address_is_loopback(address) && daemon->tokens.count == 0)
		return err_set(
			err,
			"--listen %s: without any token whoever reaches that address could do "
			"all; listen on loopback (127.0.0.1:7420) and run `belfry token "
			"create`, or set BELFRY_TOKEN",
			listen);
	return true;
}

/* ---- certificate and key ---- */

/* Both are written one after the other: they are read once that has settled. */
static void on_tls_changed(void *context)
{
	struct daemon *daemon = context;

	loop_timer_start(daemon->tls_timer, TLS_SETTLE_MS);
}

static void on_tls_settled(void *context)
{
	struct daemon *daemon = context;
	struct err err;

	if (http_tls_reload(daemon->tls, &err))
		log_info("certificate and key are read anew");
	else
		log_error("certificate and key: %s; those before stay in use", err.text);
}

static struct loop_file *watch(struct daemon *daemon, const char *path)
{
	struct err err;
	struct loop_file *file = loop_file_create(daemon->loop, path, on_tls_changed, daemon, &err);

	if (!file)
		log_warn("%s; changes are taken over at the next start", err.text);
	return file;
}

static bool open_tls(struct daemon *daemon, struct err *err)
{
	const struct serve_options *options = daemon->options;

	if (!options->tls_certificate)
		return true;
	daemon->tls = http_tls_create(options->tls_certificate, options->tls_key, err);
	if (!daemon->tls)
		return err_wrap(err, "--tls-cert and --tls-key");
	daemon->tls_timer = loop_timer_create(daemon->loop, on_tls_settled, daemon);
	daemon->tls_files[0] = watch(daemon, options->tls_certificate);
	daemon->tls_files[1] = watch(daemon, options->tls_key);
	return true;
}

void doors_close(struct daemon *daemon)
{
	api_destroy(daemon->api);
	http_tls_destroy(daemon->tls);
	loop_file_destroy(daemon->tls_files[0]);
	loop_file_destroy(daemon->tls_files[1]);
	loop_timer_destroy(daemon->tls_timer);
}

bool doors_open(struct daemon *daemon, struct err *err)
{
	struct http_address address;
	struct api_options options = {
		.address = &address,
		.world = &daemon->world,
		.doors = {.trigger = trigger,
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
			  .deploy = deploy,
			  .export = export,
			  .job_written = job_written,
			  .mono = mono,
			  .token = token,
			  .audit = audit,
			  .denied = denied,
			  .context = daemon},
	};

	if (!doors_address(daemon, &address, err) ||
	    !http_proxies_parse(daemon->options->trusted_proxies, &options.proxies, err))
		return false;
	daemon->world.is_exposed = !http_address_is_loopback(&address);
	daemon->world.store = daemon->store;
	daemon->world.version = version_text;
	daemon->world.started_at = clock_utc();
	if (!open_tls(daemon, err))
		return false;
	options.tls = daemon->tls;
	daemon->api = api_create(daemon->loop, &options, err);
	return daemon->api != NULL;
}

void doors_announce(const struct daemon *daemon)
{
	char text[HTTP_ADDRESS_TEXT_MAX];

	log_info("listening on %s://%s", daemon->tls ? "https" : "http",
		 http_address_format(api_address(daemon->api), text));
}
