/*
 * result_line.h - the result a job reports on its standard output: the last line
 * that is a JSON object with "event": "result". Pure.
 *
 * Fed piece by piece, wherever the pieces are cut. Memory is bounded: a line that is
 * no object, or longer than RESULT_LINE_MAX, is passed over.
 */
#ifndef BELFRY_RESULT_LINE_H
#define BELFRY_RESULT_LINE_H

#include "buf.h"

enum { RESULT_LINE_MAX = 64 * 1024, RESULT_MESSAGE_MAX = 1024 };

/* Zeroed is ready for use. */
struct result_line {
	struct buf line; /* so far, without its end */
	bool is_passed_over;
	bool has_result;
	int64_t processed, failed; /* -1 where the line lacks them */
	char *message;             /* NULL if none; owned */
};

void result_line_feed(struct result_line *result, const char *data, size_t length);
/* The output ends here, and with it its last line. */
void result_line_end(struct result_line *result);
void result_line_finish(struct result_line *result);

#endif
