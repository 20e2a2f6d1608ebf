/*
 * mime.h - the text of a mail as it travels (RFC 5322, RFC 2045, RFC 2047).
 */
#ifndef KAIWA_MIME_H
#define KAIWA_MIME_H

#include <stddef.h>
#include <time.h>

struct mail {
	const char *from;   /* whom the reader sees */
	const char *sender; /* who really sends it; also the envelope's */
	const char *to;
	const char *subject;    /* one line of UTF-8 */
	const char *body;       /* UTF-8, lines end with \n */
	const char *message_id; /* without the angle brackets */
	time_t date;
};

/* The whole message, CRLF lines, 7-bit. Free it. */
char *mime_message(const struct mail *mail, size_t *length);

#endif
