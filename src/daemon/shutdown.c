/*
 * shutdown.c - stopping: start nothing more, wait, then leave or end what runs.
 */
#include "clock.h"
#include "internal.h"
#include "log.h"

/* After SIGKILL nothing should be left; but a process may hang in the kernel. */
enum { KILL_PATIENCE_MS = 20000 };

static void leave(struct daemon *daemon)
{
	size_t running = engine_running(daemon->engine);

	if (running)
		log_info("%zu run%s left to the runner; the next `belfry serve` takes %s over",
			 running, running == 1 ? "" : "s", running == 1 ? "it" : "them");
	loop_stop(daemon->loop);
}

static void cancel_run(void *context, const struct run *run)
{
	struct daemon *daemon = context;

	if (run->state == RUN_STARTING || run->state == RUN_RUNNING)
		inbox_push(&daemon->inbox, &(struct event){.kind = EVENT_CANCEL, .run = run->id});
}

void shutdown_begin(struct daemon *daemon, const char *why)
{
	size_t running = engine_running(daemon->engine);

	if (daemon->is_stopping) {
		log_info("%s again: leaving at once", why);
		leave(daemon);
		return;
	}
	daemon->is_stopping = true;
	log_info("%s: nothing more is started; %zu run%s going on", why, running,
		 running == 1 ? " is" : "s are");
	inbox_push(&daemon->inbox, &(struct event){.kind = EVENT_DRAIN});
	/* What falls due from here on is the next life's, however long this one still
	 * waits for what runs. */
	struct now now = clock_now();
	if (!daemon->node.is_member)
		recorder_add(&daemon->recorder,
			     &(struct record){.kind = RECORD_LEFT, .left_at = now.utc}, now.mono);
	if (daemon->options->stop_mode != STOP_MODE_LEAVE && running > 0)
		loop_timer_start(daemon->stop_timer, daemon->options->stop_timeout_ms);
}

/* Once a turn while stopping: is there anything left to wait for? */
void shutdown_check(struct daemon *daemon)
{
	if (daemon->options->stop_mode == STOP_MODE_LEAVE || engine_running(daemon->engine) == 0)
		leave(daemon);
}

void shutdown_timeout(void *context)
{
	struct daemon *daemon = context;
	size_t running = engine_running(daemon->engine);

	if (daemon->options->stop_mode != STOP_MODE_KILL || daemon->is_killing) {
		leave(daemon);
		return;
	}
	daemon->is_killing = true;
	log_warn("ending %zu run%s that did not end in time", running, running == 1 ? "" : "s");
	engine_each_run(daemon->engine, cancel_run, daemon);
	loop_timer_start(daemon->stop_timer, KILL_PATIENCE_MS);
}
