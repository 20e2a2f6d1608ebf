/* lack.h - days that months do not have: "February has no day 31". */
#ifndef BELFRY_LACK_H
#define BELFRY_LACK_H

#include "rule.h"

/* The months named, as bits, in which none of the days of the month named comes in a leap
 * year, or in another; 0 where the days are not by number. */
uint32_t lack_months(const struct schedule *s, bool is_leap);
/* "February and April have" */
void lack_say_months(uint32_t months, struct buf *out);
/* "February has no day 30 or 31", where that is why the schedule never fires; else false
 * and nothing. */
bool lack_explains(const struct schedule *s, struct buf *out);

#endif
