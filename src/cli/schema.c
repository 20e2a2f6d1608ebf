/*
 * schema.c - `belfry schema`: the JSON Schema of schedules.json, for editors.
 */
#include "config.h"
#include "say.h"
#include "verbs.h"

static int run(const struct args *args)
{
	struct buf out = {0};

	config_write_schema(&out);
	if (out.length && out.data[out.length - 1] != '\n')
		buf_char(&out, '\n');
	return say_print(args, &out);
}

const struct command command_schema = {
	.name = "schema",
	.operands = "",
	.summary = "the JSON Schema of schedules.json, for editors",
	.description = "JSON Schema 2020-12, from the same table that belfry's own parser follows.",
	.examples = "  belfry schema > schedules.schema.json\n"
		    "  (and in schedules.json: \"$schema\": \"./schedules.schema.json\")",
	.run = run,
};
