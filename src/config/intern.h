/* intern.h - equal texts of a generation are kept once. */
#ifndef BELFRY_INTERN_H
#define BELFRY_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "mem.h"

/* Longer texts are copied each time: prose is seldom the same twice. */
enum { INTERN_LONGEST = 48 };

struct intern_slot {
	const char *text; /* NULL: free */
	uint32_t hash, length;
};

struct intern {
	struct intern_slot *slots; /* open addressing */
	size_t count, capacity;
};

/* The text in the arena, shared with equal ones; long texts are only copied. */
const char *intern_text(struct intern *intern, struct arena *arena, const char *text);
void intern_finish(struct intern *intern);

#endif
