/* beside.c - where belfry-runner is; see beside.h. */
#include "beside.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "str.h"

#define RUNNER_NAME "belfry-runner"

/* The folder this program lies in, links followed. */
static const char *own_folder(struct arena *arena)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	char *slash = strrchr(path, '/');
	return arena_copy(arena, path, (size_t)(slash - path));
}

static const char *in_folder(struct arena *arena, const char *folder, size_t length)
{
	const char *path = arena_format(arena, "%.*s/" RUNNER_NAME, (int)length, folder);

	return access(path, X_OK) == 0 ? path : NULL;
}

const char *beside_find_runner(struct arena *arena, struct err *err)
{
	const char *own = own_folder(arena), *list = getenv("PATH");
	const char *found = own ? in_folder(arena, own, strlen(own)) : NULL;

	while (!found && !str_empty(list)) {
		size_t length = strcspn(list, ":");

		if (length)
			found = in_folder(arena, list, length);
		list += length + (list[length] == ':');
	}
	if (!found)
		err_set(err,
			"no executable " RUNNER_NAME " in %s or in PATH; keep both programs in "
			"one folder",
			own ? own : "this program's folder");
	return found;
}
