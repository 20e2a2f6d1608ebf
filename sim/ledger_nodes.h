/*
 * ledger_nodes.h - the checker's books of nodes that share a store: their leases, and who
 * holds which run.
 *
 * With several nodes, or with zones that change, nobody can tell beforehand with what
 * verdict an instant is decided and by whom; but each has to be, once.
 */
#ifndef BELFRY_SIM_LEDGER_NODES_H
#define BELFRY_SIM_LEDGER_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instant.h"
#include "lease.h"
#include "run.h"

struct record;
struct ledger_job;

void ledger_nodes_create(void);
void ledger_nodes_destroy(void);

/* ---- what the store has just done for the node on stage ---- */

void ledger_nodes_joined(const struct lease *lease);
/* A batch, a renewal or a taking was let through. */
void ledger_nodes_admitted(const struct lease *lease);
void ledger_nodes_took_over(const struct run *runs, size_t count);
void ledger_nodes_took_handed(const struct run *runs, size_t count);

/* ---- the runs ---- */

/* Its number, from 0; -1: there is no such open run. */
int32_t ledger_nodes_owner(uint64_t run);
/* The gate of an attempt opens on the node on stage. */
void ledger_nodes_begin(uint64_t run);
/* The one on stage may be told apart from what the books say. */
bool ledger_nodes_is_taken(void);

/* ---- instants, as a set ---- */

void ledger_loose_claim(const struct record *record);
void ledger_loose_occurrence(const struct record *record);
void ledger_loose_evaluated(struct utc until);
/* Its schedule is another one from `since` on. */
void ledger_loose_changed(struct ledger_job *job, struct utc since);

#endif
