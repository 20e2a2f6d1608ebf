/*
 * pause.h - a job that is paused: nothing of it starts by itself.
 *
 * A pause belongs to the job's name: it stays through restarts and other files, also
 * while no job is called so.
 */
#ifndef BELFRY_PAUSE_H
#define BELFRY_PAUSE_H

#include "instant.h"

struct pause {
	const char *job;
	struct utc since;
	struct utc until;   /* it ends by itself; UTC_NONE: it does not */
	const char *reason; /* NULL if none was given */
	const char *by;     /* who asked; NULL where it is not known */
};

#endif
