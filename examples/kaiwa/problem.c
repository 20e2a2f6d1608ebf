/* problem.c - fills in a struct problem; see problem.h. */
#include "problem.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

bool problem_set(struct problem *problem, const char *remedy, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(problem->cause, sizeof(problem->cause), format, args);
	va_end(args);
	snprintf(problem->remedy, sizeof(problem->remedy), "%s", remedy);
	text_clean(problem->cause);
	text_clean(problem->remedy);
	return false;
}
