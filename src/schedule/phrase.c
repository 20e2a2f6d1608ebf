/* phrase.c - lists of values in English; see phrase.h. */
#include "phrase.h"

#include <string.h>

#include "words.h"

enum { RUN_LEAST = 3, STEPS_LEAST = 7 };

void phrase_number(struct buf *out, int32_t value)
{
	buf_format(out, "%d", value);
}

void phrase_ordinal(struct buf *out, int32_t value)
{
	static const char *const endings[] = {"th", "st", "nd", "rd"};
	bool teens = value % 100 >= 11 && value % 100 <= 13;

	buf_format(out, "%d%s", value, endings[teens || value % 10 > 3 ? 0 : value % 10]);
}

void phrase_weekday(struct buf *out, int32_t value)
{
	buf_text(out, word_weekdays[value % 7]);
}

void phrase_month(struct buf *out, int32_t value)
{
	buf_text(out, word_months[value]);
}

void phrase_hour(struct buf *out, int32_t value)
{
	buf_format(out, "%02d:00", value);
}

/* Puts text in front of what was written from `at` on. */
static void insert(struct buf *out, size_t at, const char *text)
{
	size_t length = strlen(text), moved = out->length - at;

	buf_text(out, text);
	memmove(out->data + at + length, out->data + at, moved);
	memcpy(out->data + at, text, length);
}

/* The comma before a piece is known only when the next one comes. */
void phrase_next(struct phrase_list *list)
{
	if (list->count > 1)
		insert(list->out, list->pending, ", ");
	list->pending = list->out->length;
	list->count++;
}

void phrase_end(struct phrase_list *list)
{
	if (list->count < 2)
		return;
	insert(list->out, list->pending, " ");
	insert(list->out, list->pending, list->last_word);
	insert(list->out, list->pending, " ");
}

static bool has(const uint64_t *set, int32_t words, int32_t bit)
{
	return bit < words * 64 && (set[bit / 64] >> bit % 64 & 1);
}

static int32_t following(const uint64_t *set, int32_t words, int32_t bit)
{
	for (bit++; bit < words * 64; bit++)
		if (has(set, words, bit))
			return bit;
	return -1;
}

/* The distance of all values of the set, 0 where it is not one. */
static int32_t common_step(const uint64_t *set, int32_t words, int32_t *first, int32_t *last)
{
	int32_t step = 0, count = 0, before = -1;

	*first = *last = -1;
	for (int32_t bit = following(set, words, -1); bit >= 0; bit = following(set, words, bit)) {
		if (before >= 0 && step && bit - before != step)
			return 0;
		if (before >= 0)
			step = bit - before;
		else
			*first = bit;
		*last = before = bit;
		count++;
	}
	return count >= STEPS_LEAST && step > 1 ? step : 0;
}

static void range(struct phrase_list *list, int32_t first, int32_t last, const char *article,
		  phrase_value_fn *value)
{
	phrase_next(list);
	buf_text(list->out, article);
	value(list->out, first);
	if (last == first)
		return;
	buf_text(list->out, " to ");
	value(list->out, last);
}

void phrase_set(struct phrase_list *list, const uint64_t *set, int32_t words, int32_t base,
		const char *article, phrase_value_fn *value)
{
	int32_t first, last, step = common_step(set, words, &first, &last);

	if (step) {
		range(list, first + base, last + base, article, value);
		buf_format(list->out, " in steps of %d", step);
		return;
	}
	for (int32_t bit = following(set, words, -1); bit >= 0;) {
		int32_t end = bit;

		while (has(set, words, end + 1))
			end++;
		if (end - bit + 1 < RUN_LEAST)
			end = bit;
		range(list, bit + base, end + base, article, value);
		bit = following(set, words, end);
	}
}

int32_t phrase_even_step(uint64_t set, int32_t size)
{
	if (!(set & 1) || !(set & (set - 1)))
		return 0;
	int32_t step = __builtin_ctzll(set & ~UINT64_C(1));
	uint64_t even = 0;

	for (int32_t n = 0; n < size; n += step)
		even |= UINT64_C(1) << n;
	return size % step == 0 && set == even ? step : 0;
}
