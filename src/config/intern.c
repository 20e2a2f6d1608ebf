/* intern.c - one copy of equal texts; see intern.h. */
#include "intern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

enum { LONGEST = 256, FIRST_CAPACITY = 256 };

static const char **slot_of(const struct intern *intern, const char *text, size_t length)
{
	size_t mask = intern->capacity - 1;
	size_t i = (size_t)(str_hash(STR_HASH_INIT, text, length) * UINT64_C(0x9e3779b97f4a7c15) >>
			    20) &
		   mask;

	while (intern->slots[i] && strcmp(intern->slots[i], text) != 0)
		i = (i + 1) & mask;
	return &intern->slots[i];
}

static void grow(struct intern *intern)
{
	struct intern old = *intern;

	intern->capacity = old.capacity ? old.capacity * 2 : FIRST_CAPACITY;
	intern->slots = mem_alloc(intern->capacity * sizeof(*intern->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i])
			*slot_of(intern, old.slots[i], strlen(old.slots[i])) = old.slots[i];
	free(old.slots);
}

const char *intern_text(struct intern *intern, struct arena *arena, const char *text)
{
	size_t length = strlen(text);

	if (length > LONGEST)
		return arena_copy(arena, text, length);
	if (intern->count * 2 >= intern->capacity)
		grow(intern);
	const char **slot = slot_of(intern, text, length);
	if (!*slot) {
		*slot = arena_copy(arena, text, length);
		intern->count++;
	}
	return *slot;
}

void intern_finish(struct intern *intern)
{
	free(intern->slots);
	*intern = (struct intern){0};
}
