/* zone_list.c - zone names for tests; see zone_list.h. */
#include "zone_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void zone_list_read(struct zone_list *list, const char *directory)
{
	char path[512], line[1024], name[128];

	snprintf(path, sizeof(path), "%s/tzdata.zi", directory);
	FILE *stream = fopen(path, "re");
	if (!stream) {
		fprintf(stderr, "cannot open %s; tzdata is needed\n", path);
		exit(1);
	}
	*list = (struct zone_list){0};
	while (fgets(line, sizeof(line), stream)) {
		if (sscanf(line, "Z %127s", name) != 1 && sscanf(line, "L %*s %127s", name) != 1)
			continue;
		if (strcmp(name, "Factory") == 0)
			continue;
		list->names = realloc(list->names, (list->count + 1) * sizeof(*list->names));
		list->names[list->count++] = strdup(name);
	}
	fclose(stream);
}

void zone_list_finish(struct zone_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
}
