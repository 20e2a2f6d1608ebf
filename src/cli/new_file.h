/* new_file.h - a result into a file: whole or not at all, over nothing unless asked to. */
#ifndef BELFRY_NEW_FILE_H
#define BELFRY_NEW_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Whether it may be written: with is_forced always. */
bool new_file_may(const char *path, bool is_forced, struct err *err);
bool new_file_write(const char *path, bool is_forced, const char *data, size_t length,
		    struct err *err);

#endif
