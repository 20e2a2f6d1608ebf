/*
 * problem.h - what went wrong, why, and what to do about it.
 *
 * Whoever can fail takes a struct problem last and returns false; only the
 * mains (and the server, in its answer) show it.
 */
#ifndef KAIWA_PROBLEM_H
#define KAIWA_PROBLEM_H

#include <stdbool.h>

struct problem {
	char cause[320]; /* cut, never overrun */
	char remedy[240];
};

/* Returns false, so that a failing function can end in one line. */
bool problem_set(struct problem *problem, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
