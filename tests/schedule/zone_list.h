/* zone_list.h - the names of all zones of the system, for tests: tzdata.zi's. */
#ifndef ZONE_LIST_H
#define ZONE_LIST_H

#include <stddef.h>

struct zone_list {
	char **names;
	size_t count;
};

/* Fails the program where there is no tzdata. */
void zone_list_read(struct zone_list *list, const char *directory);
void zone_list_finish(struct zone_list *list);

#endif
