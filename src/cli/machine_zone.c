/* machine_zone.c - the time zone of this machine; see machine_zone.h. */
#include "machine_zone.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone.h"

static const char *of_environment(void)
{
	const char *name = getenv("TZ");

	if (name && *name == ':')
		name++;
	return name && zone_name_is_plausible(name) ? name : NULL;
}

static const char *of_link(struct arena *arena)
{
	static const char folder[] = "/zoneinfo/";
	char path[PATH_MAX];
	const char *found = realpath("/etc/localtime", path) ? strstr(path, folder) : NULL;

	if (!found)
		return NULL;
	found += strlen(folder);
	return zone_name_is_plausible(found) ? arena_text(arena, found) : NULL;
}

static const char *of_file(struct arena *arena)
{
	char line[128] = "";
	FILE *file = fopen("/etc/timezone", "re");

	if (!file)
		return NULL;
	bool is_read = fgets(line, sizeof(line), file) != NULL;
	fclose(file);
	line[strcspn(line, " \t\r\n")] = '\0';
	return is_read && zone_name_is_plausible(line) ? arena_text(arena, line) : NULL;
}

const char *machine_zone(struct arena *arena)
{
	const char *name = of_environment();

	if (!name)
		name = of_link(arena);
	if (!name)
		name = of_file(arena);
	/* Other names of it are good too, but this one everybody knows. */
	if (!name || strcmp(name, "Etc/UTC") == 0)
		return "UTC";
	return name;
}
