/* zone_folders.c - which folders a zone's file depends on; see zone_folders.h. */
#include "zone_folders.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add(struct zone_folders *folders, struct arena *arena, const char *path)
{
	for (size_t i = 0; i < folders->count; i++)
		if (strcmp(folders->paths[i], path) == 0)
			return;
	if (folders->count == folders->capacity) {
		size_t capacity = folders->capacity ? folders->capacity * 2 : 16;
		const char **more = arena_array(arena, const char *, capacity);

		if (folders->count)
			memcpy(more, folders->paths, folders->count * sizeof(*more));
		folders->paths = more;
		folders->capacity = capacity;
	}
	folders->paths[folders->count++] = arena_text(arena, path);
}

/* The folder that holds what the path names. */
static void add_holder(struct zone_folders *folders, struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		add(folders, arena, ".");
	else
		add(folders, arena,
		    slash == path ? "/" : arena_copy(arena, path, (size_t)(slash - path)));
}

static void add_target(struct zone_folders *folders, struct arena *arena, const char *path)
{
	char *target = realpath(path, NULL);

	if (target)
		add_holder(folders, arena, target);
	free(target);
}

void zone_folders_add(struct zone_folders *folders, struct arena *arena, const char *directory,
		      const char *name)
{
	char *path = arena_format(arena, "%s/%s", directory, name);
	size_t inside = strlen(directory) + 1;
	bool has_link = false, is_end = false;

	/* Each beginning of the path that ends with a name, the whole of it last. */
	for (char *at = path + strspn(path, "/"); !is_end; at += strspn(at, "/")) {
		at += strcspn(at, "/");
		char stop = *at;
		struct stat st;

		*at = '\0';
		bool is_there = lstat(path, &st) == 0;
		bool is_link = is_there && S_ISLNK(st.st_mode);
		if (!is_there || is_link || (size_t)(at - path) > inside)
			add_holder(folders, arena, path);
		has_link |= is_link;
		is_end = !is_there || !stop;
		*at = stop;
	}
	if (has_link)
		add_target(folders, arena, path);
}
