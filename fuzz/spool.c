/* spool.c - a spool file, as if its writer had gone mad; see src/runner/spool.h. */
#include <assert.h>

#include "spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct spool_frame frame;
	size_t at = 0, used;

	while (spool_next(text + at, size - at, &frame, &used) == SPOOL_FRAME) {
		struct buf buf = {0};

		/* What was read, written again, is read as the same; but for what a later
		 * version has put behind it, or an earlier one has not. */
		assert(used >= SPOOL_HEADER && used <= size - at);
		spool_write(&buf, &frame);
		assert(buf.length <= used + sizeof(uint32_t));
		buf_finish(&buf);
		at += used;
	}
	return 0;
}
