/* cancel.c - `belfry cancel`: ends a run on the server. */
#include "client.h"
#include "http_target.h"
#include "say.h"
#include "terminal.h"
#include "verbs.h"

static int run(const struct args *args)
{
	struct buf target = {0}, out = {0};
	struct err err;

	buf_text(&target, "/api/v1/runs/");
	http_escape(&target, args_operand(args, 0));
	buf_text(&target, "/cancel");
	json_t *answer = client_post(args, buf_string(&target), NULL, &err);
	buf_finish(&target);
	if (!answer)
		return say_failed(args, &err);
	if (args_has(args, "json"))
		return say_json(args, answer);
	terminal_add(&out, OUTPUT_STDOUT, STYLE_PLAIN, client_text(answer, "job"));
	buf_format(&out, ": run %s is asked to end\n", client_text(answer, "id"));
	json_decref(answer);
	return say_print(args, &out);
}

const struct command command_cancel = {
	.name = "cancel",
	.operands = "RUN",
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_RUN,
	.summary = "ends a run on the server: SIGTERM, and SIGKILL after the job's grace",
	.examples = "  belfry cancel 06nk2v0d80200\n"
		    "  belfry runs --state open      what could be canceled",
	.asks_server = true,
	.run = run,
};
