/* offer.h - what to write instead: the second half of a good error. */
#ifndef BELFRY_OFFER_H
#define BELFRY_OFFER_H

#include "field.h"

enum { OFFER_MAX = 128 };

/* For a range that runs backwards: the two ranges it means. */
void offer_range(enum field field, int32_t from, int32_t to, int32_t step, bool names,
		 char text[OFFER_MAX]);

/* For a word that is no name of the field; what to write. Returns text. */
const char *offer_name(enum field field, const char *word, size_t length, char text[OFFER_MAX]);

/* For a number out of range: a remark that ends the sentence, or "". */
const char *offer_for_number(enum field field, int32_t n);

#endif
