/* intern.c - one copy of equal texts; see intern.h. */
#include "intern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

enum { FIRST_CAPACITY = 256 };

/* Of the text, or where it would stand. Texts that differ are told by the slot alone. */
static struct intern_slot *slot_of(const struct intern *intern, const char *text,
				   struct intern_slot wanted)
{
	size_t mask = intern->capacity - 1;
	size_t i = wanted.hash & mask;

	for (;; i = (i + 1) & mask) {
		struct intern_slot *slot = &intern->slots[i];

		if (!slot->text || (slot->hash == wanted.hash && slot->length == wanted.length &&
				    memcmp(slot->text, text, wanted.length) == 0))
			return slot;
	}
}

static void grow(struct intern *intern)
{
	struct intern old = *intern;

	intern->capacity = old.capacity ? old.capacity * 2 : FIRST_CAPACITY;
	intern->slots = mem_alloc(intern->capacity * sizeof(*intern->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].text)
			*slot_of(intern, old.slots[i].text, old.slots[i]) = old.slots[i];
	free(old.slots);
}

const char *intern_text(struct intern *intern, struct arena *arena, const char *text)
{
	size_t length = strlen(text);

	if (length > INTERN_LONGEST)
		return arena_copy(arena, text, length);
	if (intern->count * 2 >= intern->capacity)
		grow(intern);
	struct intern_slot wanted = {.hash = (uint32_t)str_quick_hash(STR_HASH_INIT, text, length),
				     .length = (uint32_t)length};
	struct intern_slot *slot = slot_of(intern, text, wanted);
	if (!slot->text) {
		wanted.text = arena_copy(arena, text, length);
		*slot = wanted;
		intern->count++;
	}
	return slot->text;
}

void intern_finish(struct intern *intern)
{
	free(intern->slots);
	*intern = (struct intern){0};
}
