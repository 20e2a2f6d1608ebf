/*
 * job.h - a job as written in schedules.json, read and checked.
 *
 * Jobs belong to a config generation and never change; everything they point
 * to lives in that generation's arena. Durations are milliseconds.
 */
#ifndef BELFRY_JOB_H
#define BELFRY_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule.h"
#include "words.h"

enum {
	JOB_NAME_MAX = 100, /* bytes */
	JOB_ATTEMPTS_MAX = 100,
	JOB_PRIORITY_MAX = 100, /* and as much below zero */
};

/* A list of texts; items[count] is NULL, so items serves as an argv. */
struct text_list {
	const char *const *items;
	size_t count;
};

struct env_var {
	const char *name, *value;
	bool from_environment; /* came through ${NAME}: shown as (hidden) */
};

struct retry_policy {
	int32_t attempts;       /* of a run in all, at least 1 */
	int64_t backoff_ms;     /* before the 2nd attempt; doubles each time */
	int64_t max_backoff_ms; /* the ceiling of that doubling */
	unsigned on;            /* bit (1u << enum outcome) for each that is retried */
};

/* A limit of -1 is unset. Sizes in bytes, processors in thousandths. */
struct process_limits {
	int64_t open_files, processes, file_size, memory, cpu_s, core, cpus_milli;
};

struct process_spec {
	const char *cwd; /* NULL: the folder belfry was started in */
	const char *cwd_shown;
	const char *user;  /* name or number; NULL: the daemon's own */
	const char *shell; /* NULL: the argv is run as it is; else `shell -c command` */
	int32_t umask;     /* -1: the daemon's */
	bool no_new_privs; /* prctl(2), PR_SET_NO_NEW_PRIVS */
	struct process_limits limits;
};

/* A job that asks whether an app is up, which belfry's own program does. */
struct verify_spec {
	const char *url;         /* that is asked; NULL: none */
	const char *url_shown;   /* as it was written */
	const char *fly;         /* app on Fly whose Machines are asked for; NULL: none */
	const char *expect_text; /* NULL: anything */
	int32_t expect_status;   /* 100 to 599, or a class by its first digit */
	int64_t within_ms;       /* 0: one try */
};
enum { VERIFY_STATUS_USUAL = 200 };

/* As it was written (compact, defaults not merged), but with the values of ${NAME}: for
 * executors alone, and never shown. */
struct remote_spec {
	const char *json;
	/* fly.native: "hourly", "daily", "weekly" or "monthly", and Fly starts it; belfry does
	 * not, so the job is not enabled. NULL: it is not native. */
	const char *native;
	bool native_enabled; /* what "enabled" says of such a job */
};

struct keep_policy {
	int64_t age_ms; /* finished runs older than this go */
	int64_t runs;   /* at most so many finished runs are kept */
};

struct job {
	const char *name;
	const char *description; /* NULL if none */
	struct text_list tags;

	const struct schedule *schedule;
	const char *schedule_text; /* as written; JSON text for a calendar form */
	const char *timezone;      /* the name the schedule follows */
	bool enabled;

	struct text_list was; /* names it had before; its history was theirs */

	int64_t timeout_ms;  /* of one attempt; 0 = none */
	int64_t grace_ms;    /* SIGTERM to SIGKILL */
	int64_t deadline_ms; /* of a run, from due to done; 0 = none */
	int32_t priority;    /* of runs that wait for a place the larger one goes first */
	const char *group;   /* of jobs that share places; NULL: none */
	int32_t group_limit; /* places of the group, the same in all its jobs; at least 1 */
	struct retry_policy retry;
	enum overlap overlap;
	enum catchup catchup;
	int64_t catchup_window_ms;

	struct {
		const uint8_t *items; /* exit codes that mean `partial` */
		size_t count;
	} partial_codes;
	struct text_list dry_run; /* extra arguments of a dry run */
	struct keep_policy keep;
	const char *alert_json; /* validated, for the release that sends alerts; NULL if none */

	enum executor_kind executor;
	struct text_list argv; /* of the process, or the container's or Machine's command */
	/* The same for people, as cwd_shown and env_file_shown: what came through ${NAME}
	 * is left as it was written. Where the reader of the file does not tell, it is empty
	 * or NULL, and nothing is shown. */
	struct text_list argv_shown;
	const struct env_var *env;
	size_t env_count;
	const char *env_file; /* read at each start; NULL if none */
	const char *env_file_shown;
	struct process_spec process;
	/* Set: the first word of argv stands for the program of belfry itself, wherever that
	 * is; the executor knows. */
	const struct verify_spec *verify;
	struct remote_spec remote; /* docker, fly, http */

	/* Of everything above, order of keys and white space left out. Two jobs of
	 * the same name with equal hashes are the same job, unchanged. */
	uint64_t hash;
	/* Of what decides the due instants alone (schedule, zone, start, end …). */
	uint64_t schedule_hash;
	uint32_t line; /* in the file, for messages */
};

#endif
