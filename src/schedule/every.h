/* every.h - the duration of "@every 15m". */
#ifndef BELFRY_EVERY_H
#define BELFRY_EVERY_H

#include <stddef.h>
#include <stdint.h>

/* Whole seconds, at least one, units written out. NULL, or what is wrong. */
const char *every_parse(const char *text, size_t length, int64_t *period_s);

#endif
