/* explain.h - the parts of schedule_explain, one file each. */
#ifndef BELFRY_EXPLAIN_H
#define BELFRY_EXPLAIN_H

#include "rule.h"

/* "at 09:00", "every 15 minutes". True where it says "every …" by itself, so that
 * "every day" need not follow. */
bool explain_times(const struct schedule *s, struct buf *out);

/* "every day", "on the 1st of January". Nothing where that is every day and
 * needs no saying. */
void explain_days(const struct schedule *s, bool times_say_every, struct buf *out);

#endif
