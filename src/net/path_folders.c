/* path_folders.c - a path, walked link by link; see path_folders.h. */
#include "path_folders.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as the kernel */

struct walk {
	char done[PATH_MAX]; /* without links; "" is the root */
	char rest[PATH_MAX];
	size_t at; /* in rest: what is before it has been walked */
};

static const char *left_of(const struct walk *walk)
{
	return walk->rest + walk->at + strspn(walk->rest + walk->at, "/");
}

static void add(struct path_folders *folders, const char *done)
{
	const char *folder = *done ? done : "/";

	for (size_t i = 0; i < folders->count; i++)
		if (strcmp(folders->items[i], folder) == 0)
			return;
	if (folders->count < PATH_FOLDERS_MAX)
		snprintf(folders->items[folders->count++], PATH_MAX, "%s", folder);
}

static bool join(char out[PATH_MAX], const char *left, const char *right)
{
	return (size_t)snprintf(out, PATH_MAX, "%s/%s", left, right) < PATH_MAX;
}

/* The next name of the rest; false at the end. */
static bool take_name(struct walk *walk, char name[PATH_MAX])
{
	const char *from = left_of(walk);
	size_t length = strcspn(from, "/");

	memcpy(name, from, length);
	name[length] = '\0';
	walk->at = (size_t)(from - walk->rest) + length;
	return length > 0;
}

/* The link's text takes the place of its name. */
static bool follow(struct walk *walk, const char *text)
{
	char rest[PATH_MAX];

	if (!join(rest, text, walk->rest + walk->at))
		return false;
	memcpy(walk->rest, rest, sizeof(rest));
	walk->at = 0;
	if (*text == '/')
		walk->done[0] = '\0';
	return true;
}

/* One name on; false where the way ends. */
static bool step(struct walk *walk, struct path_folders *folders, int *links)
{
	char name[PATH_MAX], next[PATH_MAX], text[PATH_MAX];

	if (!take_name(walk, name))
		return false;
	if (!join(next, walk->done, name))
		return false;
	ssize_t length = readlink(next, text, sizeof(text) - 1);
	bool is_last = *left_of(walk) == '\0';
	if (length >= 0 || is_last || access(next, F_OK) != 0)
		add(folders, walk->done);
	if (length < 0) {
		memcpy(walk->done, next, sizeof(next));
		return !is_last;
	}
	text[length] = '\0';
	return ++*links <= LINKS_MAX && follow(walk, text);
}

void path_folders_find(const char *path, struct path_folders *folders)
{
	struct walk walk = {.done = "", .rest = ""};
	char here[PATH_MAX];
	int links = 0;

	folders->count = 0;
	if (*path == '/')
		snprintf(walk.rest, sizeof(walk.rest), "%s", path);
	else if (!getcwd(here, sizeof(here)) || !join(walk.rest, here, path))
		return;
	while (step(&walk, folders, &links))
		continue;
}
