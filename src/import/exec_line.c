/*
 * exec_line.c - command lines of systemd's units: quotes, escapes, specifiers and
 * variables, as systemd.service(5) has them; see systemd.h.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "systemd.h"

enum { WORDS_MAX = 10000 };

static bool wrong(struct exec_problem *problem, size_t column, const char *message)
{
	*problem = (struct exec_problem){column + 1, message};
	return false;
}

/* ---- words ---- */

/* The number behind \x, \u, \U or of three octal digits, as UTF-8 or a byte. */
static const char *take_code(const char *at, struct buf *word)
{
	static const struct {
		char letter;
		int digits, base;
	} kinds[] = {{'x', 2, 16}, {'u', 4, 16}, {'U', 8, 16}};
	int digits = 3, base = 8;
	const char *first = at;

	for (size_t i = 0; i < 3; i++) {
		if (*at != kinds[i].letter)
			continue;
		digits = kinds[i].digits;
		base = kinds[i].base;
		first = at + 1;
	}
	char text[9] = "", *end;
	strncpy(text, first, (size_t)digits);
	unsigned long code = strtoul(text, &end, base);
	if (end != text + digits || !isxdigit((unsigned char)*text) || code == 0 ||
	    code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || (base == 8 && code > 0x7f) ||
	    (digits == 2 && code > 0x7f))
		return NULL;
	if (code < 0x80) {
		buf_char(word, (char)code);
	} else if (code < 0x800) {
		buf_char(word, (char)(0xc0 | code >> 6));
		buf_char(word, (char)(0x80 | (code & 63)));
	} else if (code < 0x10000) {
		buf_char(word, (char)(0xe0 | code >> 12));
		buf_char(word, (char)(0x80 | (code >> 6 & 63)));
		buf_char(word, (char)(0x80 | (code & 63)));
	} else {
		buf_char(word, (char)(0xf0 | code >> 18));
		buf_char(word, (char)(0x80 | (code >> 12 & 63)));
		buf_char(word, (char)(0x80 | (code >> 6 & 63)));
		buf_char(word, (char)(0x80 | (code & 63)));
	}
	return first + digits;
}

/* Behind a backslash; NULL where systemd knows no such escape. */
static const char *take_escape(const char *at, struct buf *word)
{
	static const char letters[] = "abfnrtv\\\"'s", bytes[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *letter = *at ? strchr(letters, *at) : NULL;

	if (letter) {
		buf_char(word, bytes[letter - letters]);
		return at + 1;
	}
	return *at ? take_code(at, word) : NULL;
}

static const char *take_word(const char *text, const char *at, struct buf *word,
			     struct exec_problem *problem)
{
	const char *opened = NULL;

	for (; *at && (opened || (*at != ' ' && *at != '\t')); at++) {
		if (opened ? *at == *opened : (*at == '\'' || *at == '"')) {
			opened = opened ? NULL : at;
		} else if (*at == '\\') {
			const char *behind = take_escape(at + 1, word);

			if (!behind) {
				wrong(problem, (size_t)(at - text), "no such escape in systemd");
				return NULL;
			}
			at = behind - 1;
		} else {
			buf_char(word, *at);
		}
	}
	if (opened) {
		wrong(problem, (size_t)(opened - text),
		      "the quote that begins here is never closed");
		return NULL;
	}
	return at;
}

static bool split(const struct exec_context *context, const char *text, const char ***words,
		  size_t *count, struct exec_problem *problem)
{
	size_t most = strlen(text) / 2 + 2;
	struct buf word = {0};
	const char *at = text;

	if (most > WORDS_MAX)
		most = WORDS_MAX;
	*words = arena_array(context->arena, const char *, most);
	for (*count = 0; at && *(at += strspn(at, " \t"));) {
		if (*count == most) {
			wrong(problem, (size_t)(at - text), "too many words");
			at = NULL;
			break;
		}
		buf_clear(&word);
		at = take_word(text, at, &word, problem);
		if (at)
			(*words)[(*count)++] = arena_text(context->arena, buf_string(&word));
	}
	buf_finish(&word);
	return at != NULL;
}

bool exec_words(const struct exec_context *context, const char *text, const char ***words,
		size_t *count, struct exec_problem *problem)
{
	return split(context, text, words, count, problem);
}

/* ---- specifiers ---- */

/* The part of a unit's name before @ or its type, or the instance behind @. */
static const char *name_part(const struct exec_context *context, bool is_instance)
{
	const char *at = strchr(context->unit, '@'), *dot = strrchr(context->unit, '.');
	const char *end = dot ? dot : context->unit + strlen(context->unit);

	if (is_instance)
		return at && at < end ? arena_copy(context->arena, at + 1, (size_t)(end - at) - 1)
				      : "";
	if (at && at < end)
		end = at;
	return arena_copy(context->arena, context->unit, (size_t)(end - context->unit));
}

static const char *full_name(const struct exec_context *context)
{
	const char *dot = strrchr(context->unit, '.');

	return dot ? arena_copy(context->arena, context->unit, (size_t)(dot - context->unit))
		   : context->unit;
}

/* What the system's own manager puts in its place; NULL where only that machine knows. */
static const char *specifier(const struct exec_context *context, char letter)
{
	bool is_root = !context->user || strcmp(context->user, "root") == 0;

	switch (letter) {
	case '%': return "%";
	case 'n': return context->unit;
	case 'N': return full_name(context);
	case 'p':
	case 'P': return name_part(context, false);
	case 'i':
	case 'I': return name_part(context, true);
	case 'j':
	case 'J': return NULL;
	case 't': return "/run";
	case 'S': return "/var/lib";
	case 'C': return "/var/cache";
	case 'L': return "/var/log";
	case 'E': return "/etc";
	case 'T': return "/tmp";
	case 'V': return "/var/tmp";
	case 'u': return context->user ? context->user : "root";
	case 'h': return is_root ? "/root" : NULL;
	case 'U': return is_root ? "0" : NULL;
	default: return NULL;
	}
}

const char *exec_specifiers(const struct exec_context *context, const char *text,
			    struct exec_problem *problem)
{
	struct buf out = {0};
	const char *copy = NULL;

	if (!strchr(text, '%'))
		return text;
	for (const char *at = text; *at; at++) {
		const char *value;

		if (*at != '%') {
			buf_char(&out, *at);
			continue;
		}
		value = specifier(context, at[1]);
		if (!value) {
			wrong(problem, (size_t)(at - text),
			      arena_format(context->arena,
					   "only the machine knows what %%%c stands for", at[1]));
			goto done;
		}
		buf_text(&out, value);
		at++;
	}
	copy = arena_text(context->arena, buf_string(&out));
done:
	buf_finish(&out);
	return copy;
}

/* ---- commands ---- */

static size_t variable_length(const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n;
}

/* The length of a ${NAME} at text; 0 where there is none. */
static size_t braced_length(const char *text)
{
	size_t n = text[0] == '$' && text[1] == '{' ? variable_length(text + 2) : 0;

	return n && text[n + 2] == '}' ? n + 3 : 0;
}

static bool is_bare_variable(const char *text)
{
	size_t n = *text == '$' ? variable_length(text + 1) : 0;

	return n && !text[n + 1];
}

static bool has_variables(const char *text)
{
	if (is_bare_variable(text))
		return true;
	for (; *text; text++) {
		if (text[0] == '$' && text[1] == '$')
			text++;
		else if (braced_length(text))
			return true;
	}
	return false;
}

static const char *take_prefixes(const char *text, struct exec_command *command, bool *has_argv0)
{
	for (;; text++) {
		if (*text == '-')
			command->may_fail = true;
		else if (*text == ':')
			command->is_literal = true;
		else if (*text == '+' || *text == '!')
			command->is_privileged = true;
		else if (*text == '@')
			*has_argv0 = true;
		else if (*text != '|')
			return text;
	}
}

/* Fills in a command from words[0..count); `@` names argv[0] apart, which is dropped. */
static bool make_command(const struct exec_context *context, const char *const *words, size_t count,
			 struct exec_command *command, struct exec_problem *problem)
{
	bool has_argv0 = false;

	*command = (struct exec_command){0};
	command->words = arena_array(context->arena, struct exec_word, count);
	for (size_t i = 0; i < count; i++) {
		const char *text = i ? words[i] : take_prefixes(words[i], command, &has_argv0);

		if (i == 1 && has_argv0)
			continue;
		text = exec_specifiers(context, text, problem);
		if (!text)
			return false;
		command->words[command->count++] = (struct exec_word){
			text, i > 0 && !command->is_literal && has_variables(text)};
	}
	return (command->count && *command->words[0].text) ||
	       wrong(problem, 0, "no program to run");
}

bool exec_parse(const struct exec_context *context, const char *text,
		struct exec_command **commands, size_t *count, struct exec_problem *problem)
{
	const char **words;
	size_t word_count, first = 0;

	if (!split(context, text, &words, &word_count, problem))
		return false;
	*commands = arena_array(context->arena, struct exec_command, word_count + 1);
	*count = 0;
	for (size_t i = 0; i <= word_count; i++) {
		if (i < word_count && strcmp(words[i], ";") != 0)
			continue;
		if (i > first && !make_command(context, words + first, i - first,
					       &(*commands)[(*count)++], problem))
			return false;
		first = i + 1;
	}
	return *count > 0 || wrong(problem, 0, "no program to run");
}

/* ---- for a shell, for a list ---- */

static const char *without_dollars(struct arena *arena, const struct exec_command *command,
				   const char *text)
{
	struct buf out = {0};

	if (command->is_literal || !strstr(text, "$$"))
		return text;
	for (; *text; text++) {
		buf_char(&out, *text);
		text += text[0] == '$' && text[1] == '$';
	}
	const char *copy = arena_text(arena, buf_string(&out));
	buf_finish(&out);
	return copy;
}

static bool is_plain(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("/._-+:,@%=", *text))
			return false;
	return true;
}

static void add_quoted(struct buf *out, const char *text)
{
	buf_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_text(out, "'\\''");
		else
			buf_char(out, *text);
	}
	buf_char(out, '\'');
}

/* In double quotes, so that the shell replaces the variables and nothing else. */
static void add_with_variables(struct buf *out, const char *text)
{
	buf_char(out, '"');
	while (*text) {
		size_t length = braced_length(text);

		if (length) {
			buf_add(out, text, length);
			text += length;
			continue;
		}
		if (strchr("\"\\`$", *text))
			buf_char(out, '\\');
		buf_char(out, *text);
		text += text[0] == '$' && text[1] == '$' ? 2 : 1;
	}
	buf_char(out, '"');
}

void exec_add_shell(struct buf *out, const struct exec_command *command)
{
	struct arena arena = {0};

	for (size_t i = 0; i < command->count; i++) {
		const struct exec_word *word = &command->words[i];
		const char *text = without_dollars(&arena, command, word->text);

		if (i)
			buf_char(out, ' ');
		if (word->has_variables && is_bare_variable(word->text))
			buf_text(out, word->text);
		else if (word->has_variables)
			add_with_variables(out, word->text);
		else if (is_plain(text))
			buf_text(out, text);
		else
			add_quoted(out, text);
	}
	arena_finish(&arena);
}

void exec_add_json(struct arena *arena, struct buf *out, const struct exec_command *command)
{
	buf_json_open(out, NULL, '[');
	for (size_t i = 0; i < command->count; i++)
		buf_json_text(out, NULL,
			      text_literal(arena, without_dollars(arena, command,
								  command->words[i].text)));
	buf_json_close(out, ']');
}
