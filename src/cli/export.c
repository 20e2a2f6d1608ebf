/* export.c - `belfry export`: the file in force, in its canonical form. */
#include <string.h>

#include "client.h"
#include "say.h"
#include "verbs.h"

static bool add(void *context, const char *data, size_t length)
{
	buf_add(context, data, length);
	return true;
}

static int run(const struct args *args)
{
	struct buf out = {0};
	struct err err;
	int status;

	if (client_stream(args, "/api/v1/export", add, &out, &status, &err))
		return say_print(args, &out);
	buf_finish(&out);
	return say_failed(args, &err);
}

const struct command command_export = {
	.name = "export",
	.operands = "",
	.summary = "the schedules.json in force, in its canonical form",
	.description =
		"Keys in the order of `belfry keys`, ${NAME} as it is written; the same file "
		"is always\n"
		"the same bytes, and `belfry export | belfry plan -` has no changes.",
	.examples = "  belfry export > schedules.json",
	.asks_server = true,
	.run = run,
};
