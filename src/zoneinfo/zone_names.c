/* zone_names.c - the list of zone names; see zone_names.h. */
#include "zone_names.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "str.h"
#include "zone.h"

enum { DEPTH_MAX = 4, NAMES_MAX = 5000 };

static void add(struct zone_names *names, struct arena *arena, const char *name)
{
	if (names->count == NAMES_MAX || !zone_name_is_plausible(name))
		return;
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 256;
		const char **more = arena_array(arena, const char *, capacity);

		if (names->count)
			memcpy(more, names->names, names->count * sizeof(*more));
		names->names = more;
		names->capacity = capacity;
	}
	names->names[names->count++] = arena_text(arena, name);
}

/* The n-th word of a line, from 0; cuts the line. NULL where it has fewer. */
static char *word_of(char *line, int n, const char *separators)
{
	char *rest = NULL, *word = strtok_r(line, separators, &rest);

	while (word && n-- > 0)
		word = strtok_r(NULL, separators, &rest);
	return word;
}

/* "Z Europe/Paris …" starts a zone, "L Europe/Paris Europe/Monaco" is a link. */
static void add_zi_line(struct zone_names *names, struct arena *arena, char *line)
{
	char *name = NULL;

	if (line[0] == 'Z' && line[1] == ' ')
		name = word_of(line, 1, " \n");
	else if (line[0] == 'L' && line[1] == ' ')
		name = word_of(line, 2, " \n");
	if (name)
		add(names, arena, name);
}

static void add_tab_line(struct zone_names *names, struct arena *arena, char *line)
{
	char *name = line[0] == '#' ? NULL : word_of(line, 2, "\t\n");

	if (name)
		add(names, arena, name);
}

typedef void line_fn(struct zone_names *names, struct arena *arena, char *line);

static bool read_list(struct zone_names *names, struct arena *arena, const char *directory,
		      const char *file, line_fn *add_line)
{
	FILE *stream = fopen(arena_format(arena, "%s/%s", directory, file), "re");
	char *line = NULL;
	size_t capacity = 0;

	if (!stream)
		return false;
	while (getline(&line, &capacity, stream) >= 0)
		add_line(names, arena, line);
	free(line);
	fclose(stream);
	return names->count > 0;
}

static void walk(struct zone_names *names, struct arena *arena, const char *directory,
		 const char *prefix, int depth)
{
	DIR *dir = opendir(arena_format(arena, "%s/%s", directory, prefix));

	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		const char *name = arena_format(arena, "%s%s", prefix, e->d_name);

		if (e->d_name[0] == '.' || !zone_name_is_plausible(name))
			continue;
		if (e->d_type == DT_DIR && depth < DEPTH_MAX)
			walk(names, arena, directory, arena_format(arena, "%s/", name), depth + 1);
		else if (e->d_type != DT_DIR)
			add(names, arena, name);
	}
	closedir(dir);
}

void zone_names_read(struct zone_names *names, struct arena *arena, const char *directory)
{
	if (!read_list(names, arena, directory, "tzdata.zi", add_zi_line) &&
	    !read_list(names, arena, directory, "zone1970.tab", add_tab_line) &&
	    !read_list(names, arena, directory, "zone.tab", add_tab_line))
		walk(names, arena, directory, "", 0);
}

/* "Paris" for "Europe/Paris": what people write who forget the continent. */
static const char *by_city(const struct zone_names *names, const char *word)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *city = strrchr(names->names[i], '/');

		if (city && strcasecmp(city + 1, word) == 0)
			return names->names[i];
	}
	return NULL;
}

const char *zone_names_nearest(const struct zone_names *names, const char *word)
{
	char tidy[64];
	size_t length = strlen(word);

	if (length >= sizeof(tidy))
		return NULL;
	memcpy(tidy, word, length + 1);
	for (char *at = tidy; *at; at++)
		if (isspace((unsigned char)*at))
			*at = '_';
	for (size_t i = 0; i < names->count; i++)
		if (strcasecmp(names->names[i], tidy) == 0)
			return names->names[i];
	const char *city = by_city(names, tidy);
	return city ? city : str_nearest(tidy, names->names, names->count);
}
