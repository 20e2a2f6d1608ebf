/* lease.c - the doors of nodes that share a store; see lease.h. */
#include "lease.h"

#include <assert.h>

#include "backend.h"

bool store_is_shared(const struct store *store)
{
	return store->is_shared;
}

void store_use(struct store *store, struct lease *lease)
{
	store->lease = lease;
}

bool store_join(struct store *store, const char *name, int64_t length_ms, struct lease *lease,
		struct err *err)
{
	assert(*name && length_ms > 0 && store->readers == 0);
	*lease = (struct lease){.length_ms = length_ms};
	store->lease = lease;
	return store->ops->join(store, name, err);
}

bool store_renew(struct store *store, struct err *err)
{
	assert(store->lease && store->readers == 0);
	store->lease->refusal = REFUSAL_NONE;
	return store->ops->renew(store, err);
}

bool store_take_over(struct store *store, struct arena *arena, struct run **runs, size_t *count,
		     struct err *err)
{
	assert(store->lease && store->readers == 0);
	store->lease->refusal = REFUSAL_NONE;
	*runs = NULL;
	*count = 0;
	return store->ops->take_over(store, arena, runs, count, err);
}

bool store_take_handed(struct store *store, struct arena *arena, struct run **runs, size_t *count,
		       struct err *err)
{
	assert(store->lease && store->readers == 0);
	store->lease->refusal = REFUSAL_NONE;
	*runs = NULL;
	*count = 0;
	return store->ops->take_handed(store, arena, runs, count, err);
}
