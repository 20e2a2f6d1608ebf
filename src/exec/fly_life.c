/* fly_life.c - the steps of a run on Fly, from a Machine that is asked for to its end. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fly.h"
#include "http_target.h"

enum {
	LOOK_MS = 1000,      /* between two looks at a Machine, at first */
	LOOK_MOST_MS = 5000, /* and for one that runs for long */
	FIND_MS = 2000,      /* between two looks for one whose making was not answered */
	FIND_LOOKS = 6,
	START_MS = 300000, /* to get from made to started */
	TELL_MS = 20000,   /* for Fly to tell how a Machine that stopped ended */
	HOST_MS = 600000,  /* for a host to be reachable again, beyond the timeout */
	YOUNG_MS = 30000,  /* a Machine that was just made may not be in every answer yet */
	FORCE_MS = 5000,   /* beyond the grace */
	FORCE_AGAIN_MS = 30000,
	LAUNCHES = 4,
	LAUNCH_MS = 5000, /* to see that a launch which was not answered took effect */
};

static void look(struct fly_ward *ward);
static void create(struct fly_ward *ward);
static void launch(struct fly_ward *ward);

/* ---- asking ---- */

const char *fly_machines_path(const struct fly_ward *ward, struct arena *arena, const char *rest)
{
	struct buf path = {0};

	buf_text(&path, "/v1/apps/");
	http_escape(&path, ward->app);
	buf_format(&path, "/machines%s", rest);
	const char *text = arena_text(arena, buf_string(&path));
	buf_finish(&path);
	return text;
}

static const char *machine_path(const struct fly_ward *ward, struct arena *arena, const char *rest)
{
	struct buf path = {0};

	buf_char(&path, '/');
	http_escape(&path, ward->machine);
	buf_text(&path, rest);
	const char *text = fly_machines_path(ward, arena, buf_string(&path));
	buf_finish(&path);
	return text;
}

void fly_send(struct fly_ward *ward, struct fly_request *request, http_answered_fn *answered)
{
	request->app = ward->app;
	request->priority = ward->priority;
	request->answered = answered;
	request->context = ward;
	ward->call = fly_calls_send(ward->fly->calls, request);
}

static void step(struct fly_ward *ward, enum fly_step next)
{
	ward->step = next;
	ward->since_ms = fly_now_ms();
	ward->looks = 0;
}

static bool is_fine(const struct http_answer *answer)
{
	return answer->status >= 200 && answer->status < 300;
}

/* "Fly said …", for people. */
static const char *words_of(const struct http_answer *answer, struct arena *arena,
			    const char **code)
{
	*code = NULL;
	if (answer->status == 0)
		return arena_format(arena, "Fly cannot be reached: %s", answer->failure);
	const char *text = fly_error(answer->body, answer->length, arena, code);
	return arena_format(arena, "Fly answered %d%s%s%s%s%s", answer->status, *text ? ": " : "",
			    text, answer->request_id ? " (fly-request-id " : "",
			    answer->request_id ? answer->request_id : "",
			    answer->request_id ? ")" : "");
}

/* ---- the end of it ---- */

void fly_destroy_machine(const struct fly_ward *ward, bool is_last)
{
	if (ward->machine)
		fly_destroy_any(ward->fly, ward->app, ward->machine, is_last ? ward->run : 0);
	else if (is_last)
		fly_record_remove(ward->fly, ward->run);
}

static void fail(struct fly_ward *ward, const char *why, bool is_passing)
{
	struct arena arena = {0};

	/* The text may live in what is let go now. */
	why = arena_text(&arena, why);
	fly_destroy_machine(ward, false);
	fly_tell_failed(ward, why, is_passing);
	arena_finish(&arena);
}

void fly_log_over(struct fly_ward *ward)
{
	fly_tell_exited(ward);
}

/* How it ended is known: the rest of its log, then it is told. */
static void ended(struct fly_ward *ward, const struct fly_exit *exit)
{
	ward->exit = *exit;
	step(ward, FLY_STEP_LOG);
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
		fail(ward, "it was ended before it started", false);
	else
		fly_tell_lost(ward, why);
}

/* ---- watching ---- */

static bool has_waited(const struct fly_ward *ward, int64_t ms)
{
	return fly_now_ms() - ward->since_ms > ms;
}

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
			 .path = machine_path(ward, &arena, "/stop"),
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
	fail(ward, "it was ended before it started", false);
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
	int64_t now = fly_now_ms(), most = HOST_MS;

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

/* Once: the token was taken away, or is for another app. */
static void say_denied(struct fly_ward *ward, const struct http_answer *answer)
{
	struct arena arena = {0};
	const char *code, *text = words_of(answer, &arena, &code);

	if (!ward->is_told_denied)
		fly_say(ward, arena_format(&arena, "belfry may not ask for the Machine: %s", text));
	ward->is_told_denied = true;
	arena_finish(&arena);
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

/* In place of a Machine that goes: whoever comes after a crash is not to look for that. */
static void make_next(struct fly_ward *ward)
{
	struct err err;

	free(ward->machine);
	ward->machine = NULL;
	if (fly_record_write(ward, &err))
		create(ward);
	else
		fail(ward, err.text, true);
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
		make_next(ward);
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
		if (ward->is_replacing && !has_waited(ward, START_MS)) {
			if (!fly_is_being_destroyed(ward->fly, ward->machine))
				fly_destroy_machine(ward, false); /* it was given up */
			return true;
		}
		if (!ward->is_replacing && strcmp(machine->state, "created") == 0 &&
		    has_waited(ward, LAUNCH_MS) && ward->launches + ward->replacements < LAUNCHES) {
			if (ward->was_answered) {
				launch(ward); /* it had no effect, and will have none */
				return false;
			}
			replace(ward);
			return true;
		}
		if (!has_waited(ward, START_MS))
			return true;
		fail(ward,
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
		fail(ward,
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
	if (!has_waited(ward, TELL_MS))
		return true;
	/* Its story is told, and no start is in it. */
	if (machine->has_events && !machine->has_started && !machine->is_starting &&
	    ward->is_replacing)
		make_another(ward);
	else if (machine->has_events && !machine->has_started && !ward->is_told_started)
		fail(ward,
		     arena_format(&ward->arena,
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
	if (is_fine(answer) &&
	    fly_machines_parse(answer->body, answer->length, &arena, &machines, &count) &&
	    count == 1) {
		check_host(ward, machines);
		note_image(ward, machines);
		is_seen = !ward->is_told_host;
		goes_on = judge(ward, machines);
	} else if (answer->status == 404 &&
		   (ward->is_forced || ward->is_replacing || has_waited(ward, YOUNG_MS))) {
		gone(ward, ward->is_replacing
				   ? "whether the Machine had started before it was destroyed "
				     "nobody can tell"
				   : "the Machine is gone, and nobody saw how it ended: somebody "
				     "destroyed it");
		goes_on = false;
	} else if (answer->status == 401 || answer->status == 403) {
		say_denied(ward, answer);
	}
	arena_finish(&arena);
	if (!goes_on || check_patience(ward, is_seen))
		return;
	check_time(ward);
	check_force(ward);
	if (!ward->call)
		look_later(ward);
}

static void look(struct fly_ward *ward)
{
	struct arena arena = {0};

	fly_send(ward,
		 &(struct fly_request){.method = "GET", .path = machine_path(ward, &arena, "")},
		 on_looked);
	arena_finish(&arena);
}

static void watch(struct fly_ward *ward)
{
	step(ward, FLY_STEP_WATCH);
	if (ward->is_stopping)
		send_stop(ward);
	else
		look_later(ward);
}

/* ---- launching ---- */

static void next_region(struct fly_ward *ward, const char *why)
{
	struct arena arena = {0};
	const char *text;

	if (ward->region + 1 >= ward->spec.region_count) {
		text = arena_format(&arena, "Fly has no room for it%s%s: %s",
				    ward->spec.region_count ? " in " : "",
				    ward->spec.region_count ? ward->spec.regions[ward->region] : "",
				    why);
		fail(ward, text, true);
		arena_finish(&arena);
		return;
	}
	text = arena_format(&arena, "no room in %s; trying %s", ward->spec.regions[ward->region],
			    ward->spec.regions[ward->region + 1]);
	fly_say(ward, text);
	arena_finish(&arena);
	if (ward->machine)
		fly_destroy_machine(ward, false);
	ward->region++;
	make_next(ward);
}

static bool is_capacity(const struct http_answer *answer, const char *code, const char *text)
{
	bool is_refused = answer->status == 409 || answer->status == 412 || answer->status == 422;

	return (code && strcmp(code, "insufficient_capacity") == 0) ||
	       (is_refused && strstr(text, "insufficient") != NULL);
}

static void on_launched(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena arena = {0};
	const char *code, *text = words_of(answer, &arena, &code);

	ward->call = NULL;
	ward->was_answered = answer->status != 0 || answer->is_unsent;
	if (is_fine(answer) || answer->status == 0 || answer->status >= 500 ||
	    answer->status == 408)
		watch(ward); /* whether it took effect is seen */
	else if (is_capacity(answer, code, text))
		next_region(ward, text);
	else if (answer->status == 404 || answer->status == 412 || answer->status == 409)
		watch(ward); /* it may run already, or is not everywhere known yet */
	else
		fail(ward, text, false);
	arena_finish(&arena);
}

/* A Machine that has not begun is started by nobody but us. */
static void launch(struct fly_ward *ward)
{
	struct arena arena = {0};

	if (ward->is_stopping) {
		fail(ward, "it was ended before it started", false);
		return;
	}
	step(ward, FLY_STEP_LAUNCH);
	ward->launches++;
	fly_send(ward,
		 &(struct fly_request){.method = "POST",
				       .path = machine_path(ward, &arena, "/start"),
				       .is_once = true},
		 on_launched);
	arena_finish(&arena);
}

/* ---- making ---- */

static void take_machine(struct fly_ward *ward, const struct fly_machine *machine)
{
	struct arena arena = {0};
	struct err err;

	free(ward->machine);
	ward->machine = mem_copy_text(machine->id);
	fly_say(ward, arena_format(&arena, "Machine %s in %s, image %s", machine->id,
				   machine->region ? machine->region : "?",
				   machine->image ? machine->image : "?"));
	arena_finish(&arena);
	bool has_begun = machine->has_started || fly_machine_phase(machine) != FLY_PHASE_WAITING;
	/* Which one was launched has to be known to whoever comes after a crash. */
	bool is_noted = fly_record_write(ward, &err);
	if (has_begun)
		watch(ward);
	else if (is_noted)
		launch(ward);
	else
		fail(ward, err.text, true);
}

static void refuse(struct fly_ward *ward, const struct http_answer *answer)
{
	struct arena arena = {0};
	const char *code, *text = words_of(answer, &arena, &code);

	if (is_capacity(answer, code, text))
		next_region(ward, text);
	else if ((code && strcmp(code, "name_taken") == 0) ||
		 (answer->status == 409 && strstr(text, "name")))
		fly_find(ward); /* ours, of an answer that was lost */
	else if (answer->status == 401 || answer->status == 403)
		fail(ward,
		     arena_format(&arena, "Fly does not take the token for app %s: %s", ward->app,
				  text),
		     false);
	else
		fail(ward, text, false);
	arena_finish(&arena);
}

static void on_created(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena arena = {0};
	struct fly_machine *machines;
	size_t count = 0;

	ward->call = NULL;
	if (is_fine(answer) &&
	    fly_machines_parse(answer->body, answer->length, &arena, &machines, &count) &&
	    count == 1)
		take_machine(ward, machines);
	else if (answer->status >= 400 && answer->status < 500 && answer->status != 408)
		refuse(ward, answer);
	else
		fly_find(ward); /* it may have been made */
	arena_finish(&arena);
}

/* The body was made before image and region were known. */
static char *body_of(const struct fly_ward *ward)
{
	json_t *body = json_loads(ward->body, 0, NULL);
	char *text;

	if (ward->spec.region_count)
		json_object_set_new(body, "region", json_string(ward->spec.regions[ward->region]));
	if (ward->region > 0 || ward->replacements > 0) {
		/* The one before may still hold the name. */
		const char *name = json_string_value(json_object_get(body, "name"));
		struct buf other = {0};

		buf_format(&other, "%s-%zu", name ? name : "belfry",
			   ward->region + (size_t)ward->replacements + 1);
		json_object_set_new(body, "name", json_string(buf_string(&other)));
		buf_finish(&other);
	}
	if (ward->image)
		json_object_set_new(json_object_get(body, "config"), "image",
				    json_string(ward->image));
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

static void create(struct fly_ward *ward)
{
	struct arena arena = {0};
	char *body = body_of(ward);

	step(ward, FLY_STEP_CREATE);
	if (ward->is_stopping)
		fly_tell_failed(ward, "it was ended before it started", false);
	else
		fly_send(ward,
			 &(struct fly_request){.method = "POST",
					       .path = fly_machines_path(ward, &arena, ""),
					       .body = body,
					       .limit = FLY_LIMIT_CREATE,
					       .is_once = true},
			 on_created);
	free(body);
	arena_finish(&arena);
}

void fly_begin(struct fly_ward *ward)
{
	step(ward, FLY_STEP_IMAGE);
	if (fly_spec_is_current(&ward->spec))
		fly_look_up_image(ward);
	else
		create(ward);
}

void fly_image_known(struct fly_ward *ward, const char *image)
{
	ward->image = image;
	create(ward);
}

void fly_image_unknown(struct fly_ward *ward, const char *why, bool is_passing)
{
	fail(ward, why, is_passing);
}

/* ---- finding ---- */

static const struct fly_machine *ours(const struct fly_ward *ward,
				      const struct fly_machine *machines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (machines[i].run == ward->run && machines[i].attempt == ward->attempt &&
		    machines[i].home && strcmp(machines[i].home, ward->fly->home) == 0 &&
		    fly_machine_phase(&machines[i]) != FLY_PHASE_GONE &&
		    !fly_is_being_destroyed(ward->fly, machines[i].id))
			return &machines[i];
	return NULL;
}

static void on_found(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena arena = {0};
	struct fly_machine *machines;
	const struct fly_machine *machine = NULL;
	size_t count = 0;
	bool is_told = is_fine(answer) &&
		       fly_machines_parse(answer->body, answer->length, &arena, &machines, &count);

	ward->call = NULL;
	if (is_told)
		machine = ours(ward, machines, count);
	if (!is_told && (answer->status == 401 || answer->status == 403))
		say_denied(ward, answer);
	if (machine)
		take_machine(ward, machine);
	else if (answer->status == 404)
		fly_tell_failed(ward, "Fly has no such app any more", false);
	else if (!is_told &&
		 (ward->is_stopping ? has_waited(ward, YOUNG_MS) : has_waited(ward, HOST_MS)))
		fly_tell_lost(ward, "Fly could not be asked whether it has a Machine for it");
	else if (is_told && ++ward->looks >= FIND_LOOKS)
		/* It was not launched, and nobody else would: a late one is swept. */
		fly_tell_failed(ward, "Fly did not answer, and has no Machine for it", true);
	else
		loop_timer_start(ward->timer, FIND_MS);
	arena_finish(&arena);
}

static void search(struct fly_ward *ward)
{
	char id[RUN_ID_TEXT_MAX];
	struct arena arena = {0};

	const char *rest =
		arena_format(&arena, "?metadata." FLY_META_RUN "=%s", run_id_format(ward->run, id));
	fly_send(ward,
		 &(struct fly_request){.method = "GET",
				       .path = fly_machines_path(ward, &arena, rest),
				       .limit = FLY_LIMIT_LIST},
		 on_found);
	arena_finish(&arena);
}

void fly_find(struct fly_ward *ward)
{
	step(ward, FLY_STEP_FIND);
	if (ward->machine) /* of a record: it is known which one */
		watch(ward);
	else
		search(ward);
}

void fly_on_timer(void *context)
{
	struct fly_ward *ward = context;

	switch (ward->step) {
	case FLY_STEP_FIND: search(ward); break;
	case FLY_STEP_WATCH: look(ward); break;
	case FLY_STEP_IMAGE: fly_look_up_image(ward); break;
	case FLY_STEP_CREATE:
	case FLY_STEP_LAUNCH:
	case FLY_STEP_LOG:
	case FLY_STEP_OVER: break;
	}
}
