/* machine_zone.h - the time zone of this machine, by its name. */
#ifndef BELFRY_MACHINE_ZONE_H
#define BELFRY_MACHINE_ZONE_H

#include "mem.h"

/* $TZ where it names a zone, else where /etc/localtime leads, else /etc/timezone; "UTC"
 * where none of them says. */
const char *machine_zone(struct arena *arena);

#endif
