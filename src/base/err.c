/* err.c - errors that gain context on their way up; see err.h. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, const char *format, ...)
{
	if (err) {
		va_list args;

		va_start(args, format);
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return false;
}

bool err_errno(struct err *err, int number, const char *format, ...)
{
	if (err) {
		va_list args;
		char reason[128];

		va_start(args, format);
		int n = vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
		if (n >= 0 && (size_t)n < sizeof(err->text))
			snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s",
				 strerror_r(number, reason, sizeof(reason)));
	}
	return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
	if (err) {
		va_list args;
		char inner[sizeof(err->text)];

		memcpy(inner, err->text, sizeof(inner));
		va_start(args, format);
		int n = vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
		if (n >= 0 && (size_t)n < sizeof(err->text))
			snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", inner);
	}
	return false;
}
