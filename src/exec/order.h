/*
 * order.h - from a job and a run to what the runner is told to do.
 *
 * The environment is belfry's own, then the user's HOME and so on where the job has a
 * user, the env_file, the job's env, and the BELFRY_ variables; later ones win.
 */
#ifndef BELFRY_ORDER_H
#define BELFRY_ORDER_H

#include "err.h"
#include "job.h"
#include "mem.h"
#include "protocol.h"
#include "run.h"

enum { ORDER_OUTPUT_MAX = 8 << 20 }; /* of a run, kept */

/* What belfry itself has, which a job inherits. */
struct order_base {
	const char *const *environment;
	char *cwd;     /* absolute; owned */
	char *program; /* belfry itself, absolute, for jobs that verify; owned; NULL: not known */
	int32_t umask;
	uint32_t uid; /* effective */
};
bool order_base_init(struct order_base *base, struct err *err);
void order_base_finish(struct order_base *base);

/* The order's texts live in the arena or are borrowed from base and job. */
bool order_make(const struct order_base *base, const struct job *job, const struct run *run,
		struct arena *arena, struct start_order *order, struct err *err);
/* What a job that runs elsewhere is told: its env_file, its env, and the BELFRY_ variables;
 * nothing of belfry's own environment. Ends with NULL; in the arena. */
bool order_told(const struct order_base *base, const struct job *job, const struct run *run,
		struct arena *arena, const char *const **env, struct err *err);
/* The variable's value in a list of NAME=value; NULL if it is not there. */
const char *order_variable(const char *const *env, const char *name);

#endif
