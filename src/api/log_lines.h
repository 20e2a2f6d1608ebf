/*
 * log_lines.h - a run's output as JSON Lines. Pure.
 *
 * Each object is a line, or a piece of one: its text ends in "\n" where the line is
 * complete, and goes on in the stream's next object where it is not, so that putting
 * the texts together gives the output again. A character that two chunks share is
 * kept whole; bytes that are no UTF-8 become U+FFFD.
 */
#ifndef BELFRY_LOG_LINES_H
#define BELFRY_LOG_LINES_H

#include "buf.h"
#include "run.h"

struct log_lines {
	struct cut_character {
		char bytes[4];
		size_t length; /* 0: none is cut */
		int32_t attempt;
		struct utc at;
	} cut[STREAM_COUNT]; /* the first bytes of a character that has not come whole */
};

void log_lines_add(struct log_lines *lines, const struct log_chunk *chunk, struct buf *out);
/* No more chunks come: what is cut stays so. */
void log_lines_end(struct log_lines *lines, struct buf *out);

#endif
