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
/* What was taken over while it ran has so long to end. */
enum { TAKEN_GRACE_MS = 10000 };

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

static void on_notice(void *context, uint64_t run, const char *text)
{
	char id[RUN_ID_TEXT_MAX];

	(void)context;
	log_event(run ? LOG_WARN : LOG_INFO,
		  (struct log_about){.run = run ? run_id_format(run, id) : NULL}, "%s", text);
}

/* While the store takes nothing, output stays in the spools. */
static bool is_full(void *context)
{
	const struct daemon *daemon = context;

	return recorder_is_full(&daemon->recorder);
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

	if (number == SIGINT)
		log_fresh_line();
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
	struct exec_sink sink = {.event = on_event,
				 .output = on_output,
				 .notice = on_notice,
				 .is_full = is_full,
				 .context = daemon};

	for (int kind = 0; kind < EXECUTOR_KIND_COUNT; kind++) {
		if (kind == EXECUTOR_PROCESS)
			daemon->executors[kind] =
				exec_process_create(daemon->loop, daemon->options->state,
						    daemon->options->runner, &sink, err);
		else if (kind == EXECUTOR_FLY)
			daemon->executors[kind] =
				exec_fly_create(daemon->loop, daemon->options->state, &sink, err);
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
	if (!daemon->store || !node_join(daemon, err) ||
	    !store_load(daemon->store, arena, state, err))
		return err_wrap(err, "state directory %s", daemon->options->state);
	daemon->recorder.store = daemon->store;
	daemon->recorder.is_shared = store_is_shared(daemon->store);
	return tokens_load(daemon, err) && tokens_find_last_audit(daemon, err);
}

static void make_engine(struct daemon *daemon, const struct store_state *state)
{
	daemon->engine =
		engine_create(&(struct engine_options){.max_running = daemon->max_running},
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

static void destroy_executors(struct daemon *daemon)
{
	for (int kind = 0; kind < EXECUTOR_KIND_COUNT; kind++) {
		if (daemon->executors[kind])
			daemon->executors[kind]->ops->destroy(daemon->executors[kind]);
		daemon->executors[kind] = NULL;
	}
}

void daemon_adopt(struct daemon *daemon, const struct run *run, bool is_torn)
{
	struct executor *executor = daemon->executors[run->executor];

	if (is_torn)
		inbox_push(&daemon->inbox, &(struct event){.kind = EVENT_LOST,
							   .run = run->id,
							   .attempt = run->attempt,
							   .message = "the node that ran it lost "
								      "its lease"});
	else
		executor->ops->adopt(executor, run);
}

static void adopt(struct daemon *daemon, const struct store_state *state)
{
	if (state->open_count)
		log_info("taking over %zu run%s that did not end under the last belfry",
			 state->open_count, state->open_count == 1 ? "" : "s");
	for (size_t i = 0; i < state->open_count; i++)
		daemon_adopt(daemon, &state->open_runs[i], state->is_torn && state->is_torn[i]);
}

struct leaving {
	struct daemon *daemon;
	const struct store_state *state;
};

/* Another node has told its end, and may try it again. */
static void end_if_taken(void *context, const struct run *run)
{
	const struct leaving *leaving = context;
	struct executor *executor = leaving->daemon->executors[run->executor];

	for (size_t i = 0; i < leaving->state->open_count; i++)
		if (leaving->state->open_runs[i].id == run->id)
			return;
	if (executor)
		executor->ops->stop(executor, run->id, TAKEN_GRACE_MS);
}

/* The new life of a node that lost its lease. */
static bool start_anew(struct daemon *daemon, struct arena *arena, struct err *err)
{
	struct store_state state;

	if (!node_join(daemon, err) || !store_load(daemon->store, arena, &state, err))
		return false;
	engine_each_run(daemon->engine, end_if_taken, &(struct leaving){daemon, &state});
	destroy_executors(daemon);
	if (!make_executors(daemon, err))
		return false;
	engine_destroy(daemon->engine);
	make_engine(daemon, &state);
	recorder_drop(&daemon->recorder);
	inbox_drop(&daemon->inbox);
	daemon->alarm_at = UTC_NONE;
	daemon->node.is_out = false;
	if (!reload_rejoin(daemon, &state.revision))
		return err_set(err, "revision %lld of the other nodes cannot be read here",
			       (long long)state.revision.number);
	adopt(daemon, &state);
	return true;
}

void daemon_rejoin(struct daemon *daemon)
{
	struct arena arena = {0};
	struct err err = {""};

	if (start_anew(daemon, &arena, &err))
		log_info("joined the other nodes again");
	else
		daemon->node.is_out = true;
	if (daemon->node.is_out && *err.text)
		log_warn("%s", err.text);
	arena_finish(&arena);
}

static int fail(const struct err *err, int code)
{
	log_error("%s", err->text);
	return code;
}

static void follow_file(struct daemon *daemon)
{
	struct err err;

	daemon->file = loop_file_create(daemon->loop, daemon->options->config, reload_changed,
					daemon, &err);
	if (!daemon->file)
		log_warn("%s; changes of the file are taken over on SIGHUP only", err.text);
}

static bool read_jobs(struct daemon *daemon, const struct revision *last)
{
	return daemon->options->is_managed ? reload_boot_managed(daemon, last)
					   : reload_boot(daemon, last);
}

/* Everything up to the running loop. Returns an exit code, EXIT_OK to go on. */
static int boot(struct daemon *daemon, struct arena *arena)
{
	struct store_state state = {0};
	struct http_address address;
	struct err err = {""};

	if (!descriptors_check(daemon->options, &daemon->max_running, &err) ||
	    !state_dir_take(daemon->options->state, &daemon->lock, &err) ||
	    !open_store(daemon, arena, &state, &err))
		return fail(&err, EXIT_FAILED);
	/* Before anything is touched: it is a mistake of whoever starts us. */
	if (!doors_address(daemon, &address, &err))
		return fail(&err, EXIT_BAD_FILE);
	if (!make_loop(daemon, &err) || !make_executors(daemon, &err))
		return fail(&err, EXIT_FAILED);
	daemon->zones = zoneinfo_create(NULL);
	make_engine(daemon, &state);
	/* Before anything starts: a port that is taken must not cost a job. */
	if (!doors_open(daemon, &err))
		return fail(&err, EXIT_FAILED);
	/* Before the file is read, so that no change falls between. */
	if (!daemon->options->is_managed)
		follow_file(daemon);
	/* Of several nodes the last to leave is not known: the last sign of any counts. */
	absence_boot(&daemon->absence, clock_now(),
		     daemon->node.is_member ? UTC_NONE : state.left_at, state.seen_at);
	if (!read_jobs(daemon, &state.revision))
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
	if (daemon->engine && daemon->store && !daemon->node.is_out &&
	    !turn_flush(daemon, clock_now().mono, true))
		daemon->exit_code = EXIT_FAILED;
	doors_close(daemon);
	destroy_executors(daemon);
	engine_destroy(daemon->engine);
	config_destroy(daemon->config);
	zoneinfo_destroy(daemon->zones);
	recorder_finish(&daemon->recorder);
	store_close(daemon->store);
	inbox_finish(&daemon->inbox);
	metrics_finish(&daemon->metrics);
	arena_finish(&daemon->turn);
	buf_finish(&daemon->config_error);
	arena_finish(&daemon->prune.arena);
	zones_finish(daemon);
	tokens_finish(daemon);
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

/* A library that cannot go on calls abort(3), and most say nothing. What is recorded is
 * safe; this is for whoever reads the log. */
static void on_abort(int number)
{
	static const char text[] = "belfry: given up; the last error of the system: ";
	/* Both are: one reads a table, the other this thread's own number. */
	const char *error = strerrordesc_np(errno); /* NOLINT(bugprone-signal-handler) */

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ||
	    write(STDERR_FILENO, error ? error : "unknown", error ? strlen(error) : 7) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(EXIT_FAILED);
	signal(number, SIG_DFL); /* abort ends it now, as it would have */
}

int daemon_serve(const struct serve_options *options)
{
	struct daemon daemon = {.options = options, .lock = -1, .alarm_at = UTC_NONE};
	struct arena arena = {0};

	log_setup(options->log_level, options->log_json, clock_utc);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGABRT, on_abort);
	daemon.effects.arena = &daemon.turn;
	daemon.recorder.inbox = &daemon.inbox;
	daemon.recorder.forget = on_forget;
	daemon.recorder.committed = on_committed;
	daemon.recorder.context = &daemon;
	daemon.exit_code = boot(&daemon, &arena);
	arena_finish(&arena);
	if (daemon.exit_code == EXIT_OK) {
		loop_run(daemon.loop);
		if (daemon.api)
			api_drain(daemon.api);
		log_info("stopped");
	}
	take_down(&daemon);
	return daemon.exit_code;
}
