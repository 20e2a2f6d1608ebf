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
	int64_t tail;       /* only so many of the lines there are; 0: all of them */
};
/* Passes the log on, byte by byte. */
bool follow_log(const struct args *args, const struct log_wish *wish, struct err *err);

/* Shows the output of a run (not with --json) until it has ended; the finished run,
 * or NULL. */
json_t *follow_run(const struct args *args, const json_t *run, struct err *err);
/* 0 for succeeded and partial. */
int follow_exit_code(const json_t *run);
/* The run of that id, once it has ended; NULL with err. */
json_t *follow_to_end(const struct args *args, const char *run, struct err *err);
/* "succeeded in 0.2s", "failed: exit code 1, after 3.0s" on standard error. */
void follow_say_end(const json_t *run);

#endif
