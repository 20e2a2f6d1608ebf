/*
 * daemon.c - `belfry serve`: puts the parts together, runs the loop, takes them
 * apart again in reverse.
 */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "internal.h"
#include "log.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_BAD_FILE = 2 };
/* The first look for old history, when the bustle of the start is over. */
enum { FIRST_PRUNE_MS = 60 * 1000 };

static void on_event(void *context, const struct event *event)
{
	struct daemon *daemon = context;

	inbox_push(&daemon->inbox, event);
}

static void on_output(void *context, const struct log_chunk *chunk)
{
	struct daemon *daemon = context;

	recorder_add(&daemon->recorder, &(struct record){.kind = RECORD_LOG, .log = *chunk},
		     clock_now().mono);
}

static void on_forget(void *context, enum executor_kind kind, uint64_t run)
{
	struct daemon *daemon = context;
	struct executor *executor = daemon->executors[kind];

	executor->ops->forget(executor, run);
}

static void on_committed(void *context, uint64_t run)
{
	struct daemon *daemon = context;

	if (daemon->api)
		api_run_changed(daemon->api, run);
}

static void on_signal(void *context, int number)
{
	struct daemon *daemon = context;

	if (number != SIGHUP) {
		shutdown_begin(daemon, number == SIGINT ? "SIGINT" : "SIGTERM");
		return;
	}
	reload_file(daemon, "SIGHUP");
	zones_look(daemon);
}

/* As PID 1 of a container orphans come to us; nothing else of ours has children
 * that somebody waits for by number. */
static void on_child(void *context, int number)
{
	(void)context;
	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* The turn itself does the work; waking up is all that a timer is for. */
static void on_wake(void *context)
{
	struct daemon *daemon = context;

	daemon->alarm_at = UTC_NONE; /* it has fired, or the clock was set: arm it anew */
}

static void on_timer(void *context)
{
	(void)context;
}

static bool make_loop(struct daemon *daemon, struct err *err)
{
	daemon->loop = loop_create(err);
	if (!daemon->loop)
		return false;
	daemon->alarm = loop_alarm_create(daemon->loop, on_wake, daemon, err);
	if (!daemon->alarm)
		return false;
	daemon->timer = loop_timer_create(daemon->loop, on_timer, daemon);
	daemon->reload_timer = loop_timer_create(daemon->loop, reload_now, daemon);
	daemon->prune_timer = loop_timer_create(daemon->loop, retention_run, daemon);
	daemon->zone_watch.timer = loop_timer_create(daemon->loop, zones_look, daemon);
	daemon->stop_timer = loop_timer_create(daemon->loop, shutdown_timeout, daemon);
	daemon->on_term = loop_signal_create(daemon->loop, SIGTERM, on_signal, daemon);
	daemon->on_int = loop_signal_create(daemon->loop, SIGINT, on_signal, daemon);
	daemon->on_hup = loop_signal_create(daemon->loop, SIGHUP, on_signal, daemon);
	daemon->on_child = loop_signal_create(daemon->loop, SIGCHLD, on_child, daemon);
	on_child(daemon, SIGCHLD); /* those that came before anybody listened */
	return true;
}

static bool make_executors(struct daemon *daemon, struct err *err)
{
	struct exec_sink sink = {.event = on_event, .output = on_output, .context = daemon};

	for (int kind = 0; kind < EXECUTOR_KIND_COUNT; kind++) {
		if (kind == EXECUTOR_PROCESS)
			daemon->executors[kind] =
				exec_process_create(daemon->loop, daemon->options->state,
						    daemon->options->runner, &sink, err);
		else
			daemon->executors[kind] =
				exec_absent_create((enum executor_kind)kind, &sink);
		if (!daemon->executors[kind])
			return err_wrap(err, "%s executor",
					executor_kind_word((enum executor_kind)kind));
	}
	return true;
}

static bool open_store(struct daemon *daemon, struct arena *arena, struct store_state *state,
		       struct err *err)
{
	struct buf location = {0};

	buf_format(&location, "sqlite:%s", daemon->options->state);
	daemon->store = store_open(buf_string(&location), err);
	buf_finish(&location);
	if (!daemon->store || !store_load(daemon->store, arena, state, err))
		return err_wrap(err, "state directory %s", daemon->options->state);
	daemon->recorder.store = daemon->store;
	return true;
}

static void make_engine(struct daemon *daemon, const struct store_state *state)
{
	daemon->engine =
		engine_create(&(struct engine_options){.max_running = daemon->options->max_running},
			      &(struct engine_past){.evaluated_until = state->evaluated_until,
						    .fixed_until = state->fixed_until,
						    .epoch = state->epoch,
						    .last_run = state->last_run,
						    .node = state->node,
						    .open_runs = state->open_runs,
						    .open_count = state->open_count,
						    .pauses = state->pauses,
						    .pause_count = state->pause_count});
}

static void adopt(struct daemon *daemon, const struct store_state *state)
{
	if (state->open_count)
		log_info("taking over %zu run%s that did not end under the last belfry",
			 state->open_count, state->open_count == 1 ? "" : "s");
	for (size_t i = 0; i < state->open_count; i++) {
		const struct run *run = &state->open_runs[i];
		struct executor *executor = daemon->executors[run->executor];

		executor->ops->adopt(executor, run);
	}
}

static int fail(const struct err *err, int code)
{
	log_error("%s", err->text);
	return code;
}

/* Everything up to the running loop. Returns an exit code, EXIT_OK to go on. */
static int boot(struct daemon *daemon, struct arena *arena)
{
	struct store_state state = {0};
	struct http_address address;
	struct err err = {""};

	if (!doors_address(daemon->options->listen, &address, &err))
		return fail(&err, EXIT_BAD_FILE);
	if (!state_dir_take(daemon->options->state, &daemon->lock, &err) ||
	    !open_store(daemon, arena, &state, &err) || !make_loop(daemon, &err) ||
	    !make_executors(daemon, &err))
		return fail(&err, EXIT_FAILED);
	daemon->zones = zoneinfo_create(NULL);
	make_engine(daemon, &state);
	/* Before anything starts: a port that is taken must not cost a job. */
	if (!doors_open(daemon, &err))
		return fail(&err, EXIT_FAILED);
	/* Before the file is read, so that no change falls between. */
	daemon->file = loop_file_create(daemon->loop, daemon->options->config, reload_changed,
					daemon, &err);
	if (!daemon->file)
		log_warn("%s; changes of the file are taken over on SIGHUP only", err.text);
	if (!reload_boot(daemon, &state.revision))
		return EXIT_BAD_FILE;
	adopt(daemon, &state);
	loop_timer_start(daemon->prune_timer, FIRST_PRUNE_MS);
	loop_on_turn(daemon->loop, turn_run, daemon);
	doors_announce(daemon);
	return EXIT_OK;
}

/* The reverse of boot, from wherever it stopped. */
static void take_down(struct daemon *daemon)
{
	if (daemon->engine && daemon->store &&
	    !recorder_flush(&daemon->recorder, clock_now().mono, true))
		daemon->exit_code = EXIT_FAILED;
	api_destroy(daemon->api);
	for (int kind = 0; kind < EXECUTOR_KIND_COUNT; kind++)
		if (daemon->executors[kind])
			daemon->executors[kind]->ops->destroy(daemon->executors[kind]);
	engine_destroy(daemon->engine);
	config_destroy(daemon->config);
	zoneinfo_destroy(daemon->zones);
	recorder_finish(&daemon->recorder);
	store_close(daemon->store);
	inbox_finish(&daemon->inbox);
	arena_finish(&daemon->turn);
	buf_finish(&daemon->config_error);
	arena_finish(&daemon->prune.arena);
	zones_finish(daemon);
	loop_file_destroy(daemon->file);
	loop_signal_destroy(daemon->on_term);
	loop_signal_destroy(daemon->on_int);
	loop_signal_destroy(daemon->on_hup);
	loop_signal_destroy(daemon->on_child);
	loop_timer_destroy(daemon->timer);
	loop_timer_destroy(daemon->reload_timer);
	loop_timer_destroy(daemon->prune_timer);
	loop_timer_destroy(daemon->stop_timer);
	loop_alarm_destroy(daemon->alarm);
	loop_destroy(daemon->loop);
	if (daemon->lock >= 0)
		close(daemon->lock);
}

int daemon_serve(const struct serve_options *options)
{
	struct daemon daemon = {.options = options, .lock = -1, .alarm_at = UTC_NONE};
	struct arena arena = {0};

	log_setup(options->log_level, options->log_json, clock_utc);
	signal(SIGPIPE, SIG_IGN);
	daemon.effects.arena = &daemon.turn;
	daemon.recorder.inbox = &daemon.inbox;
	daemon.recorder.forget = on_forget;
	daemon.recorder.committed = on_committed;
	daemon.recorder.context = &daemon;
	daemon.exit_code = boot(&daemon, &arena);
	arena_finish(&arena);
	if (daemon.exit_code == EXIT_OK) {
		loop_run(daemon.loop);
		log_info("stopped");
	}
	take_down(&daemon);
	return daemon.exit_code;
}
