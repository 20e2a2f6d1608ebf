/*
 * err.h - what went wrong in the world, carried upward by return.
 *
 * A function that can fail through the world's fault returns bool and takes a
 * struct err last. Each caller that knows what was being tried wraps it, so
 * the text reads from the outside in: "open state: belfry.db: disk is full".
 */
#ifndef BELFRY_ERR_H
#define BELFRY_ERR_H

#include <stdbool.h>

struct err {
	char text[512]; /* cut, never overrun */
};

/* All three return false, so that a failing function can end in one line:
 *	return err_set(err, "no such file");
 * err may be NULL where the caller does not want to know. */
bool err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The formatted text, then ": " and strerror(number). */
bool err_errno(struct err *err, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts the formatted text and ": " in front of what err says already. */
bool err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
