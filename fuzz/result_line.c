/*
 * result_line.c - what a job prints; see src/exec/result_line.h.
 *
 * The first byte says how long the pieces are; wherever they are cut, the same comes
 * out as in one piece.
 */
#include <assert.h>

#include "result_line.h"
#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct result_line feed(const char *text, size_t length, size_t piece)
{
	struct result_line result = {0};

	for (size_t at = 0; at < length; at += piece)
		result_line_feed(&result, text + at, length - at < piece ? length - at : piece);
	result_line_end(&result);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const char *text = (const char *)data + 1;
	struct result_line whole = feed(text, size - 1, size);
	struct result_line pieces = feed(text, size - 1, (size_t)data[0] + 1);

	assert(whole.has_result == pieces.has_result);
	assert(whole.processed == pieces.processed && whole.failed == pieces.failed);
	assert(str_equal(whole.message, pieces.message));
	result_line_finish(&whole);
	result_line_finish(&pieces);
	return 0;
}
