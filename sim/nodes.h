/*
 * nodes.h - several daemons that share one store, and what goes wrong between them.
 *
 * One node at a time is on stage: what world, machine, disk and runner hold is its own
 * then, and kept for it while others are. It leaves when it waits, or when it is made
 * to: paused at any step, or held up by a slow store.
 */
#ifndef BELFRY_SIM_NODES_H
#define BELFRY_SIM_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct item;

enum { NODES_MAX = 5 };

bool nodes_are_several(void);
void nodes_create(void);
/* The whole history, instead of world_live's own loop. */
void nodes_live(void);
/* The one on stage waits for what comes next for it; or is down for so long. */
void nodes_wait(void);
void nodes_be_down(void);
/* The one on stage alone does nothing for so long. Not while the world happens to it. */
void nodes_sleep(int64_t ms);
/* At each step of the one on stage. */
void nodes_step(void);
bool nodes_happen(const struct item *item);
void nodes_heal(void);
void nodes_end(void);
/* fn with each node on stage in turn. */
void nodes_each(void (*fn)(void));
/* Whether any node's executor has a live process of it, any node at all. */
bool nodes_is_alive(uint64_t run);
bool nodes_has_died(int32_t node); /* for good */
size_t nodes_hold(void);

#endif
