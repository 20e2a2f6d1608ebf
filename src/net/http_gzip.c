/* http_gzip.c - gzip by zlib; see http_gzip.h. */
#include "http_gzip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "mem.h"

/* 15 bits of window, 16: a gzip frame around it. Level 5 of 9: JSON hardly gets
 * smaller beyond it. */
enum { WINDOW_BITS = 15 + 16, LEVEL = 5, MEMORY_LEVEL = 8, OUT_SIZE = 16 << 10 };

struct http_gzip {
	z_stream stream;
};

/* "gzip", "gzip;q=0.5", not "gzip;q=0". */
static bool is_gzip(const char *item, size_t length)
{
	size_t name = strcspn(item, ";, \t");

	if (name != 4 || name > length || strncasecmp(item, "gzip", 4) != 0)
		return false;
	const char *q = memchr(item, ';', length);
	if (!q)
		return true;
	q += 1 + strspn(q + 1, " \t");
	return strncasecmp(q, "q=", 2) != 0 || strtod(q + 2, NULL) > 0;
}

bool http_gzip_is_taken(const char *accept_encoding)
{
	for (const char *at = accept_encoding; at && *at;) {
		at += strspn(at, ", \t");
		size_t length = strcspn(at, ",");

		if (is_gzip(at, length))
			return true;
		at += length;
	}
	return false;
}

struct http_gzip *http_gzip_create(void)
{
	struct http_gzip *gzip = mem_alloc(sizeof(*gzip));
	int code = deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
				Z_DEFAULT_STRATEGY);

	if (code == Z_OK)
		return gzip;
	free(gzip); /* out of memory: the body goes as it is */
	return NULL;
}

void http_gzip_destroy(struct http_gzip *gzip)
{
	if (!gzip)
		return;
	deflateEnd(&gzip->stream);
	free(gzip);
}

void http_gzip_add(struct http_gzip *gzip, const char *data, size_t length, bool is_last,
		   struct buf *out)
{
	z_stream *stream = &gzip->stream;
	unsigned char piece[OUT_SIZE];

	/* zlib does not write to what it reads. */
	stream->next_in = (unsigned char *)(uintptr_t)data;
	stream->avail_in = (uInt)length;
	do {
		stream->next_out = piece;
		stream->avail_out = sizeof(piece);
		int code = deflate(stream, is_last ? Z_FINISH : Z_SYNC_FLUSH);
		assert(code != Z_STREAM_ERROR);
		buf_add(out, piece, sizeof(piece) - stream->avail_out);
	} while (stream->avail_out == 0);
}
