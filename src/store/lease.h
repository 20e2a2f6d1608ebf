/*
 * lease.h - several nodes, one store: who may write, and what becomes of a dead node's runs.
 *
 * There is no leader. Every node decides every due instant, and the occurrence's unique
 * row says whose decision holds. So that a node that was paused, cut off or replaced does
 * no harm when it comes back, each has a lease, in the store's time, with a fence: a
 * number that grows whenever somebody joins by the node's name or takes over from it.
 * What a node writes holds only while its lease is its own, all in the transaction that
 * writes; elsewhere it is refused whole, and the node starts anew from the store.
 *
 * What must be the same for all nodes, or one would pass over instants that another one
 * has not decided, is counted as `version`: the newest revision and the clock epoch. A
 * batch of another version is refused as stale. That is why one watermark serves all:
 * whoever moves it has decided, in that transaction or before, every instant up to it, of
 * every job of that revision.
 *
 * Overlap is decided where the claim is: of a job with an open run on another node a
 * claim under `forbid` becomes a skipped instant, and under `queue` and `replace` it is
 * handed to the node that holds the open run, whose engine knows what to do with it.
 */
#ifndef BELFRY_LEASE_H
#define BELFRY_LEASE_H

#include "store.h"

enum refusal {
	REFUSAL_NONE,
	REFUSAL_FENCED, /* the lease ran out, or somebody else has it */
	REFUSAL_STALE,  /* others have gone on: another revision, epoch, or account of a stretch */
};

enum { LEASE_HASH_MAX = 72 };

struct lease {
	uint8_t node; /* its number, for good: the salt of its run ids */
	int64_t fence, version;
	int64_t length_ms;
	struct utc evaluated; /* the watermark as it was loaded */
	/* With each answer of the store: */
	struct utc now;       /* by the store's clock */
	bool has_handed;      /* runs were handed to this node */
	bool has_expired;     /* another node's lease has run out */
	enum refusal refusal; /* why the last call was false; NONE: the store failed */
	/* The hash of the file that this node last brought in or found in force. */
	char file_hash[LEASE_HASH_MAX];
};

/* Whether others may use this store at the same time. Where not, nobody joins, and all
 * of this costs nothing. */
bool store_is_shared(const struct store *store);

/* The node of that name begins a life: a new fence, its open runs stay its own. The
 * lease belongs to the caller, stays where it is, and goes with every batch from now on. */
bool store_join(struct store *store, const char *name, int64_t length_ms, struct lease *lease,
		struct err *err);
/* Another lease goes with what comes; NULL: none. */
void store_use(struct store *store, struct lease *lease);
/* Holds for another length from now. Applying a batch does the same. */
bool store_renew(struct store *store, struct err *err);
/* The open runs of one node whose lease has run out become this node's; none if there is
 * no such node. What a process of another machine did, nobody can be asked about. */
bool store_take_over(struct store *store, struct arena *arena, struct run **runs, size_t *count,
		     struct err *err);
/* The runs that others have claimed and handed to this node. */
bool store_take_handed(struct store *store, struct arena *arena, struct run **runs, size_t *count,
		       struct err *err);

#endif
