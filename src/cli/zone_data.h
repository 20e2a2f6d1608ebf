/* zone_data.h - which release of tzdata this machine has. */
#ifndef BELFRY_ZONE_DATA_H
#define BELFRY_ZONE_DATA_H

enum { ZONE_DATA_VERSION_MAX = 32 };

/* "2025b", from tzdata.zi or +VERSION in the directory; NULL where neither says it.
 * directory NULL: $TZDIR, else /usr/share/zoneinfo. */
const char *zone_data_version(const char *directory, char version[ZONE_DATA_VERSION_MAX]);

#endif
