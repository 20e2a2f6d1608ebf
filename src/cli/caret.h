/*
 * caret.h - a text with a mark under the piece that is meant:
 *
 *	send-digest: "0 10 * * 8"
 *	                       ^ day-of-week 8 is out of range 0-7
 */
#ifndef BELFRY_CARET_H
#define BELFRY_CARET_H

#include "terminal.h"

struct caret {
	const char *lead; /* what stands in front of the quoted text */
	const char *text;
	size_t column, length; /* of the piece, in bytes from 1; length 0 is shown as 1 */
	const char *message;   /* beside the mark; NULL: none */
	enum style style;      /* of the mark */
};

/* Two lines. */
void caret_add(struct buf *out, enum output output, const struct caret *caret);

#endif
