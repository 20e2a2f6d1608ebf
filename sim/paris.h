/* paris.h - a zone with daylight saving that is the same on every machine. */
#ifndef BELFRY_SIM_PARIS_H
#define BELFRY_SIM_PARIS_H

#include "zone.h"

enum { SIM_PARIS_VERSIONS = 4 };
/* By the rules of that version. */
const struct zone *sim_paris(int32_t version);

#endif
