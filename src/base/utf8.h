/* utf8.h - UTF-8 as RFC 3629 has it: no surrogates, nothing overlong. */
#ifndef BELFRY_UTF8_H
#define BELFRY_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at text (1-4), 0 where there is no valid one. */
size_t utf8_length(const char *text, size_t length);

/* Whether all of it is valid; *bad_at is the first wrong byte otherwise. */
bool utf8_valid(const char *text, size_t length, size_t *bad_at);

/* Whether it is one line for a log or a table: 1 to `most` valid characters, none of them
 * an ASCII control. */
bool utf8_is_line(const char *text, size_t most);

#endif
