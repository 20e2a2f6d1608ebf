/*
 * here.h - runs carried out here and now, without a server: by the real executors,
 * in a private state directory that is gone at the end.
 *
 * Each job is tried once; retry is the daemon's. What runs when the program is asked
 * to end (SIGINT, SIGTERM, SIGHUP) is ended, with the job's grace; asked again, at
 * once; asked a third time, it is left as it is.
 */
#ifndef BELFRY_HERE_H
#define BELFRY_HERE_H

#include "err.h"
#include "job.h"
#include "loop.h"
#include "run.h"

struct here;

/* What a verb hears. All of it is borrowed for the call. */
struct here_ears {
	void (*output)(void *context, const struct run *run, const struct log_chunk *chunk);
	/* Further runs may be started from here. */
	void (*finished)(void *context, const struct run *run);
	/* How often the program was asked to end by now. */
	void (*asked_to_end)(void *context, int times);
	void *context;
};

struct here *here_create(const struct here_ears *ears, struct err *err);
/* Takes the runner and the directory with it. */
void here_destroy(struct here *here);
struct loop *here_loop(struct here *here);

/* Whether this machine could carry the job out; nothing is started. */
bool here_check(struct here *here, const struct job *job, struct err *err);
/* The job must outlive its run. Returns the run's id. */
uint64_t here_start(struct here *here, const struct job *job, bool dry_run);
size_t here_running(const struct here *here);
/* Until nothing runs. */
void here_wait(struct here *here);

#endif
