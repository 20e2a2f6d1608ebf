/* value.h - what the readers of one value share; for value*.c only. */
#ifndef BELFRY_VALUE_H
#define BELFRY_VALUE_H

#include "loader.h"

/* The value being read: where it begins, and where it goes. */
struct slot {
	struct loader *l;
	struct draft *d;
	const struct key_row *row;
	size_t at;
};

/* value.c: the row's member of the draft. */
void *value_target(const struct slot *s);
/* "… is not right here; it is …". Always false. */
bool value_wrong(const struct slot *s, const char *wanted);
/* What goes before a row's type in a sentence: "a ", "an " or nothing. */
const char *value_article(const char *type);

/* value_text.c: a string by the row's rules, ready to be kept; NULL with a finding. */
const char *value_checked_text(struct slot *s);

/* value_number.c */
bool value_whole_number(const struct loader *l, struct json_piece piece, int64_t *number);
/* In the row's range; else told. */
bool value_read_whole(struct slot *s, int64_t *number);
void value_keep_number(const struct slot *s, int64_t number);

/* value_word.c: the index of the string next; -1 with a finding that offers the nearest. */
int value_read_index(struct slot *s);

/* value_list.c: whether the item that comes next is of the kind; else it is told and
 * passed. */
bool value_item_is(struct slot *s, unsigned kinds, const char *wanted);

/* One for each kind of value that is read at once. */
typedef void value_read_fn(struct slot *s);
value_read_fn value_read_text, value_read_zone;
value_read_fn value_read_integer, value_read_duration, value_read_size, value_read_umask;
value_read_fn value_read_fraction, value_read_status;
value_read_fn value_read_word, value_read_outcomes;
value_read_fn value_read_texts, value_read_integers, value_read_calendar;
value_read_fn value_read_map;

#endif
