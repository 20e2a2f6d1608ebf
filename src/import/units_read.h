/* units_read.h - the units of a folder, from disk. */
#ifndef BELFRY_IMPORT_UNITS_READ_H
#define BELFRY_IMPORT_UNITS_READ_H

#include "import.h"

/* *.timer and *.service, and what is dropped in beside them (.conf files in NAME.d), by name. What
 * is no regular file (a unit that is masked) is passed over. The texts are in the arena. */
bool units_read(const char *folder, struct arena *arena, struct import_source **sources,
		size_t *count, struct err *err);

#endif
