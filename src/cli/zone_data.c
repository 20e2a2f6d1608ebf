/* zone_data.c - which release of tzdata this machine has; see zone_data.h. */
#include "zone_data.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

/* The first line of DIRECTORY/NAME, behind `before`. */
static bool read_first_line(const char *directory, const char *name, const char *before,
			    char version[ZONE_DATA_VERSION_MAX])
{
	char path[PATH_MAX], line[128];
	size_t skip = strlen(before);

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path))
		return false;
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(line, sizeof(line), file) && strncmp(line, before, skip) == 0;
	if (file)
		fclose(file);
	if (!is_read)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	snprintf(version, ZONE_DATA_VERSION_MAX, "%.*s", ZONE_DATA_VERSION_MAX - 1, line + skip);
	return *version != '\0';
}

const char *zone_data_version(const char *directory, char version[ZONE_DATA_VERSION_MAX])
{
	const char *tzdir = getenv("TZDIR");

	if (!directory)
		directory = str_empty(tzdir) ? "/usr/share/zoneinfo" : tzdir;
	if (read_first_line(directory, "tzdata.zi", "# version ", version) ||
	    read_first_line(directory, "+VERSION", "", version))
		return version;
	return NULL;
}
