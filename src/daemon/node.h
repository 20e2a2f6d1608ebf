/*
 * node.h - this daemon as one of several nodes that share a store (store/lease.h).
 *
 * While its lease is sure, by its own clock that never stops, it lives as if it were
 * alone; the time it goes by is the store's. Once the lease may be over it starts
 * nothing, forgets everything, joins again and goes on from the store: the way of any
 * daemon that was restarted. Where nobody shares the store none of this happens.
 */
#ifndef BELFRY_NODE_H
#define BELFRY_NODE_H

#include "lease.h"
#include "store.h"

enum { NODE_LEASE_MS = 30000 };

struct daemon;

struct node {
	bool is_member;
	bool owes_boot; /* @reboot jobs: once this life is known to the others */
	bool is_out;    /* the lease was lost; nothing is decided until it has joined again */
	struct lease lease;
	struct mono asked;      /* when the last call of the store began */
	struct mono sure_until; /* nothing is let go later */
	struct mono renew_at;   /* or, while out, when to try to join */
	int64_t utc_offset_ms;  /* the store's clock minus the monotonic one */
};

/* Joins where the store is shared. */
bool node_join(struct daemon *daemon, struct err *err);
/* The time: the store's where it is shared. */
struct now node_now(const struct daemon *daemon);
/* Before and after every call of the store that carries the lease. */
void node_ask(struct daemon *daemon);
void node_hear(struct daemon *daemon, bool ok);
/* At the beginning of a turn: renews, joins again. */
void node_turn(struct daemon *daemon);
/* Whether an attempt may be let go now. */
bool node_may_start(struct daemon *daemon);
/* When to turn next, INT64_MAX: not for this. */
struct mono node_due(const struct daemon *daemon);
/* Runs that the store has for this node, and nobody here knows yet. */
bool node_has_to_take(const struct daemon *daemon);
void node_take(struct daemon *daemon);

/* Whether a file of that hash is another one than this node last brought in or saw: what
 * the nodes' files say changes what is in force only when they change. */
bool node_is_news(const struct daemon *daemon, const char *hash);
/* It is in force already, so no revision tells the store. */
void node_saw_file(struct daemon *daemon, const char *hash);

#endif
