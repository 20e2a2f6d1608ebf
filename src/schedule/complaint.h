/* complaint.h - collecting what is wrong with a schedule's texts. */
#ifndef BELFRY_COMPLAINT_H
#define BELFRY_COMPLAINT_H

#include <string.h>

#include "schedule.h"

struct complaints {
	struct schedule_error *errors;
	size_t max, count; /* counts on beyond max */
};

/* Where in a text the offending piece is. */
struct place {
	enum schedule_part part;
	size_t index;
	const char *text; /* the whole text; columns count from its start */
	const char *at;   /* the piece */
	size_t length;
};

static inline struct place place_whole(enum schedule_part part, size_t index, const char *text)
{
	return (struct place){part, index, text, text, strlen(text)};
}

/* Always false, so that a parser can end in one line. */
bool complain(struct complaints *complaints, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
