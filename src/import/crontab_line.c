/* crontab_line.c - the lines of a crontab; see crontab_line.h. */
#include "crontab_line.h"

#include <ctype.h>
#include <string.h>

bool line_next(struct line_reader *reader, struct arena *arena, struct crontab_line *line)
{
	const char *text = reader->source->text + reader->at;
	size_t left = reader->source->length - reader->at;

	if (left == 0)
		return false;
	const char *end = memchr(text, '\n', left);
	size_t length = end ? (size_t)(end - text) : left;
	reader->at += length + (end ? 1 : 0);
	if (length && text[length - 1] == '\r')
		length--;
	*line = (struct crontab_line){arena_copy(arena, text, length), ++reader->number};
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

/* A name may be quoted too, as Vixie's cron has it. */
static const char *setting_name(const char *at, struct arena *arena, const char **name)
{
	char quote = *at == '"' || *at == '\'' ? *at++ : '\0';
	const char *first = at;

	while (*at && (quote ? *at != quote : *at != '=' && !is_blank(*at)))
		at++;
	if (at == first || (quote && *at != quote))
		return NULL;
	*name = arena_copy(arena, first, (size_t)(at - first));
	return quote ? at + 1 : at;
}

bool line_setting(const struct crontab_line *line, struct arena *arena,
		  struct crontab_setting *setting)
{
	const char *at = setting_name(skip_blanks(line->text), arena, &setting->name);

	if (!at)
		return false;
	at = skip_blanks(at);
	if (*at != '=')
		return false;
	at = skip_blanks(at + 1);
	size_t length = strlen(at);
	while (length && is_blank(at[length - 1]))
		length--;
	if (length >= 2 && (*at == '"' || *at == '\'') && at[length - 1] == *at) {
		at++;
		length -= 2;
	}
	setting->value = arena_copy(arena, at, length);
	return true;
}

struct line_word line_word(const char *at)
{
	at = skip_blanks(at);
	const char *end = at;

	while (*end && !is_blank(*end))
		end++;
	return (struct line_word){at, (size_t)(end - at)};
}

bool line_is_field(struct line_word word)
{
	bool has_sign = word.length > 0 && (isdigit((unsigned char)*word.at) || *word.at == '*');

	for (size_t i = 0; i < word.length; i++)
		if (!isalnum((unsigned char)word.at[i]) && !strchr("*,-/?#~", word.at[i]))
			return false;
	return has_sign || (word.length >= 3 && word.length <= 64 && strchr("?", *word.at)) ||
	       (word.length == 1 && *word.at == '?');
}

bool line_is_year(struct line_word word)
{
	if (word.length == 1)
		return *word.at == '*';
	if (word.length < 3 || (*word.at == '*' && word.at[1] != '/'))
		return false;
	for (size_t i = 0; i < word.length; i++)
		if (!isdigit((unsigned char)word.at[i]) && !strchr("*,-/", word.at[i]))
			return false;
	return *word.at == '*' || (word.length >= 4 && strspn(word.at, "0123456789") == 4);
}

void line_percent(struct arena *arena, const char *text, const char **command, const char **input)
{
	struct buf out = {0};
	bool is_escaped = false, in_input = false;

	*command = *input = NULL;
	for (; *text; text++) {
		char c = *text;

		if (is_escaped && c != '%')
			buf_char(&out, '\\');
		if (!is_escaped && c == '%' && !in_input) {
			*command = arena_text(arena, buf_string(&out));
			buf_clear(&out);
			in_input = true;
			continue;
		}
		if (!is_escaped && c == '%')
			c = '\n';
		is_escaped = c == '\\';
		if (!is_escaped)
			buf_char(&out, c);
	}
	if (is_escaped)
		buf_char(&out, '\\');
	if (in_input && out.length && out.data[out.length - 1] != '\n')
		buf_char(&out, '\n');
	*(in_input ? input : command) = arena_text(arena, buf_string(&out));
	buf_finish(&out);
}

static bool has_line(const char *text, const char *wanted)
{
	size_t length = strlen(wanted);

	while (strncmp(text, wanted, length) != 0 || (text[length] && text[length] != '\n')) {
		text = strchr(text, '\n');
		if (!text)
			return false;
		text++;
	}
	return true;
}

const char *line_with_input(struct arena *arena, const char *command, const char *input)
{
	const char *mark = "EOF";

	for (unsigned i = 1; has_line(input, mark); i++)
		mark = arena_format(arena, "EOF_%u", i);
	return arena_format(arena, "{\n%s\n} <<'%s'\n%s%s", command, mark, input, mark);
}
