/* world.h - a world that never changes, to parse files in. */
#ifndef BELFRY_TEST_WORLD_H
#define BELFRY_TEST_WORLD_H

#include <string.h>

#include "config.h"

/* 2026-11-25T00:00:00Z */
#define NOW ((struct utc){INT64_C(1795564800000)})
#define SECRET "s3cret value"

static const char *stub_environment(void *context, const char *name)
{
	(void)context;
	if (strcmp(name, "SECRET") == 0)
		return SECRET;
	if (strcmp(name, "EMPTY") == 0)
		return "";
	return strcmp(name, "BIN") == 0 ? "/opt/bin" : NULL;
}

static inline struct config_world stub_world(const struct zone_source *zones)
{
	return (struct config_world){.zones = zones, .environment = stub_environment, .now = NOW};
}

#endif
