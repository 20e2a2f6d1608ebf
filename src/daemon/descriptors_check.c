/*
 * descriptors_check.c - are there descriptors enough for what belfry is to do?
 *
 * Looked at before anything starts: a run that could not be started or read for want of
 * them would come too late to be told.
 */
#include "descriptors.h"
#include "internal.h"
#include "log.h"

enum {
	NEEDED = 48,      /* belfry itself, and a few connections */
	RUNNER = 16,      /* the runner itself */
	RUNNER_A_RUN = 4, /* gate, two outputs, spool */
};

bool descriptors_check(const struct serve_options *options, int32_t *max_running, struct err *err)
{
	long there = descriptors_raise();
	long room = (there - RUNNER) / RUNNER_A_RUN;

	*max_running = options->max_running;
	if (there < NEEDED)
		return err_set(err,
			       "at most %ld files may be open at once (RLIMIT_NOFILE), and belfry "
			       "needs %d; raise the hard limit (ulimit -Hn, LimitNOFILE=)",
			       there, NEEDED);
	if (room < options->max_running) {
		*max_running = (int32_t)room;
		log_warn("descriptors for %ld runs at a time only, not for the %d of "
			 "--max-running; the others wait (raise the hard limit of open files, "
			 "now %ld, to %ld)",
			 room, options->max_running, there,
			 (long)options->max_running * RUNNER_A_RUN + RUNNER);
	}
	return true;
}
