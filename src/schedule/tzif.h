/*
 * tzif.h - a TZif file (RFC 9636, versions 1 to 4) checked and opened in place.
 *
 * Borrowed from the caller's bytes; nothing is copied. After tzif_open every
 * count and index has been checked, so the accessors need no care.
 */
#ifndef BELFRY_TZIF_H
#define BELFRY_TZIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct tzif {
	size_t time_count, type_count, names_length;
	size_t time_size;                /* 4 in version 1, 8 later */
	const unsigned char *times;      /* strictly ascending */
	const unsigned char *time_types; /* one index a time */
	const unsigned char *types;      /* six bytes each */
	const char *names;               /* NUL-terminated words */
	const char *footer;              /* the TZ string; NULL in version 1 */
	size_t footer_length;
};

bool tzif_open(const void *data, size_t length, struct tzif *out, struct err *err);

int64_t tzif_time(const struct tzif *tzif, size_t i);
/* The type of the local time that starts with transition i. */
size_t tzif_time_type(const struct tzif *tzif, size_t i);

int32_t tzif_type_offset(const struct tzif *tzif, size_t type); /* seconds east of UTC */
size_t tzif_type_name(const struct tzif *tzif, size_t type);    /* where in names it starts */

#endif
