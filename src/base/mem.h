/*
 * mem.h - allocation that cannot fail softly.
 *
 * Out of memory ends the process with one line on standard error: everything
 * that matters is in the store before it is done, so a restart is the safe way
 * on, and no code path has to be written for a state nobody can test.
 */
#ifndef BELFRY_MEM_H
#define BELFRY_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size) /* zeroed; the caller frees with free() */
	__attribute__((malloc, alloc_size(1), returns_nonnull, warn_unused_result));
void *mem_resize(void *old, size_t size)
	__attribute__((alloc_size(2), returns_nonnull, warn_unused_result));
char *mem_copy_text(const char *text) __attribute__((malloc, returns_nonnull, warn_unused_result));

/* A text of one's own in a struct that has it const for everybody else; NULL for NULL.
 * Given back with mem_disown(). */
const char *mem_own(const char *text) __attribute__((warn_unused_result));
void mem_disown(const char *text);

/* For what allocates by itself (SQLite) and says that it could not. */
void mem_exhausted(void) __attribute__((noreturn));

/* An arena: memory that dies together. Three lifetimes use it: the process, a
 * config generation, a turn of the loop. A zeroed arena is ready for use. */
struct arena {
	struct arena_block *block; /* the one being filled; older ones behind it */
	size_t next_size;          /* of the next block, in bytes */
};

/* Zeroed, aligned for any object. */
void *arena_alloc(struct arena *arena, size_t size)
	__attribute__((malloc, alloc_size(2), returns_nonnull));
char *arena_copy(struct arena *arena, const char *text, size_t length) /* NUL-terminated */
	__attribute__((returns_nonnull));
char *arena_text(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

#define arena_new(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

/* Forgets everything but keeps one block, for a turn's next use. */
void arena_reset(struct arena *arena);
void arena_finish(struct arena *arena);
/* Bytes held from the system, for memory accounting. */
size_t arena_size(const struct arena *arena);

#endif
