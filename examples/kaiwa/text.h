/*
 * text.h - the few string helpers kaiwa needs.
 *
 * When there is no memory left these end the program with a line on stderr.
 */
#ifndef KAIWA_TEXT_H
#define KAIWA_TEXT_H

char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_copy(const char *text);

/* Makes text from outside (a database, a mail server) safe to put into a header
 * or a JSON line, in place: control characters become spaces, bytes that are not
 * UTF-8 question marks. */
void text_clean(char *text);

#endif
