/* batch.c - fuzzes lines of `belfry next --batch`: each has an answer of one line. */
#include <string.h>

#include "batch_line.h"
#include "fuzz.h"
#include "zoneinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zoneinfo *zones;
	struct buf out = {0};

	if (!zones)
		zones = zoneinfo_create(NULL);
	schedule_batch_line((const char *)data, size, zoneinfo_source(zones), &out);
	MUST(strncmp(buf_string(&out), "{\"next\":[", 9) == 0 ||
	     strncmp(buf_string(&out), "{\"error\":{\"message\":", 20) == 0);
	MUST(!memchr(out.data, '\n', out.length));
	buf_finish(&out);
	return 0;
}
