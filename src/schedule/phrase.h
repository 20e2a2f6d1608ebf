/* phrase.h - lists of values in English: "1, 5 to 9 and 20". */
#ifndef BELFRY_PHRASE_H
#define BELFRY_PHRASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Writes one value. */
typedef void phrase_value_fn(struct buf *out, int32_t value);
void phrase_number(struct buf *out, int32_t value);
void phrase_ordinal(struct buf *out, int32_t value); /* "1st" */
void phrase_weekday(struct buf *out, int32_t value); /* "Monday" */
void phrase_month(struct buf *out, int32_t value);   /* "January" */
void phrase_hour(struct buf *out, int32_t value);    /* "09:00" */

/* Pieces of a list that is built up one by one, then joined by commas and a last
 * word such as "and". */
struct phrase_list {
	struct buf *out;
	const char *last_word;
	size_t pending; /* where in out the latest piece starts */
	size_t count;
};
/* Call before each piece is written to list->out, and once at the end. */
void phrase_next(struct phrase_list *list);
void phrase_end(struct phrase_list *list);

/* A set as pieces: runs as "5 to 9", long even ones as "0 to 56 in steps of 7".
 * article goes before each piece ("the "). Values are bit + base. */
void phrase_set(struct phrase_list *list, const uint64_t *set, int32_t words, int32_t base,
		const char *article, phrase_value_fn *value);

/* How far apart the values of a set are when they fill 0 to size - 1 evenly from
 * 0 on; 0 where they do not. */
int32_t phrase_even_step(uint64_t set, int32_t size);

#endif
