/*
 * fly_watch.c - a Machine that was asked to start: looked at until its end is known, stopped
 * where it has to; see fly.h.
 */
#include <inttypes.h>
#include <string.h>

#include "fly.h"

enum {
	LOOK_MS = 1000,      /* between two looks at a Machine, at first */
	LOOK_MOST_MS = 5000, /* and for one that runs for long */
	START_MS = 300000,   /* to get from made to started */
	TELL_MS = 20000,     /* for Fly to tell how a Machine that stopped ended */
	FORCE_MS = 5000,     /* beyond the grace */
	FORCE_AGAIN_MS = 30000,
	LAUNCHES = 4,
	LAUNCH_MS = 5000, /* to see that a launch which was not answered took effect */
};

void fly_log_over(struct fly_ward *ward)
{
	fly_tell_exited(ward);
}

/* How it ended is known: the rest of its log, then it is told. */
static void ended(struct fly_ward *ward, const struct fly_exit *exit)
{
	ward->exit = *exit;
	fly_step(ward, FLY_STEP_LOG);
	if (exit->was_requested && !ward->is_stopping)
		fly_say(ward, "the Machine was stopped from outside of belfry");
	fly_log_finish(ward);
}

/* It went before Fly told how it ended; if that was our wish it is no riddle. */
static void gone(struct fly_ward *ward, const char *why)
{
	if (ward->is_stopping && ward->is_told_started)
		ended(ward, &(struct fly_exit){.exit_code = -1, .signal = 9, .at = UTC_NONE});
	else if (ward->is_stopping)
		fly_fail(ward, "it was ended before it started", false);
	else
		fly_tell_lost(ward, why);
}

/* ---- watching ---- */

static void look_later(struct fly_ward *ward)
{
	int64_t now = fly_now_ms(), wait = (now - ward->since_ms) / 20;

	wait = wait < LOOK_MS ? LOOK_MS : wait > LOOK_MOST_MS ? LOOK_MOST_MS : wait;
	if (ward->ends_ms && !ward->is_stopping && ward->ends_ms - now < wait)
		wait = ward->ends_ms - now;
	loop_timer_start(ward->timer, wait);
}

static void on_stopped(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;

	(void)answer; /* what came of it is seen */
	ward->call = NULL;
	look_later(ward);
}

static void send_stop(struct fly_ward *ward)
{
	struct arena arena = {0};
	int64_t seconds = (ward->grace_ms + 999) / 1000;

	if (ward->call)
		fly_calls_cancel(ward->fly->calls, ward->call);
	ward->call = NULL;
	loop_timer_stop(ward->timer);
	fly_send(ward,
		 &(struct fly_request){
			 .method = "POST",
			 .path = fly_machine_path(ward, &arena, "/stop"),
			 .body = arena_format(
				 &arena, "{\"signal\":\"SIGTERM\",\"timeout\":\"%" PRId64 "s\"}",
				 seconds > 0 ? seconds : 1),
			 .is_eager = true},
		 on_stopped);
	arena_finish(&arena);
}

/* What Fly has not been asked yet, it need not be asked. */
static void give_up_queued(struct fly_ward *ward)
{
	if (!ward->call || fly_call_is_sent(ward->call))
		return;
	fly_calls_cancel(ward->fly->calls, ward->call);
	ward->call = NULL;
	fly_fail(ward, "it was ended before it started", false);
}

void fly_ask_stop(struct fly_ward *ward)
{
	int64_t force_ms = fly_now_ms() + ward->grace_ms + FORCE_MS;

	if (ward->is_stopping) { /* asked again: with a grace that may be shorter */
		ward->force_ms = force_ms < ward->force_ms ? force_ms : ward->force_ms;
		return;
	}
	ward->is_stopping = true;
	ward->force_ms = force_ms;
	switch (ward->step) {
	case FLY_STEP_IMAGE:
	case FLY_STEP_CREATE:
	case FLY_STEP_LAUNCH: give_up_queued(ward); break; /* else seen when it is done */
	case FLY_STEP_FIND: break;
	case FLY_STEP_WATCH: send_stop(ward); break;
	case FLY_STEP_LOG:
	case FLY_STEP_OVER: break;
	}
}

static void check_time(struct fly_ward *ward)
{
	if (!ward->ends_ms || ward->is_stopping || fly_now_ms() < ward->ends_ms)
		return;
	ward->has_timed_out = true;
	fly_ask_stop(ward);
}

/* Neither signal nor grace helped. */
static void check_force(struct fly_ward *ward)
{
	int64_t now = fly_now_ms();

	if (!ward->is_stopping || now < ward->force_ms)
		return;
	if (!ward->is_forced)
		fly_say(ward, "the Machine did not stop within its grace; it is destroyed");
	ward->is_forced = true;
	ward->force_ms = now + FORCE_AGAIN_MS;
	if (!fly_is_being_destroyed(ward->fly, ward->machine))
		fly_destroy_machine(ward, false);
}

/* Nobody can say how it goes, for longer than it may take. True: it was given up. */
static bool check_patience(struct fly_ward *ward, bool is_seen)
{
	int64_t now = fly_now_ms(), most = FLY_HOST_MS;

	if (is_seen)
		ward->unseen_ms = 0;
	else if (!ward->unseen_ms)
		ward->unseen_ms = now;
	if (ward->ends_ms > now)
		most += ward->ends_ms - now;
	if (!ward->unseen_ms || now - ward->unseen_ms < most)
		return false;
	fly_tell_lost(ward, "Fly could not tell of the Machine for too long");
	return true;
}

static void check_host(struct fly_ward *ward, const struct fly_machine *machine)
{
	bool is_away = machine->host_status && strcmp(machine->host_status, "unreachable") == 0;

	if (is_away && !ward->is_told_host)
		fly_say(ward, "Fly cannot reach the Machine's host; belfry waits for it");
	else if (!is_away && ward->is_told_host)
		fly_say(ward, "Fly reaches the Machine's host again");
	ward->is_told_host = is_away;
}

static void note_image(struct fly_ward *ward, const struct fly_machine *machine)
{
	if (ward->ran_in || !machine->image)
		return;
	ward->ran_in = mem_copy_text(machine->image);
}

/* Whether a launch that was not answered at all will still take effect nobody can tell; asked for
 * again, it could start a Machine that has run already. One that is destroyed never starts:
 * then another one is made. */
static void replace(struct fly_ward *ward)
{
	if (ward->is_replacing)
		return;
	ward->is_replacing = true;
	fly_destroy_machine(ward, false);
}

static void make_another(struct fly_ward *ward)
{
	fly_say(ward, "the Machine did not start, and is destroyed; another one is made");
	ward->is_replacing = false;
	ward->replacements++;
	ward->launches = 0;
	if (ward->is_stopping)
		fly_tell_failed(ward, "it was ended before it started", false);
	else if (ward->body)
		fly_make_next(ward);
	else /* an earlier belfry knew what to ask for */
		fly_tell_failed(ward, "belfry stopped before the Machine was started", true);
}

/* True while there is something to wait for. */
static bool judge(struct fly_ward *ward, const struct fly_machine *machine)
{
	enum fly_phase phase = fly_machine_phase(machine);

	/* What has run is not to be started any more, whatever it is called now. */
	if (ward->is_told_started && phase == FLY_PHASE_WAITING)
		phase = FLY_PHASE_RUNNING;
	if (ward->is_told_started && phase == FLY_PHASE_FAILED)
		phase = FLY_PHASE_STOPPED;
	switch (phase) {
	case FLY_PHASE_WAITING:
		if (ward->is_replacing && !fly_has_waited(ward, START_MS)) {
			if (!fly_is_being_destroyed(ward->fly, ward->machine))
				fly_destroy_machine(ward, false); /* it was given up */
			return true;
		}
		if (!ward->is_replacing && strcmp(machine->state, "created") == 0 &&
		    fly_has_waited(ward, LAUNCH_MS) &&
		    ward->launches + ward->replacements < LAUNCHES) {
			if (ward->was_answered) {
				fly_launch(ward); /* it had no effect, and will have none */
				return false;
			}
			replace(ward);
			return true;
		}
		if (!fly_has_waited(ward, START_MS))
			return true;
		fly_fail(ward,
			 arena_format(&ward->arena,
				      "Fly did not start the Machine within 5 minutes (%s)",
				      machine->state),
			 false);
		return false;
	case FLY_PHASE_RUNNING:
		if (!ward->is_told_started) {
			fly_tell_started(ward, machine->started_at);
			fly_log_begin(ward);
		}
		ward->looks = 0;
		return true;
	case FLY_PHASE_ENDED:
		fly_tell_started(ward, utc_is_set(machine->started_at) ? machine->started_at
								       : machine->exit.at);
		ended(ward, &machine->exit);
		return false;
	case FLY_PHASE_FAILED:
		fly_fail(ward,
			 arena_format(
				 &ward->arena,
				 "Fly could not start the Machine (%s): its image cannot be "
				 "pulled, or its config does not work; see `fly machine status %s`",
				 machine->state, machine->id),
			 false);
		return false;
	case FLY_PHASE_STOPPED:
	case FLY_PHASE_GONE: break;
	}
	/* It is over. Events may come late. */
	if (ward->looks++ == 0)
		ward->since_ms = fly_now_ms();
	if (!fly_has_waited(ward, TELL_MS))
		return true;
	/* Its story is told, and no start is in it. */
	if (machine->has_events && !machine->has_started && !machine->is_starting &&
	    ward->is_replacing)
		make_another(ward);
	else if (machine->has_events && !machine->has_started && !ward->is_told_started)
		fly_fail(ward,
			 arena_format(
				 &ward->arena,
				 "Fly did not start the Machine (%s): its image cannot be pulled, "
				 "or its config does not work",
				 machine->state),
			 false);
	else
		gone(ward, "the Machine is over, and Fly does not tell how it ended");
	return false;
}

static void on_looked(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena arena = {0};
	struct fly_machine *machines;
	size_t count;
	bool goes_on = true, is_seen = false;

	ward->call = NULL;
	if (fly_is_fine(answer) &&
	    fly_machines_parse(answer->body, answer->length, &arena, &machines, &count) &&
	    count == 1) {
		check_host(ward, machines);
		note_image(ward, machines);
		is_seen = !ward->is_told_host;
		goes_on = judge(ward, machines);
	} else if (answer->status == 404 &&
		   (ward->is_forced || ward->is_replacing || fly_has_waited(ward, FLY_YOUNG_MS))) {
		gone(ward, ward->is_replacing
				   ? "whether the Machine had started before it was destroyed "
				     "nobody can tell"
				   : "the Machine is gone, and nobody saw how it ended: somebody "
				     "destroyed it");
		goes_on = false;
	} else if (answer->status == 401 || answer->status == 403) {
		fly_say_denied(ward, answer);
	}
	arena_finish(&arena);
	if (!goes_on || check_patience(ward, is_seen))
		return;
	check_time(ward);
	check_force(ward);
	if (!ward->call)
		look_later(ward);
}

void fly_look(struct fly_ward *ward)
{
	struct arena arena = {0};

	fly_send(ward,
		 &(struct fly_request){.method = "GET", .path = fly_machine_path(ward, &arena, "")},
		 on_looked);
	arena_finish(&arena);
}

void fly_watch(struct fly_ward *ward)
{
	fly_step(ward, FLY_STEP_WATCH);
	if (ward->is_stopping)
		send_stop(ward);
	else
		look_later(ward);
}
