/* around.h - what surrounds a schedule in its job: start, end, except, jitter. */
#ifndef BELFRY_AROUND_H
#define BELFRY_AROUND_H

#include "complaint.h"
#include "rule.h"

/* Sets the members of a schedule that its context determines. zone goes before
 * the context's own. False and complaints, one a text. */
bool around_apply(struct schedule *s, struct arena *arena, const struct schedule_context *context,
		  struct complaints *complaints);

#endif
