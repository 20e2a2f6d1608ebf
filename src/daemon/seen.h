/* seen.h - what a turn tells people and Prometheus about: absences, stalls, counts. */
#ifndef BELFRY_DAEMON_SEEN_H
#define BELFRY_DAEMON_SEEN_H

#include "internal.h"

/* A turn begins. */
void seen_begin(struct daemon *daemon, struct now now);
/* Something is about to be performed. */
void seen_effect(struct daemon *daemon, const struct effect *effect);
/* All that was due is decided and on its way to the store; what was decided for a time
 * in which nobody looked is told in the same batch. */
void seen_decided(struct daemon *daemon, struct mono now);
/* The turn is over; the next one is to come at `armed`. */
void seen_end(struct daemon *daemon, const struct engine_wake *armed);

#endif
