/* offer.c - what to write instead; see offer.h. */
#include "offer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int add_value(char *text, size_t size, const struct field_kind *kind, int32_t n, bool names)
{
	if (names && kind->names)
		return snprintf(text, size, "%s",
				kind->names[(n - kind->least_name) % kind->name_count]);
	return snprintf(text, size, "%d", n);
}

static void add_range(char text[OFFER_MAX], const struct field_kind *kind, int32_t from, int32_t to,
		      int32_t step, bool names)
{
	size_t n = strlen(text);

	if (n)
		n += (size_t)snprintf(text + n, OFFER_MAX - n, ",");
	n += (size_t)add_value(text + n, OFFER_MAX - n, kind, from, names);
	if (from == to || from + step > to)
		return;
	n += (size_t)snprintf(text + n, OFFER_MAX - n, "-");
	n += (size_t)add_value(text + n, OFFER_MAX - n, kind, to, names);
	if (step > 1)
		snprintf(text + n, OFFER_MAX - n, "/%d", step);
}

void offer_range(enum field field, int32_t from, int32_t to, int32_t step, bool names,
		 char text[OFFER_MAX])
{
	const struct field_kind *kind = field_kind(field);
	/* The week turns over after Sunday, written 7, and goes on with Monday. */
	int32_t first = field == FIELD_WEEKDAY ? 1 : kind->least;

	text[0] = '\0';
	if (field == FIELD_YEAR) {
		add_range(text, kind, to, from, step, false);
		return;
	}
	if (field == FIELD_WEEKDAY && from == 7) {
		add_range(text, kind, 0, to, step, names);
		return;
	}
	add_range(text, kind, from, kind->most, step, names);
	int32_t steps = (kind->most - from) / step + 1;
	int32_t again = from + steps * step - kind->most - 1 + first;
	if (again <= to)
		add_range(text, kind, again, to, step, names);
}

/* "Monday", "Sept", "MO": a longer or shorter form of a name. */
static const char *short_name(const struct field_kind *kind, const char *word, size_t length)
{
	for (int32_t i = 0; i < kind->name_count && length >= 2; i++)
		if (strncasecmp(kind->names[i], word, length < 3 ? length : 3) == 0)
			return kind->names[i];
	return NULL;
}

static const char *offer_other_field(enum field field, const char *word, size_t length,
				     char text[OFFER_MAX])
{
	static const enum field named[] = {FIELD_MONTH, FIELD_WEEKDAY};

	for (size_t i = 0; i < 2; i++) {
		const struct field_kind *kind = field_kind(named[i]);
		const char *name = short_name(kind, word, length);

		if (named[i] == field || !name || length < 3)
			continue;
		snprintf(text, OFFER_MAX, "%s belongs in the %s field", name, kind->word);
		return text;
	}
	return field_kind(field)->like;
}

const char *offer_name(enum field field, const char *word, size_t length, char text[OFFER_MAX])
{
	const char *name = short_name(field_kind(field), word, length);

	if (!name)
		return offer_other_field(field, word, length, text);
	/* "FRIL": Quartz writes 6L; with a name it is FRI#L. */
	bool is_last = field == FIELD_WEEKDAY && length == 4 && (word[3] & ~0x20) == 'L';
	snprintf(text, OFFER_MAX, "write %s%s", name, is_last ? "#L" : "");
	return text;
}

const char *offer_for_number(enum field field, int32_t n)
{
	switch (field) {
	case FIELD_SECOND:
	case FIELD_MINUTE: return n == 60 ? " (the full minute or hour is 0)" : "";
	case FIELD_HOUR: return n == 24 ? " (midnight is 0)" : "";
	case FIELD_WEEKDAY:
		return n >= FIRST_YEAR && n <= LAST_YEAR ? "; a year needs 7 fields: second first"
							 : " (0 and 7 are Sunday)";
	case FIELD_YEAR: return n < 100 ? " (write all four digits)" : "";
	case FIELD_MONTH_DAY: return n > 31 ? " (L is the last day)" : "";
	case FIELD_MONTH: break;
	}
	return "";
}
