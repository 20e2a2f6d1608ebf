/* mime.c - the text of a mail as it travels; see mime.h. */
#include "mime.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENCODED_WORD_MAX = 75, /* RFC 2047, section 2 */
	BODY_LINE_MAX = 76,    /* RFC 2045, section 6.7, with the soft break's "=" */
};

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static bool starts_character(char c)
{
	return ((unsigned char)c & 0xC0) != 0x80;
}

/* A header's text; encoded words of RFC 2047 ("Q") if it is not plain ASCII. */
static void write_header_text(FILE *out, const char *text)
{
	static const char start[] = "=?UTF-8?Q?";
	if (is_ascii(text)) {
		fputs(text, out);
		return;
	}
	size_t used = sizeof(start) - 1;
	fputs(start, out);
	for (; *text != '\0'; text++) {
		/* A character of up to 4 bytes stays within one word; "?=" must fit. */
		if (starts_character(*text) && used + 4 * 3 + 2 > ENCODED_WORD_MAX) {
			fprintf(out, "?=\r\n %s", start);
			used = sizeof(start) - 1;
		}
		unsigned char byte = (unsigned char)*text;
		if (byte >= 0x80 || strchr("=?_\"(),.:;<>@[\\]", byte) != NULL)
			used += (size_t)fprintf(out, "=%02X", byte);
		else
			used += (size_t)fprintf(out, "%c", byte == ' ' ? '_' : byte);
	}
	fputs("?=", out);
}

/* Quoted-printable (RFC 2045, section 6.7). */
static void write_body(FILE *out, const char *body)
{
	size_t used = 0;
	for (; *body != '\0'; body++) {
		unsigned char byte = (unsigned char)*body;
		if (byte == '\n') {
			fputs("\r\n", out);
			used = 0;
			continue;
		}
		bool ends_line = body[1] == '\n' || body[1] == '\0';
		bool plain =
			(byte > ' ' && byte < 0x7F && byte != '=') || (byte == ' ' && !ends_line);
		size_t width = plain ? 1 : 3;
		if (used + width > BODY_LINE_MAX - 1) {
			fputs("=\r\n", out);
			used = 0;
		}
		if (plain)
			putc(byte, out);
		else
			fprintf(out, "=%02X", byte);
		used += width;
	}
	if (used > 0)
		fputs("\r\n", out);
}

static void write_date(FILE *out, time_t date)
{
	struct tm utc;
	char text[64];
	gmtime_r(&date, &utc);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &utc);
	fprintf(out, "Date: %s\r\n", text);
}

char *mime_message(const struct mail *mail, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	if (out == NULL)
		abort();
	fprintf(out, "From: %s\r\n", mail->from);
	if (strcmp(mail->from, mail->sender) != 0)
		fprintf(out, "Sender: %s\r\n", mail->sender);
	fprintf(out, "To: %s\r\nSubject: ", mail->to);
	write_header_text(out, mail->subject);
	fputs("\r\n", out);
	write_date(out, mail->date);
	fprintf(out, "Message-ID: <%s>\r\n", mail->message_id);
	fputs("Auto-Submitted: auto-generated\r\n"
	      "MIME-Version: 1.0\r\n"
	      "Content-Type: text/plain; charset=UTF-8\r\n"
	      "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
	      out);
	write_body(out, mail->body);
	if (fclose(out) != 0)
		abort();
	return text;
}
