/* crontab.c - fuzzes crontabs. The first byte chooses: u a user's, s the system's,
 * c supercronic's, any other what is recognised. */
#include "import_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct import_source source = {.path = "crontab"};
	char first = size ? (char)*data : '\0';

	source.length = size ? size - 1 : 0;
	source.text = arena_copy(&arena, (const char *)data + (size > 0), source.length);
	enum import_kind kind = first == 'u'   ? IMPORT_CRONTAB
				: first == 's' ? IMPORT_SYSTEM_CRONTAB
				: first == 'c' ? IMPORT_SUPERCRONIC
					       : import_recognise(&source);
	walk_import(kind, &source, 1);
	arena_finish(&arena);
	return 0;
}
