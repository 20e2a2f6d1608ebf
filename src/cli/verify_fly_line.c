/* verify_fly_line.c - what is told of an app on Fly: a line for people, an object for
 * programs; see verify_fly.h. */
#include <string.h>

#include "str.h"
#include "verify_fly.h"
#include "when.h"

static enum fly_verdict judge(const struct verify_fly *fly, const struct fly_instance **worst)
{
	return fly_app_judge(&fly->app, fly->now, worst);
}

bool verify_fly_is_up(const struct verify_fly *fly)
{
	const struct fly_instance *worst;

	return fly->reach == VERIFY_FLY_TOLD && fly_verdict_is_up(judge(fly, &worst));
}

bool verify_fly_is_final(const struct verify_fly *fly)
{
	return fly->reach == VERIFY_FLY_NO_TOKEN || fly->reach == VERIFY_FLY_DENIED ||
	       fly->reach == VERIFY_FLY_NO_APP;
}

const char *verify_fly_word(const struct verify_fly *fly)
{
	const struct fly_instance *worst;

	switch (fly->reach) {
	case VERIFY_FLY_NO_TOKEN: return "no_token";
	case VERIFY_FLY_DENIED: return "denied";
	case VERIFY_FLY_NO_APP: return "no_app";
	case VERIFY_FLY_NO_ANSWER: return "fly_unreachable";
	case VERIFY_FLY_ERROR: return "fly_error";
	case VERIFY_FLY_TOLD: break;
	}
	return fly_verdict_word(judge(fly, &worst));
}

/* ---- pieces ---- */

/* "Machine 3d8d (worker, iad)" */
static void add_machine(const struct fly_machine *machine, struct buf *out)
{
	const char *group = machine->group, *region = machine->region;

	buf_format(out, "Machine %s", machine->id);
	if (group || region)
		buf_format(out, " (%s%s%s)", group ? group : "", group && region ? ", " : "",
			   region ? region : "");
}

static void add_count(struct buf *out, size_t count, const char *what)
{
	buf_format(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void add_log_hint(const struct verify_fly *fly, const struct fly_instance *one,
			 struct buf *out)
{
	buf_format(out, "fly logs --app %s --machine %s", fly->name, one->machine.id);
}

static void add_end(const struct fly_exit *exit, struct buf *out)
{
	if (exit->is_oom)
		buf_text(out, "out of memory");
	else if (exit->signal)
		buf_format(out, "by signal %d", exit->signal);
	else
		buf_format(out, "with exit code %d", exit->exit_code);
}

static void add_remedy_of_end(const struct verify_fly *fly, const struct fly_instance *one,
			      struct buf *out)
{
	if (one->crash.is_oom) {
		buf_format(out,
			   "give it more memory (fly scale memory --app %s), or see what "
			   "takes it: ",
			   fly->name);
	} else {
		buf_text(out, "its log tells why: ");
	}
	add_log_hint(fly, one, out);
}

/* ---- up ---- */

static void count_all(const struct verify_fly *fly, size_t *started, size_t *checks)
{
	*started = *checks = 0;
	for (size_t i = 0; i < fly->app.count; i++) {
		const struct fly_instance *one = &fly->app.instances[i];

		if (fly_instance_judge(&fly->app, one, fly->now) != FLY_UP)
			continue;
		++*started;
		*checks += one->check_count;
	}
}

static void tell_up(const struct verify_fly *fly, struct buf *out)
{
	size_t started, checks;

	count_all(fly, &started, &checks);
	buf_format(out, "%s has ", fly->name);
	add_count(out, started, "Machine");
	buf_text(out, " started");
	if (started < fly->app.count)
		buf_format(out, " of %zu", fly->app.count);
	if (checks) {
		buf_text(out, ", ");
		add_count(out, checks, "check");
		buf_text(out, checks == 1 ? " passes" : " pass");
	} else {
		buf_text(out, ", and no checks");
	}
}

static void tell_asleep(const struct verify_fly *fly, struct buf *out)
{
	if (fly->app.count == 1)
		buf_format(out, "the Machine of %s sleeps", fly->name);
	else
		buf_format(out, "all %zu Machines of %s sleep", fly->app.count, fly->name);
	buf_text(out, ", and a request starts one; with its URL, too, it is seen to answer");
}

/* ---- not listening ---- */

static const struct fly_listener *find_listener(const struct fly_instance *one, int32_t port)
{
	for (size_t i = 0; i < one->listener_count; i++)
		if (fly_address_port(one->listeners[i].address) == port)
			return &one->listeners[i];
	return NULL;
}

static void add_listener(const struct fly_listener *listener, struct buf *out)
{
	buf_format(out, "%s listens on %s", listener->process ? listener->process : "a process",
		   listener->address);
}

static void tell_elsewhere(const struct fly_instance *one, int32_t port, struct buf *out)
{
	size_t shown = one->listener_count < 3 ? one->listener_count : 3;

	for (size_t i = 0; i < shown; i++) {
		buf_text(out, i ? ", " : "");
		add_listener(&one->listeners[i], out);
	}
	buf_format(out, ": have the app listen on 0.0.0.0:%d", port);
	if (one->listener_count == 1 && !fly_address_is_loopback(one->listeners[0].address))
		buf_format(out, ", or set its service's internal_port to %d",
			   fly_address_port(one->listeners[0].address));
}

static void tell_not_listening(const struct fly_instance *one, struct buf *out)
{
	int32_t port = fly_deaf_service(one)->port;
	const struct fly_listener *same = find_listener(one, port);

	buf_text(out, "in ");
	add_machine(&one->machine, out);
	buf_format(out, " nobody listens on 0.0.0.0:%d, where its service expects the app; ", port);
	if (!one->has_listeners) {
		buf_format(out,
			   "Fly's proxy was refused there: the app is not ready, or listens on "
			   "another port, or on 127.0.0.1 alone: have it listen on 0.0.0.0:%d",
			   port);
	} else if (same) {
		add_listener(same, out);
		buf_format(out, " alone: have it listen on 0.0.0.0:%d", port);
	} else if (one->listener_count) {
		tell_elsewhere(one, port, out);
	} else {
		buf_format(out,
			   "no process listens at all: the app is not ready, or serves nothing; "
			   "have it listen on 0.0.0.0:%d",
			   port);
	}
}

/* ---- the others ---- */

static void tell_check(const struct verify_fly *fly, const struct fly_instance *one,
		       struct buf *out)
{
	const struct fly_check *check = fly_failing_check(one);

	buf_format(out, "check %s of ", check->name);
	add_machine(&one->machine, out);
	buf_format(out, " is %s", check->status);
	if (check->output)
		buf_format(out, " (%s)", check->output);
	buf_text(out, ": is that what the app answers? See ");
	add_log_hint(fly, one, out);
}

static void tell_loop(const struct verify_fly *fly, const struct fly_instance *one, struct buf *out)
{
	add_machine(&one->machine, out);
	buf_format(out, " ended %d times lately, the last time ", one->exits);
	add_end(&one->crash, out);
	buf_text(out, "; ");
	add_remedy_of_end(fly, one, out);
}

static void tell_crashed(const struct verify_fly *fly, const struct fly_instance *one,
			 struct buf *out)
{
	add_machine(&one->machine, out);
	buf_text(out, " ended ");
	add_end(&one->crash, out);
	if (utc_is_set(one->crash.at)) {
		buf_char(out, ' ');
		when_relative(out, one->crash.at, fly->now);
	}
	buf_text(out, " and is not started again; ");
	add_remedy_of_end(fly, one, out);
}

static void tell_stuck(const struct verify_fly *fly, const struct fly_instance *one,
		       struct buf *out)
{
	add_machine(&one->machine, out);
	buf_format(out, " is %s for ", one->machine.state);
	when_took(out, fly->now.ms - one->changed.ms);
	buf_format(out,
		   " already; see fly machine status %s --app %s, and replace it: fly machine "
		   "destroy --force",
		   one->machine.id, fly->name);
}

static void tell_one(const struct verify_fly *fly, enum fly_verdict verdict,
		     const struct fly_instance *one, struct buf *out)
{
	switch (verdict) {
	case FLY_CRASH_LOOP: tell_loop(fly, one, out); return;
	case FLY_CRASHED: tell_crashed(fly, one, out); return;
	case FLY_STUCK: tell_stuck(fly, one, out); return;
	case FLY_NOT_LISTENING: tell_not_listening(one, out); return;
	case FLY_CHECK_FAILING: tell_check(fly, one, out); return;
	case FLY_HOST_UNREACHABLE:
		buf_text(out, "the host of ");
		add_machine(&one->machine, out);
		buf_format(out,
			   " is unreachable, which is Fly's to mend (https://status.flyio.net); "
			   "meanwhile: fly machine clone %s --app %s",
			   one->machine.id, fly->name);
		return;
	case FLY_START_FAILED:
		add_machine(&one->machine, out);
		buf_format(out, " could not be started (%s): is its image there? See ",
			   one->machine.state);
		add_log_hint(fly, one, out);
		return;
	case FLY_STARTING:
		add_machine(&one->machine, out);
		buf_format(out, " is %s; ask again, or with --within", one->machine.state);
		return;
	case FLY_UP:
	case FLY_ASLEEP:
	case FLY_IDLE:
	case FLY_NO_MACHINE:
	case FLY_VERDICT_COUNT:
	case FLY_STOPPED:
		add_machine(&one->machine, out);
		buf_format(out,
			   " is %s, and no request starts it: fly machine start %s --app %s, or "
			   "fly deploy",
			   one->machine.state, one->machine.id, fly->name);
	}
}

static void tell_machines(const struct verify_fly *fly, struct buf *out)
{
	const struct fly_instance *worst;
	enum fly_verdict verdict = judge(fly, &worst);
	size_t unwell = 0;

	if (verdict == FLY_UP)
		tell_up(fly, out);
	else if (verdict == FLY_ASLEEP)
		tell_asleep(fly, out);
	else if (verdict == FLY_IDLE)
		buf_format(out,
			   "no Machine of %s is started, and none has to be: they wait for a "
			   "schedule, or for another's end",
			   fly->name);
	else if (verdict == FLY_NO_MACHINE)
		buf_format(out, "%s has no Machine: fly deploy --app %s", fly->name, fly->name);
	if (fly_verdict_is_up(verdict) || !worst)
		return;
	tell_one(fly, verdict, worst, out);
	for (size_t i = 0; i < fly->app.count; i++)
		unwell += !fly_verdict_is_up(
			fly_instance_judge(&fly->app, &fly->app.instances[i], fly->now));
	if (unwell > 1)
		buf_format(out, "; %zu of its %zu Machines are not well", unwell, fly->app.count);
}

/* ---- the whole ---- */

static void add_why(const struct verify_fly *fly, struct buf *out)
{
	if (!str_empty(fly->why))
		buf_format(out, " (%s)", fly->why);
}

void verify_fly_line(const struct verify_fly *fly, struct buf *out)
{
	switch (fly->reach) {
	case VERIFY_FLY_TOLD: tell_machines(fly, out); return;
	case VERIFY_FLY_NO_TOKEN:
		buf_format(out,
			   "Fly cannot be asked about %s without a token: set FLY_API_TOKEN, or "
			   "FLY_API_TOKEN_FILE (fly tokens create deploy --app %s)",
			   fly->name, fly->name);
		return;
	case VERIFY_FLY_DENIED:
		buf_format(out, "Fly answers %d", fly->status);
		add_why(fly, out);
		buf_format(
			out,
			": is the token in FLY_API_TOKEN still good, and one for %s? (fly tokens "
			"create deploy --app %s)",
			fly->name, fly->name);
		return;
	case VERIFY_FLY_NO_APP:
		buf_format(out, "Fly knows no app %s", fly->name);
		add_why(fly, out);
		buf_text(out, ": is it spelt right, and the token one of its organization?");
		return;
	case VERIFY_FLY_NO_ANSWER:
		buf_format(out, "Fly does not answer at %s", fly->place.machines);
		add_why(fly, out);
		buf_text(out, "; is that the address, and this machine in the network?");
		return;
	case VERIFY_FLY_ERROR:
		buf_format(out, "Fly answers %d", fly->status);
		add_why(fly, out);
		buf_format(out, " and does not tell of the Machines of %s; ask again", fly->name);
		return;
	}
}

/* ---- for programs ---- */

static void add_check_json(const struct fly_check *check, struct buf *out)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "name", check->name);
	buf_json_text(out, "status", check->status);
	buf_json_text(out, "output", check->output);
	buf_json_close(out, '}');
}

static void add_end_json(const struct fly_instance *one, struct buf *out)
{
	if (!one->has_crashed) {
		buf_json_null(out, "crash");
		return;
	}
	buf_json_open(out, "crash", '{');
	buf_json_int(out, "exit_code", one->crash.exit_code);
	if (one->crash.signal)
		buf_json_int(out, "signal", one->crash.signal);
	else
		buf_json_null(out, "signal");
	buf_json_bool(out, "out_of_memory", one->crash.is_oom);
	buf_json_time(out, "at", one->crash.at);
	buf_json_int(out, "times_lately", one->exits);
	buf_json_close(out, '}');
}

/* null: Fly was not asked, as checks tell more, or did not say. */
static void add_listening_json(const struct fly_instance *one, struct buf *out)
{
	if (!one->has_listeners) {
		buf_json_null(out, "listening");
		return;
	}
	buf_json_open(out, "listening", '[');
	for (size_t i = 0; i < one->listener_count; i++) {
		buf_json_open(out, NULL, '{');
		buf_json_text(out, "process", one->listeners[i].process);
		buf_json_text(out, "address", one->listeners[i].address);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
}

static void add_machine_json(const struct verify_fly *fly, const struct fly_instance *one,
			     struct buf *out)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "id", one->machine.id);
	buf_json_text(out, "name", one->machine.name);
	buf_json_text(out, "region", one->machine.region);
	buf_json_text(out, "process_group", one->machine.group);
	buf_json_text(out, "state", one->machine.state);
	buf_json_text(out, "verdict",
		      fly_verdict_word(fly_instance_judge(&fly->app, one, fly->now)));
	add_end_json(one, out);
	buf_json_open(out, "internal_ports", '[');
	for (size_t i = 0; i < one->service_count; i++)
		if (one->services[i].port)
			buf_json_int(out, NULL, one->services[i].port);
	buf_json_close(out, ']');
	add_listening_json(one, out);
	buf_json_text(out, "refused", one->refused);
	buf_json_open(out, "checks", '[');
	for (size_t i = 0; i < one->check_count; i++)
		add_check_json(&one->checks[i], out);
	buf_json_close(out, ']');
	buf_json_close(out, '}');
}

void verify_fly_json(const struct verify_fly *fly, struct buf *out)
{
	buf_json_open(out, "fly", '{');
	buf_json_text(out, "app", fly->name);
	buf_json_bool(out, "up", verify_fly_is_up(fly));
	buf_json_text(out, "verdict", verify_fly_word(fly));
	buf_json_open(out, "machines", '[');
	for (size_t i = 0; i < fly->app.count; i++)
		add_machine_json(fly, &fly->app.instances[i], out);
	buf_json_close(out, ']');
	buf_json_close(out, '}');
}
