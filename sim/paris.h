/* paris.h - a zone with daylight saving that is the same on every machine. */
#ifndef BELFRY_SIM_PARIS_H
#define BELFRY_SIM_PARIS_H

#include "zone.h"

const struct zone *sim_paris(void);

#endif
