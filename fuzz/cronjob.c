/* cronjob.c - fuzzes Kubernetes' CronJobs. */
#include "import_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct import_source source = {"cronjob.yaml", arena_copy(&arena, (const char *)data, size),
				       size};

	walk_import(IMPORT_KUBERNETES, &source, 1);
	arena_finish(&arena);
	return 0;
}
