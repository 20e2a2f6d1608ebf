/* shrink.h - a short history that breaks the same promise. */
#ifndef BELFRY_SIM_SHRINK_H
#define BELFRY_SIM_SHRINK_H

#include "plan.h"

/* The plan has just broken a promise; which, and by which short history, is printed.
 * is_bare: no short history. */
void shrink_and_tell(struct plan *plan, bool is_bare);

#endif
