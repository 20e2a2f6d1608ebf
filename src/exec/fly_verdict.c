/* fly_verdict.c - whether an app on Fly is up; see fly_verdict.h. */
#include "fly_verdict.h"

#include <string.h>

#include "str.h"

enum {
	LOOP_EXITS = 2,     /* so many ends lately, and it is a loop */
	SETTLED_MS = 60000, /* it is over once it has run so much longer than twice as before */
};

const char *fly_verdict_word(enum fly_verdict verdict)
{
	static const char *const words[FLY_VERDICT_COUNT] = {
		[FLY_UP] = "up",
		[FLY_ASLEEP] = "asleep",
		[FLY_IDLE] = "idle",
		[FLY_STOPPED] = "stopped",
		[FLY_STARTING] = "starting",
		[FLY_HOST_UNREACHABLE] = "host_unreachable",
		[FLY_CHECK_FAILING] = "check_failing",
		[FLY_NOT_LISTENING] = "not_listening",
		[FLY_STUCK] = "stuck",
		[FLY_START_FAILED] = "start_failed",
		[FLY_CRASHED] = "crashed",
		[FLY_CRASH_LOOP] = "crash_loop",
		[FLY_NO_MACHINE] = "no_machine",
	};

	return words[verdict];
}

bool fly_verdict_is_up(enum fly_verdict verdict)
{
	return verdict <= FLY_IDLE;
}

/* ---- parts ---- */

static bool is_in(const struct fly_instance *instance, const char *state)
{
	return strcmp(instance->machine.state, state) == 0;
}

static bool is_started(const struct fly_instance *instance)
{
	return is_in(instance, "started");
}

static bool is_down(const struct fly_instance *instance)
{
	return is_in(instance, "stopped") || is_in(instance, "suspended") ||
	       is_in(instance, "created");
}

static bool is_woken(const struct fly_instance *instance)
{
	for (size_t i = 0; i < instance->service_count; i++)
		if (instance->services[i].starts)
			return true;
	return false;
}

static bool is_passing(const struct fly_check *check)
{
	return strcmp(check->status, "passing") == 0;
}

static bool has_passing(const struct fly_instance *instance, int32_t port)
{
	for (size_t i = 0; i < instance->check_count; i++)
		if (instance->checks[i].port == port && is_passing(&instance->checks[i]))
			return true;
	return false;
}

static bool is_answered(const struct fly_instance *instance, int32_t port)
{
	for (size_t i = 0; i < instance->listener_count; i++)
		if (fly_address_port(instance->listeners[i].address) == port &&
		    !fly_address_is_loopback(instance->listeners[i].address))
			return true;
	return false;
}

/* A check that passes outweighs all: it went there. Then who listens, then the proxy. */
static bool is_deaf(const struct fly_instance *instance, const struct fly_service *service)
{
	if (!service->port || service->is_udp || has_passing(instance, service->port))
		return false;
	if (instance->has_listeners)
		return !is_answered(instance, service->port);
	if (!instance->refused)
		return false;
	int32_t port = fly_address_port(instance->refused);
	return port == 0 || port == service->port;
}

const struct fly_service *fly_deaf_service(const struct fly_instance *instance)
{
	for (size_t i = 0; is_started(instance) && i < instance->service_count; i++)
		if (is_deaf(instance, &instance->services[i]))
			return &instance->services[i];
	return NULL;
}

bool fly_needs_listeners(const struct fly_instance *instance)
{
	for (size_t i = 0; is_started(instance) && i < instance->service_count; i++) {
		const struct fly_service *service = &instance->services[i];

		if (service->port && !service->is_udp && !has_passing(instance, service->port))
			return true;
	}
	return false;
}

const struct fly_check *fly_failing_check(const struct fly_instance *instance)
{
	const struct fly_check *worst = NULL;

	for (size_t i = 0; i < instance->check_count; i++) {
		const struct fly_check *check = &instance->checks[i];

		if (!is_passing(check) && (!worst || strcmp(check->status, "critical") == 0))
			worst = !worst || strcmp(worst->status, "critical") != 0 ? check : worst;
	}
	return worst;
}

/* ---- one ---- */

/* It has run for longer than it ever did between two ends. */
static bool is_settled(const struct fly_instance *instance, struct utc now)
{
	return is_started(instance) && utc_is_set(instance->crash.at) &&
	       now.ms - instance->crash.at.ms > 2 * instance->longest_run_ms + SETTLED_MS;
}

static bool is_bad_end(const struct fly_exit *exit)
{
	return exit->exit_code != 0 || exit->signal != 0 || exit->is_oom;
}

static enum fly_verdict judge_down(const struct fly_instance *instance)
{
	if (instance->is_spare)
		return FLY_IDLE;
	return is_woken(instance) ? FLY_ASLEEP : FLY_STOPPED;
}

static enum fly_verdict judge_started(const struct fly_instance *instance)
{
	if (fly_deaf_service(instance))
		return FLY_NOT_LISTENING;
	return fly_failing_check(instance) ? FLY_CHECK_FAILING : FLY_UP;
}

static enum fly_verdict judge_alone(const struct fly_instance *instance, struct utc now)
{
	const char *host = instance->machine.host_status;

	if (host && strcmp(host, "unreachable") == 0)
		return FLY_HOST_UNREACHABLE;
	if (instance->exits >= LOOP_EXITS && !is_settled(instance, now) &&
	    (!is_down(instance) || is_bad_end(&instance->crash)))
		return FLY_CRASH_LOOP;
	if (is_in(instance, "failed") || is_in(instance, "launch_failed"))
		return instance->has_crashed ? FLY_CRASHED : FLY_START_FAILED;
	if (is_started(instance))
		return judge_started(instance);
	if (is_down(instance))
		return instance->has_crashed && is_bad_end(&instance->crash) ? FLY_CRASHED
									     : judge_down(instance);
	return utc_is_set(instance->changed) && now.ms - instance->changed.ms >= FLY_STUCK_MS
		       ? FLY_STUCK
		       : FLY_STARTING;
}

enum fly_verdict fly_instance_judge(const struct fly_app *app, const struct fly_instance *instance,
				    struct utc now)
{
	enum fly_verdict verdict = judge_alone(instance, now);

	/* One more than is needed, as long as another of its group is there. */
	for (size_t i = 0; verdict == FLY_STOPPED && i < app->count; i++)
		if (str_equal(app->instances[i].machine.group, instance->machine.group) &&
		    is_started(&app->instances[i]))
			verdict = FLY_IDLE;
	return verdict;
}

/* ---- all ---- */

enum fly_verdict fly_app_judge(const struct fly_app *app, struct utc now,
			       const struct fly_instance **worst)
{
	enum fly_verdict all = FLY_NO_MACHINE;
	bool is_any_up = false;

	*worst = NULL;
	for (size_t i = 0; i < app->count; i++) {
		enum fly_verdict one = fly_instance_judge(app, &app->instances[i], now);

		is_any_up |= one == FLY_UP;
		if (!*worst || one > all) {
			all = one;
			*worst = &app->instances[i];
		}
	}
	/* What sleeps or idles beside one that is up takes nothing away. */
	return is_any_up && fly_verdict_is_up(all) ? FLY_UP : all;
}
