/* utf8.c - validation of UTF-8 (RFC 3629, section 4); see utf8.h. */
#include "utf8.h"

#include <string.h>

static bool follows(const char *text, size_t i, unsigned char low, unsigned char high)
{
	unsigned char c = (unsigned char)text[i];

	return c >= low && c <= high;
}

size_t utf8_length(const char *text, size_t length)
{
	if (length == 0)
		return 0;
	unsigned char c = (unsigned char)text[0];

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return length >= 2 && follows(text, 1, 0x80, 0xbf) ? 2 : 0;
	if (c >= 0xe0 && c <= 0xef) {
		unsigned char low = c == 0xe0 ? 0xa0 : 0x80, high = c == 0xed ? 0x9f : 0xbf;

		return length >= 3 && follows(text, 1, low, high) && follows(text, 2, 0x80, 0xbf)
			       ? 3
			       : 0;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		unsigned char low = c == 0xf0 ? 0x90 : 0x80, high = c == 0xf4 ? 0x8f : 0xbf;

		return length >= 4 && follows(text, 1, low, high) && follows(text, 2, 0x80, 0xbf) &&
				       follows(text, 3, 0x80, 0xbf)
			       ? 4
			       : 0;
	}
	return 0;
}

bool utf8_valid(const char *text, size_t length, size_t *bad_at)
{
	for (size_t i = 0, n; i < length; i += n) {
		n = utf8_length(text + i, length - i);
		if (n == 0) {
			*bad_at = i;
			return false;
		}
	}
	return true;
}

bool utf8_is_line(const char *text, size_t most)
{
	size_t length = strlen(text), count = 0;

	for (size_t i = 0, n; i < length; i += n, count++) {
		n = utf8_length(text + i, length - i);
		if (n == 0 || (unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	}
	return count > 0 && count <= most;
}
