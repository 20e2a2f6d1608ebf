/*
 * path_folders.h - the folders in which a change can alter what a path leads to.
 */
#ifndef BELFRY_PATH_FOLDERS_H
#define BELFRY_PATH_FOLDERS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { PATH_FOLDERS_MAX = 16 };

struct path_folders {
	char items[PATH_FOLDERS_MAX][PATH_MAX];
	size_t count;
};

/* The folder of each link on the way, and that of the file at its end, each once. The
 * way ends early where something is missing: in the folder that misses it. */
void path_folders_find(const char *path, struct path_folders *folders);

#endif
