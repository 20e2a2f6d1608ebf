/* json_path.h - the way from the root of a JSON text to a value: jobs[3].retry. */
#ifndef BELFRY_JSON_PATH_H
#define BELFRY_JSON_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum { JSON_PATH_MAX = 80 };

/* One open object or array and where in it the reading is. */
struct json_step {
	bool is_array;
	size_t opened_at;  /* its bracket */
	size_t count;      /* members or items begun */
	size_t key;        /* of the member being read, between its quotes */
	size_t key_length; /* as written */
	size_t seen_from;  /* its first key among the reader's seen ones */
};

struct json_path {
	struct json_step steps[JSON_PATH_MAX];
	unsigned depth;
};

/* "jobs[3].retry.attempts"; keys that are no plain names are quoted. */
void json_path_write(const struct json_path *path, const char *text, struct buf *out);

#endif
