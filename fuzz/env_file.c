/* env_file.c - a file of NAME=value lines; see src/exec/env_file.h. */
#include <assert.h>
#include <string.h>

#include "env_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *context, const char *name, const char *value)
{
	(void)context;
	assert(*name && !strpbrk(name, "= \n") && value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct err err = {""};

	if (!env_file_parse((const char *)data, size, &arena, look, NULL, &err))
		assert(strncmp(err.text, "line ", 5) == 0);
	arena_finish(&arena);
	return 0;
}
