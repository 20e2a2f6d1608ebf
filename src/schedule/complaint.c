/* complaint.c - collecting errors; see complaint.h. */
#include "complaint.h"

#include <stdarg.h>
#include <stdio.h>

bool complain(struct complaints *complaints, struct place place, const char *format, ...)
{
	va_list args;

	if (complaints->count++ >= complaints->max)
		return false;
	struct schedule_error *error = &complaints->errors[complaints->count - 1];
	error->part = place.part;
	error->index = place.index;
	error->column = (size_t)(place.at - place.text) + 1;
	error->length = place.length;
	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return false;
}
