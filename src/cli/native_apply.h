/*
 * native_apply.h - one step of a plan for native Machines, carried out.
 *
 * A Machine is changed under a lease and only while its job does not run. What was lost on
 * the way is looked for, not repeated blindly; what an interrupted step leaves behind, the
 * next apply sees as it is.
 */
#ifndef BELFRY_NATIVE_APPLY_H
#define BELFRY_NATIVE_APPLY_H

#include "native_api.h"
#include "native_plan.h"

/* Sets is_done and made, or failure. True where it is done. */
bool native_step_apply(struct native_api *api, const struct native_plan *plan,
		       struct native_step *step);

#endif
