/* argv.c - words of a command line; see argv.h. */
#include "argv.h"

#include <string.h>

#include "buf.h"

enum quoting { QUOTE_NONE, QUOTE_SINGLE, QUOTE_DOUBLE, QUOTE_BACKSLASH };

struct splitter {
	const char *text;
	size_t at;
	size_t opened; /* the quote that is open */
	enum quoting quoting;
	struct buf word;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Inside "…" a backslash is itself but before $ ` " \ and a line break. */
static void take_double(struct splitter *s)
{
	const char *c = s->text + s->at;

	if (*c == '"') {
		s->quoting = QUOTE_NONE;
	} else if (*c == '\\' && c[1] && strchr("$`\"\\\n", c[1])) {
		s->at++;
		if (c[1] != '\n')
			buf_char(&s->word, c[1]);
	} else {
		buf_char(&s->word, *c);
	}
}

static void open_quote(struct splitter *s, enum quoting quoting)
{
	s->quoting = quoting;
	s->opened = s->at;
}

static void take_plain(struct splitter *s)
{
	char c = s->text[s->at];

	if (c == '\'')
		open_quote(s, QUOTE_SINGLE);
	else if (c == '"')
		open_quote(s, QUOTE_DOUBLE);
	else if (c == '\\')
		open_quote(s, QUOTE_BACKSLASH);
	else
		buf_char(&s->word, c);
}

static void take(struct splitter *s)
{
	char c = s->text[s->at];

	switch (s->quoting) {
	case QUOTE_NONE: take_plain(s); return;
	case QUOTE_DOUBLE: take_double(s); return;
	case QUOTE_SINGLE:
		if (c == '\'')
			s->quoting = QUOTE_NONE;
		else
			buf_char(&s->word, c);
		return;
	case QUOTE_BACKSLASH:
		s->quoting = QUOTE_NONE;
		if (c != '\n')
			buf_char(&s->word, c);
		return;
	}
}

static void skip_blanks(struct splitter *s)
{
	for (;;) {
		if (is_blank(s->text[s->at]))
			s->at++;
		else if (s->text[s->at] == '\\' && s->text[s->at + 1] == '\n')
			s->at += 2;
		else
			return;
	}
}

static void take_word(struct splitter *s)
{
	buf_clear(&s->word);
	while (s->text[s->at] && (s->quoting != QUOTE_NONE || !is_blank(s->text[s->at]))) {
		take(s);
		s->at++;
	}
}

static bool left_open(const struct splitter *s, struct argv_problem *problem)
{
	static const char *const messages[] = {
		[QUOTE_SINGLE] =
			"the ' that begins here is never closed; write \\' for a literal one",
		[QUOTE_DOUBLE] =
			"the \" that begins here is never closed; write \\\" for a literal one",
		[QUOTE_BACKSLASH] = "nothing follows the backslash; write \\\\ for a literal one",
	};

	*problem = (struct argv_problem){s->opened, 1, messages[s->quoting]};
	return false;
}

/* An upper bound: each word but the first follows a blank. */
static size_t most_words(const char *text)
{
	size_t count = 1;

	for (; *text; text++)
		count += is_blank(*text);
	return count;
}

bool argv_split(const char *text, struct arena *arena, struct text_list *words,
		const size_t **offsets, struct argv_problem *problem)
{
	struct splitter s = {.text = text};
	size_t most = most_words(text), count = 0;
	const char **items = arena_array(arena, const char *, most + 1);
	size_t *begins = arena_array(arena, size_t, most + 1);

	for (skip_blanks(&s); text[s.at]; skip_blanks(&s)) {
		begins[count] = s.at;
		take_word(&s);
		items[count++] = arena_copy(arena, buf_string(&s.word), s.word.length);
	}
	buf_finish(&s.word);
	if (s.quoting != QUOTE_NONE)
		return left_open(&s, problem);
	*words = (struct text_list){items, count};
	if (offsets)
		*offsets = begins;
	return true;
}

const char *argv_shell_word(const struct text_list *words)
{
	static const char *const signs[] = {"|", "||", "&&", ";", "&", ">", ">>", "<", "2>&1"};

	for (size_t i = 0; i < words->count; i++)
		for (size_t j = 0; j < sizeof(signs) / sizeof(signs[0]); j++)
			if (strcmp(words->items[i], signs[j]) == 0)
				return signs[j];
	return NULL;
}
