/* log_lines.c - a run's output as JSON Lines; see log_lines.h. */
#include "log_lines.h"

#include <string.h>

static void write_line(struct buf *out, const struct log_chunk *about, const char *text,
		       size_t length)
{
	buf_json_open(out, NULL, '{');
	buf_json_time(out, "time", about->at);
	buf_json_text(out, "stream", stream_word(about->stream));
	buf_json_int(out, "attempt", about->attempt);
	buf_json_bytes(out, "text", text, length);
	buf_json_close(out, '}');
	buf_char(out, '\n');
}

static void write_lines(struct buf *out, const struct log_chunk *about, const char *text,
			size_t length)
{
	while (length > 0) {
		const char *newline = memchr(text, '\n', length);
		size_t n = newline ? (size_t)(newline - text) + 1 : length;

		write_line(out, about, text, n);
		text += n;
		length -= n;
	}
}

static size_t length_from_first(unsigned char first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 1;
}

/* Bytes at the end that begin a character and may be completed by what follows. */
static size_t cut_at_end(const char *text, size_t length)
{
	for (size_t n = 1; n <= 3 && n <= length; n++) {
		unsigned char c = (unsigned char)text[length - n];

		if ((c & 0xc0) != 0x80)
			return length_from_first(c) > n ? n : 0;
	}
	return 0;
}

static void flush(struct log_lines *lines, enum stream stream, struct buf *out)
{
	struct cut_character *cut = &lines->cut[stream];
	struct log_chunk about = {.stream = stream, .attempt = cut->attempt, .at = cut->at};

	if (cut->length)
		write_line(out, &about, cut->bytes, cut->length);
	cut->length = 0;
}

void log_lines_add(struct log_lines *lines, const struct log_chunk *chunk, struct buf *out)
{
	struct cut_character *cut = &lines->cut[chunk->stream];
	struct buf joined = {0};
	const char *text = chunk->data;
	size_t length = chunk->length;

	if (cut->length && cut->attempt != chunk->attempt)
		flush(lines, chunk->stream, out);
	if (cut->length) {
		buf_add(&joined, cut->bytes, cut->length);
		buf_add(&joined, chunk->data, chunk->length);
		text = joined.data;
		length = joined.length;
	}
	cut->length = cut_at_end(text, length);
	cut->attempt = chunk->attempt;
	cut->at = chunk->at;
	memcpy(cut->bytes, text + length - cut->length, cut->length);
	write_lines(out, chunk, text, length - cut->length);
	buf_finish(&joined);
}

void log_lines_end(struct log_lines *lines, struct buf *out)
{
	for (int stream = 0; stream < STREAM_COUNT; stream++)
		flush(lines, (enum stream)stream, out);
}
