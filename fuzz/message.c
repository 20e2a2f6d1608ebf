/* message.c - a packet on the runner's socket; see src/runner/protocol.h. */
#include <assert.h>
#include <string.h>

#include "protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct message message, again;
	struct buf buf = {0};

	if (message_read((const char *)data, size, &arena, &message)) {
		message_write(&buf, &message);
		assert(message_read(buf.data, buf.length, &arena, &again));
		assert(again.kind == message.kind && again.run == message.run);
	}
	buf_finish(&buf);
	arena_finish(&arena);
	return 0;
}
