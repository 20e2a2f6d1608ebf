/* salvage.h - copies what can be read of a damaged database's tables; see repair.h. */
#ifndef BELFRY_SALVAGE_H
#define BELFRY_SALVAGE_H

#include <sqlite3.h>

#include "repair.h"

/* Every table of `to`, which is new and of today's schema, from `from`. False: `to` could
 * not be written. */
bool salvage_tables(sqlite3 *from, sqlite3 *to, struct arena *arena, struct repair *repair,
		    struct err *err);
/* Puts right what does not fit together: claims of runs whose occurrence is lost, what
 * belongs to lost runs, the counters. */
bool salvage_settle(sqlite3 *to, struct repair *repair, struct err *err);

#endif
