/* environment.c - ${NAME} taken from the environment; see environment.h. */
#include "environment.h"

#include <stdio.h>
#include <string.h>

#include "report.h"

enum { NAME_MAX_LENGTH = 128 };

static bool is_name_char(char c, bool is_first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!is_first && c >= '0' && c <= '9');
}

bool environment_is_named(const char *text)
{
	return strstr(text, "${") != NULL;
}

static size_t name_length(const char *name)
{
	size_t n = 0;

	while (is_name_char(name[n], n == 0))
		n++;
	return n;
}

struct expansion {
	const char *text;
	const struct config_world *world;
	struct buf *out;
	environment_fault_fn *fault;
	void *context;
};

/* The reference at text[at], which begins with ${; *taken is its length. */
static bool expand_one(const struct expansion *e, size_t at, size_t *taken)
{
	const char *name = e->text + at + 2;
	char copy[NAME_MAX_LENGTH + 1], message[256];
	size_t length = name_length(name);

	if (!length || name[length] != '}' || length > NAME_MAX_LENGTH) {
		const char *end = strchr(name, '}');
		*taken = end ? (size_t)(end - e->text) + 1 - at : 2;
		e->fault(e->context, at, *taken,
			 "${ begins the name of an environment variable, as in ${NAME}; write $${ "
			 "for a literal ${");
		return false;
	}
	*taken = length + 3;
	memcpy(copy, name, length);
	copy[length] = '\0';
	const char *value =
		e->world->environment ? e->world->environment(e->world->context, copy) : NULL;
	if (value) {
		buf_text(e->out, value);
		return true;
	}
	snprintf(message, sizeof(message),
		 "the environment has no %.128s; set it for belfry, or write $${%.40s} for the "
		 "text itself",
		 copy, copy);
	e->fault(e->context, at, *taken, message);
	return false;
}

bool environment_expand(const char *text, const struct config_world *world, struct buf *out,
			bool *is_secret, environment_fault_fn *fault, void *context)
{
	struct expansion e = {text, world, out, fault, context};
	bool ok = true;
	size_t at = 0;

	buf_add(out, "", 0);
	while (text[at]) {
		size_t taken = 1;

		if (strncmp(text + at, "$${", 3) == 0) {
			buf_text(out, "${");
			taken = 3;
		} else if (strncmp(text + at, "${", 2) == 0) {
			ok &= expand_one(&e, at, &taken);
			*is_secret = true;
		} else {
			buf_char(out, text[at]);
		}
		at += taken;
	}
	return ok;
}
