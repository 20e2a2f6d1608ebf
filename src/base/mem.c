/* mem.c - allocation and arenas; see mem.h. */
#include "mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 256 * 1024 };

struct arena_block {
	struct arena_block *older;
	size_t size, used; /* bytes of data[] */
	alignas(max_align_t) unsigned char data[];
};

void mem_exhausted(void)
{
	static const char text[] = "belfry: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(71);
	_exit(70);
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		mem_exhausted();
	return p;
}

void *mem_resize(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		mem_exhausted();
	return p;
}

char *mem_copy_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		mem_exhausted();
	return copy;
}

const char *mem_own(const char *text)
{
	return text ? mem_copy_text(text) : NULL;
}

void mem_disown(const char *text)
{
	union {
		const char *borrowed;
		char *owned;
	} both = {.borrowed = text};

	free(both.owned);
}

static void add_block(struct arena *arena, size_t at_least)
{
	size_t size = arena->next_size ? arena->next_size : FIRST_BLOCK;

	arena->next_size = size < LARGEST_BLOCK ? size * 2 : size;
	if (size < at_least)
		size = at_least;
	struct arena_block *block = malloc(sizeof(*block) + size);
	if (!block)
		mem_exhausted();
	*block = (struct arena_block){.older = arena->block, .size = size};
	arena->block = block;
}

/* The first bytes are not cleared by malloc, so each piece is cleared as it is
 * handed out: a reset arena must give zeroed memory too. */
static void *take(struct arena *arena, size_t size, size_t align)
{
	struct arena_block *block = arena->block;
	size_t start = block ? (block->used + align - 1) & ~(align - 1) : 0;

	assert(size < SIZE_MAX / 2);
	if (!block || start > block->size || block->size - start < size) {
		add_block(arena, size);
		block = arena->block;
		start = 0;
	}
	block->used = start + size;
	return block->data + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(take(arena, size, alignof(max_align_t)), 0, size);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	char *copy = take(arena, length + 1, 1);

	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
	return arena_copy(arena, text, strlen(text));
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(n >= 0);
	char *text = take(arena, (size_t)n + 1, 1);
	vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *keep = arena->block;

	if (!keep)
		return;
	for (struct arena_block *b = keep->older, *older; b; b = older) {
		older = b->older;
		free(b);
	}
	keep->older = NULL;
	keep->used = 0;
}

void arena_finish(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	free(arena->block);
	*arena = (struct arena){0};
}

size_t arena_size(const struct arena *arena)
{
	size_t size = 0;

	for (const struct arena_block *b = arena->block; b; b = b->older)
		size += sizeof(*b) + b->size;
	return size;
}
