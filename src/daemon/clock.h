/* clock.h - the one place that reads clocks. */
#ifndef BELFRY_CLOCK_H
#define BELFRY_CLOCK_H

#include "instant.h"

struct now clock_now(void);
struct utc clock_utc(void);

#endif
