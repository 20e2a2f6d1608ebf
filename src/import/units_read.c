/* units_read.c - the units of a folder, from disk; see units_read.h. */
#include "units_read.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"

enum { FILES_MAX = 5000 };

struct collector {
	struct arena *arena;
	struct import_source *items;
	size_t count;
};

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length > tail && strcmp(text + length - tail, end) == 0;
}

static bool is_kind(const char *path, mode_t kind)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static bool add_file(struct collector *c, const char *path, struct err *err)
{
	char *text;
	size_t length;

	if (!is_kind(path, S_IFREG))
		return true;
	if (c->count == FILES_MAX)
		return err_set(err, "more than %d units; import them in parts", FILES_MAX);
	if (!config_read(path, &text, &length, err))
		return false;
	c->items[c->count++] = (struct import_source){arena_text(c->arena, path),
						      arena_copy(c->arena, text, length), length};
	free(text);
	return true;
}

static bool add_entry(struct collector *c, const char *folder, const char *name, bool in_drop_in,
		      struct err *err);

static bool add_folder(struct collector *c, const char *folder, bool in_drop_in, struct err *err)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);
	bool ok = true;

	if (count < 0)
		return err_errno(err, errno, "cannot read the folder %s", folder);
	for (int i = 0; i < count; i++) {
		if (ok && *names[i]->d_name != '.')
			ok = add_entry(c, folder, names[i]->d_name, in_drop_in, err);
		free(names[i]);
	}
	free(names);
	return ok;
}

static bool add_entry(struct collector *c, const char *folder, const char *name, bool in_drop_in,
		      struct err *err)
{
	const char *path = arena_format(c->arena, "%s/%s", folder, name);

	if (in_drop_in)
		return !ends_in(name, ".conf") || add_file(c, path, err);
	if (ends_in(name, ".timer") || ends_in(name, ".service"))
		return add_file(c, path, err);
	if ((ends_in(name, ".timer.d") || ends_in(name, ".service.d")) && is_kind(path, S_IFDIR))
		return add_folder(c, path, true, err);
	return true;
}

bool units_read(const char *folder, struct arena *arena, struct import_source **sources,
		size_t *count, struct err *err)
{
	size_t length = strlen(folder);
	struct collector c = {.arena = arena};

	while (length > 1 && folder[length - 1] == '/')
		length--;
	c.items = arena_array(arena, struct import_source, FILES_MAX);
	bool ok = add_folder(&c, arena_copy(arena, folder, length), false, err);
	*sources = c.items;
	*count = c.count;
	return ok;
}
