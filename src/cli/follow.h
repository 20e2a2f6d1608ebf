/*
 * follow.h - the output of a run, as it comes, and its end.
 */
#ifndef BELFRY_FOLLOW_H
#define BELFRY_FOLLOW_H

#include <jansson.h>

#include "args.h"
#include "err.h"

struct log_wish {
	const char *run;
	const char *stream; /* NULL: the job's own output on standard output, belfry's
			     * notes on standard error */
	bool is_following;  /* until the run has ended */
	bool is_json;       /* the lines of the API as they are */
	bool is_silent;     /* nothing is shown, only waited for */
};
/* Passes the log on, byte by byte. */
bool follow_log(const struct args *args, const struct log_wish *wish, struct err *err);

/* Shows the output of a run (not with --json) until it has ended; the finished run,
 * or NULL. */
json_t *follow_run(const struct args *args, const json_t *run, struct err *err);
/* 0 for succeeded and partial. */
int follow_exit_code(const json_t *run);
/* "succeeded in 0.2s", "failed in 3.0s: exit code 1" on standard error. */
void follow_say_end(const json_t *run);

#endif
