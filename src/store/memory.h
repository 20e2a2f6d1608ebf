/* memory.h - the store that forgets: for tests and the simulator. */
#ifndef BELFRY_MEMORY_H
#define BELFRY_MEMORY_H

#include "store.h"

/* Deterministic: the node is always 0, nothing depends on addresses or time. */
struct store *memory_create(void);
/* From now on nodes may join it; clock is what its leases go by. */
void memory_share(struct store *store, struct utc (*clock)(void));

#endif
