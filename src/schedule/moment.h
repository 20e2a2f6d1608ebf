/*
 * moment.h - dates and date-times as people write them beside a schedule, and
 * when a local reading comes up in a zone.
 */
#ifndef BELFRY_MOMENT_H
#define BELFRY_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone.h"

enum moment_form {
	MOMENT_DATE,   /* 2026-03-01 */
	MOMENT_LOCAL,  /* 2026-03-01T10:00[:00] */
	MOMENT_INSTANT /* RFC 3339, with Z or an offset */
};

struct moment {
	enum moment_form form;
	int64_t ms; /* since 1970: in UTC for an instant, else as the wall clock reads */
};

/* Whole of text[0..length). Years 1970 to 2199 only. */
bool moment_parse(const char *text, size_t length, struct moment *moment);

/* The first instant at which the clock shows the reading; the first one after it
 * where a gap swallows it. Seconds since 1970. */
int64_t moment_of_reading(const struct zone *zone, int64_t reading);

/* As an instant in milliseconds; a date is its midnight. */
int64_t moment_instant_ms(const struct moment *moment, const struct zone *zone);

#endif
