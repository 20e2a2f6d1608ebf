/* value_word.c - words of a set, one or a list of them; see value.h. */
#include "value.h"

#include <assert.h>
#include <string.h>

#include "str.h"

static size_t count_words(const char *const *words)
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

/* The index of the string next; -1 with a finding that offers the nearest. */
int value_read_index(struct slot *s)
{
	char piece[SHOWN_MAX];
	const char *const *words = s->row->words;

	json_peek(&s->l->json);
	s->at = s->l->json.at;
	const char *word = value_text(s->l, false, NULL);
	if (!word)
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	const char *near = report_has_room(&s->l->report)
				   ? str_nearest(word, words, count_words(words))
				   : NULL;
	shown(word, strlen(word), piece);
	if (near)
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "unknown word \"%s\"; did you mean \"%s\"?", piece, near);
	else
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "unknown word \"%s\"; it takes %s%s", piece,
			    value_article(s->row->type), s->row->type);
	return -1;
}

void value_read_word(struct slot *s)
{
	int index = value_read_index(s);

	if (index >= 0)
		value_keep_number(s, index);
}

void value_read_outcomes(struct slot *s)
{
	unsigned bits = 0;
	enum outcome outcome = OUTCOME_NONE;

	json_open(&s->l->json);
	while (json_next_item(&s->l->json)) {
		int index =
			value_item_is(s, 1u << JSON_STRING, "a text") ? value_read_index(s) : -1;

		if (index < 0)
			continue;
		bool is_outcome = outcome_from_word(s->row->words[index], &outcome);
		assert(is_outcome);
		bits |= 1u << outcome;
	}
	memcpy(value_target(s), &bits, sizeof(bits));
}
