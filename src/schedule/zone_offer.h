/* zone_offer.h - what to write in place of a name that is no zone. */
#ifndef BELFRY_ZONE_OFFER_H
#define BELFRY_ZONE_OFFER_H

#include "zone.h"

enum { ZONE_OFFER_MAX = 128 };

/* "did you mean Europe/Paris?", the end of a sentence; NULL where nothing is near.
 * Abbreviations and offsets ("CEST", "CET+1") name many zones or none: the nearest name,
 * another abbreviation, would be a wrong one. */
const char *zone_offer(const struct zone_source *zones, const char *name,
		       char text[ZONE_OFFER_MAX]);

#endif
