/* fiber.h - several daemons in one thread: each runs on a stack of its own, until it
 * waits. */
#ifndef BELFRY_SIM_FIBER_H
#define BELFRY_SIM_FIBER_H

#include <stdbool.h>

/* Fiber `number` begins anew with fn; its stack is kept for the next one. */
void fiber_begin(int number, void (*fn)(int number));
/* Goes on with it until it yields or ends; false once it has ended. */
bool fiber_resume(int number);
/* Back to whoever resumed the present fiber. */
void fiber_yield(void);
bool fiber_is_inside(void);
/* After a jump out of a fiber: it is abandoned. */
void fiber_abandon(void);

#endif
