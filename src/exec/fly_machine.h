/*
 * fly_machine.h - a Machine as Fly's API tells of it, and what that says of a run. Pure.
 *
 * Unknown members are passed over, unknown states kept as they are. What is absent is
 * zero or NULL (docs: machines/api/machines-resource; fly-go: machine_types.go).
 */
#ifndef BELFRY_FLY_MACHINE_H
#define BELFRY_FLY_MACHINE_H

#include <jansson.h>

#include "instant.h"
#include "mem.h"
#include "run.h"

/* Metadata by which belfry knows its own. */
#define FLY_META_RUN     "belfry_run"
#define FLY_META_ATTEMPT "belfry_attempt"
#define FLY_META_JOB     "belfry_job"
#define FLY_META_HOME    "belfry_home"
/* Of those that Fly's own schedule starts (fly.native): the job, what their config was. */
#define FLY_META_NATIVE "belfry_native"
#define FLY_META_HASH   "belfry_hash"

/* How the process in it ended. */
struct fly_exit {
	int32_t exit_code, signal; /* signal 0: none */
	bool is_oom, was_requested;
	struct utc at; /* UTC_NONE: not told */
};

struct fly_machine {
	const char *id, *name, *state, *region, *instance_id, *image, *digest, *host_status;
	const char *home;    /* of the belfry that made it; NULL: none did */
	const char *native;  /* the job that Fly's own schedule starts; NULL: of none */
	const char *hash;    /* of the config that a native one was given; NULL: not told */
	const char *group;   /* metadata fly_process_group; NULL: none */
	const char *created; /* as it came, for comparisons alone */
	uint64_t run;        /* 0: of none */
	int32_t attempt;
	bool has_events;
	bool has_started; /* a start event that says so, or more than that */
	bool is_starting; /* any start event */
	struct utc started_at;
	bool has_exited;
	struct fly_exit exit;
	int32_t restarts;    /* the exit event's restart_count */
	bool is_restarting;  /* that exit was not the end */
	bool is_release_job; /* release_command and console Machines */
};

/* Texts live in the arena. False: it is no Machine at all. */
bool fly_machine_read(const json_t *json, struct arena *arena, struct fly_machine *machine);
/* From a text; the whole list where it is one. *machines in the arena. */
bool fly_machines_parse(const char *text, size_t length, struct arena *arena,
			struct fly_machine **machines, size_t *count);

/* Of one exit event. False, and all is as it was: nothing tells how it ended. */
bool fly_exit_read(const json_t *event, struct fly_exit *exit, bool *is_restarting,
		   int32_t *restarts);

enum fly_phase {
	FLY_PHASE_WAITING, /* made, and on its way */
	FLY_PHASE_RUNNING,
	FLY_PHASE_ENDED,   /* its exit is known */
	FLY_PHASE_FAILED,  /* it never started, and will not */
	FLY_PHASE_STOPPED, /* it is over, and nothing tells how (yet) */
	FLY_PHASE_GONE,    /* destroyed, and nothing tells how */
};
enum fly_phase fly_machine_phase(const struct fly_machine *machine);
/* A member of Fly's JSON, which gives times as milliseconds since 1970 in some places and as
 * RFC 3339 in others; UTC_NONE where it is neither. */
struct utc fly_time_of(const json_t *object, const char *key);
bool fly_is_text(const json_t *object, const char *key, const char *text);

/* "insufficient_capacity" and the like of an error's body, NULL where it has none; and what
 * people should read of it. In the arena. */
const char *fly_error(const char *body, size_t length, struct arena *arena, const char **code);

#endif
