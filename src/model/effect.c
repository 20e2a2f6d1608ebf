/* effect.c - the list of effects of a turn; see effect.h. */
#include "effect.h"

#include <string.h>

struct effect *effects_add(struct effects *effects, enum effect_kind kind)
{
	if (effects->count == effects->capacity) {
		size_t capacity = effects->capacity ? effects->capacity * 2 : 16;
		struct effect *items = arena_array(effects->arena, struct effect, capacity);

		if (effects->count)
			memcpy(items, effects->items, effects->count * sizeof(*items));
		effects->items = items;
		effects->capacity = capacity;
	}
	struct effect *effect = &effects->items[effects->count++];
	*effect = (struct effect){.kind = kind};
	return effect;
}
