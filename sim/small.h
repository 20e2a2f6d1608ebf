/* small.h - small histories, every one. */
#ifndef BELFRY_SIM_SMALL_H
#define BELFRY_SIM_SMALL_H

#include <stdint.h>

/* Every history of up to `events` events; an exit code. */
int small_all(int32_t events, int32_t nodes);

#endif
