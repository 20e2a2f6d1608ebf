/* text.c - the few string helpers kaiwa needs; see text.h. */
#include "text.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text_must(char *text)
{
	if (text == NULL) {
		fputs("{\"level\":\"error\",\"msg\":\"out of memory\"}\n", stderr);
		abort();
	}
	return text;
}

char *text_format(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	return text_must(length < 0 ? NULL : text);
}

char *text_copy(const char *text)
{
	return text_must(strdup(text));
}

/* Length of the UTF-8 sequence at s, 0 if there is none (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	for (size_t i = 1; i < length; i++) /* the NUL at the end is no continuation byte */
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
	    (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return length;
}

void text_clean(char *text)
{
	unsigned char *s = (unsigned char *)text;
	while (*s != '\0') {
		size_t length = utf8_length(s);
		if (length == 0)
			*s = '?';
		else if (*s < 0x20 || *s == 0x7F)
			*s = ' ';
		s += length == 0 ? 1 : length;
	}
}
