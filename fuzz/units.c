/*
 * units.c - fuzzes systemd's units. A line "--- NAME" begins the next file.
 */
#include "import_walk.h"

enum { FILES_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import_source sources[FILES_MAX] = {{.path = "a.timer"}};
	struct arena arena = {0};
	char *text = arena_copy(&arena, (const char *)data, size), *end = text + size;
	size_t count = 1;

	sources[0].text = text;
	for (char *at = text; at < end && (at = strstr(at, "--- ")) && count < FILES_MAX;) {
		char *path = at + 4, *line = strchr(path, '\n');

		if (!line)
			break;
		sources[count - 1].length = (size_t)(at - sources[count - 1].text);
		*at = *line = '\0';
		at = line + 1;
		sources[count++] = (struct import_source){.path = path, .text = at};
	}
	sources[count - 1].length = (size_t)(end - sources[count - 1].text);
	walk_import(IMPORT_SYSTEMD, sources, count);
	arena_finish(&arena);
	return 0;
}
