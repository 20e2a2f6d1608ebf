/*
 * listing.h - what the server keeps a list of, as a table, or as JSON for programs.
 */
#ifndef BELFRY_LISTING_H
#define BELFRY_LISTING_H

#include <jansson.h>

#include "args.h"
#include "instant.h"
#include "table.h"

struct listing {
	const char *target; /* of the API */
	const char *key;    /* of the array in its answer */
	const char *none;   /* said where it is empty */
	const struct table_column *columns;
	size_t column_count;
	void (*add_row)(struct table *table, const json_t *item, struct utc now);
};

/* Asks and prints; for a verb with --json. Returns its exit code. */
int listing_print(const struct args *args, const struct listing *listing);
/* The same of at most --limit items: 20 unless told, 1,000 at the most. */
int listing_print_newest(const struct args *args, const struct listing *listing);

#endif
