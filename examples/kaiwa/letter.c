/* letter.c - a growing list of letters; see letter.h. */
#include "letter.h"

#include <stdlib.h>

void letters_add(struct letters *letters, struct letter letter)
{
	if (letters->count == letters->capacity) {
		letters->capacity = letters->capacity == 0 ? 64 : letters->capacity * 2;
		letters->items = reallocarray(letters->items, letters->capacity, sizeof(letter));
		if (letters->items == NULL)
			abort();
	}
	letters->items[letters->count++] = letter;
}

void letters_finish(struct letters *letters)
{
	for (size_t i = 0; i < letters->count; i++) {
		struct letter *letter = &letters->items[i];
		free(letter->person);
		free(letter->key);
		free(letter->from);
		free(letter->to);
		free(letter->subject);
		free(letter->body);
	}
	free(letters->items);
	*letters = (struct letters){0};
}
