/*
 * fly_verdict.h - whether an app on Fly is up, from what is known of its Machines. Pure.
 */
#ifndef BELFRY_FLY_VERDICT_H
#define BELFRY_FLY_VERDICT_H

#include "fly_app.h"

/* Of one Machine, and of the app; what is worse comes later. */
enum fly_verdict {
	FLY_UP,
	FLY_ASLEEP,  /* stopped or suspended, and a request starts it: as good as up */
	FLY_IDLE,    /* stopped, and nothing is wrong with that: others of its group are up, or
			it waits for a schedule or for another's end */
	FLY_STOPPED, /* and nothing starts it */
	FLY_STARTING,
	FLY_HOST_UNREACHABLE,
	FLY_CHECK_FAILING,
	FLY_NOT_LISTENING, /* not where its service says */
	FLY_STUCK,         /* on its way between two states for too long */
	FLY_START_FAILED,
	FLY_CRASHED, /* ended by itself, and is not started again */
	FLY_CRASH_LOOP,
	FLY_NO_MACHINE, /* of an app alone */
	FLY_VERDICT_COUNT
};
const char *fly_verdict_word(enum fly_verdict verdict);
bool fly_verdict_is_up(enum fly_verdict verdict);

/* Longer than that between two states, and it is stuck (docs: machines/machine-states). */
#define FLY_STUCK_MS (5 * 60000)

/* The service of a Machine that runs that nobody answers for; NULL: none, or not known. */
const struct fly_service *fly_deaf_service(const struct fly_instance *instance);
/* Whether only who listens there could tell: no check of that port says that it is well. */
bool fly_needs_listeners(const struct fly_instance *instance);
/* The check that is not passing, the worst first; NULL: none. */
const struct fly_check *fly_failing_check(const struct fly_instance *instance);

/* Of one, beside the others of its app. */
enum fly_verdict fly_instance_judge(const struct fly_app *app, const struct fly_instance *instance,
				    struct utc now);
/* Of all: the worst. *worst is the one that says it, NULL where none does. */
enum fly_verdict fly_app_judge(const struct fly_app *app, struct utc now,
			       const struct fly_instance **worst);

#endif
