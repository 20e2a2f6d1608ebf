/* plan.c - `belfry plan`: what a schedules.json would change on the server. */
#include <string.h>

#include "client.h"
#include "deploying.h"
#include "jobs_file.h"
#include "say.h"
#include "verbs.h"

static const char *const formats[] = {"text", "markdown", "json", NULL};

static const char *format_of(const struct args *args)
{
	const char *format = args_value(args, "format");

	if (args_has(args, "json"))
		return "json";
	return format ? format : "text";
}

static int show(const struct args *args, json_t *plan, const char *format)
{
	bool has_changes = deploying_has_changes(plan);
	int code = strcmp(format, "json") == 0 ? say_json(args, json_incref(plan))
					       : deploying_show(args, plan);

	if (code == CLI_OK && has_changes && args_has(args, "detailed-exitcode"))
		return CLI_CHANGES;
	return code;
}

static int run(const struct args *args)
{
	const char *path = args_operand(args, 0), *format = format_of(args);
	struct deploying file;
	struct buf target = {0};
	int code = deploying_read(&file, args, path ? path : JOBS_FILE_DEFAULT);
	bool wants_detail = args_has(args, "detailed-exitcode");

	if (code == CLI_OK) {
		bool is_json = strcmp(format, "json") == 0;
		buf_format(&target, "/api/v1/plan?format=%s%s", is_json ? "" : "json_", format);
		json_t *plan = deploying_ask(args, &file, buf_string(&target), &code);
		if (plan)
			code = show(args, plan, format);
		json_decref(plan);
	}
	buf_finish(&target);
	deploying_finish(&file);
	return wants_detail && code == CLI_FAILED ? CLI_USAGE : code;
}

static const struct option_row options[] = {
	{.name = "format",
	 .value = "FORMAT",
	 .summary = "text, markdown (for a pull request) or json (text)",
	 .complete = COMPLETE_WORDS,
	 .words = formats},
	{.name = "detailed-exitcode", .summary = "exit 0: no changes, 2: error, 3: changes"},
	{0},
};

const struct command command_plan = {
	.name = "plan",
	.operands = "[FILE]",
	.operands_max = 1,
	.complete = COMPLETE_FILE,
	.summary = "what a schedules.json would change on the server",
	.description =
		"Shows for each job of FILE (schedules.json; \"-\" is standard input) what "
		"applying "
		"it\n"
		"would do: key by key, with the next five fires before and after, and what is "
		"running\n"
		"or due within the hour. Changes nothing. The server reads ${NAME} from its own\n"
		"environment; such values are (hidden).",
	.examples = "  belfry plan\n"
		    "  belfry plan --format markdown > comment.md\n"
		    "  belfry plan --detailed-exitcode deploy/schedules.json",
	.options = options,
	.asks_server = true,
	.run = run,
};
