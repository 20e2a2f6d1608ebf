/* clock.h - the one place that reads clocks. */
#ifndef BELFRY_CLOCK_H
#define BELFRY_CLOCK_H

#include "instant.h"

struct now clock_now(void);
/* How long the machine was suspended since it was booted. */
int64_t clock_asleep_ms(void);
/* For durations within a turn; goes on only while the machine is awake. */
int64_t clock_us(void);
struct utc clock_utc(void);

#endif
