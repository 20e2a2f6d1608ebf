/* zone_offer.h - what is said of a name that is no zone, and what to write instead. */
#ifndef BELFRY_ZONE_OFFER_H
#define BELFRY_ZONE_OFFER_H

#include "zone.h"

enum { ZONE_OFFER_MAX = 128 };

/* "did you mean Europe/Paris?", the end of a sentence; NULL where nothing is near.
 * Abbreviations and offsets ("CEST", "CET+1") name many zones or none: the nearest name,
 * another abbreviation, would be a wrong one. */
const char *zone_offer(const struct zone_source *zones, const char *name,
		       char text[ZONE_OFFER_MAX]);

/* All that is said of it: "unknown zone "X"; did you mean Y?", or why it is none. Cut where
 * text[0..size) ends. */
void zone_unknown(const struct zone_source *zones, const char *name, const struct err *why,
		  char *text, size_t size);

#endif
