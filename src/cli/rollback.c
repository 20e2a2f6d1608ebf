/* rollback.c - `belfry rollback`: an earlier revision again, as a new one. */
#include "client.h"
#include "deploying.h"
#include "say.h"
#include "verbs.h"

static json_t *ask_plan(const struct args *args, const char *number, struct err *err)
{
	struct buf target = {0};

	buf_format(&target, "/api/v1/revisions/%s/plan?format=json_text", number);
	json_t *plan = client_get(args, buf_string(&target), err);
	buf_finish(&target);
	return plan;
}

static json_t *roll_back(const struct args *args, const char *number, const json_t *plan, int *code)
{
	struct deploying nothing = {0};
	struct buf target = {0};

	buf_format(&target, "/api/v1/revisions/%s/rollback?expect=%lld", number,
		   (long long)client_int(plan, "revision", 0));
	deploying_about(&target, args, NULL);
	json_t *answer = deploying_ask(args, &nothing, buf_string(&target), code);
	buf_finish(&target);
	return answer;
}

static int say_done(const struct args *args, const char *number, json_t *answer)
{
	struct buf out = {0};

	if (args_has(args, "json"))
		return say_json(args, json_incref(answer));
	buf_format(&out, "rolled back to revision %s: revision %lld is in force\n", number,
		   (long long)client_int(json_object_get(answer, "revision"), "number", 0));
	return say_print(args, &out);
}

static int go_on(const struct args *args, const char *number, json_t *plan)
{
	int code = CLI_OK;

	if (deploying_is_same(plan))
		return deploying_say_same(args, plan);
	if (!args_has(args, "json"))
		code = deploying_show(args, plan);
	if (code == CLI_OK)
		code = deploying_confirm(args, "Roll back?");
	if (code != CLI_OK)
		return code;
	json_t *answer = roll_back(args, number, plan, &code);
	if (answer)
		code = say_done(args, number, answer);
	json_decref(answer);
	return code;
}

static int run(const struct args *args)
{
	const char *number = args_operand(args, 0);
	struct err err;
	json_t *plan;

	if (!deploying_is_number(number)) {
		err_set(&err, "'%s' is not the number of a revision; see `belfry revisions`",
			number);
		return say_usage(args, &err);
	}
	plan = ask_plan(args, number, &err);
	if (!plan)
		return say_failed(args, &err);
	int code = go_on(args, number, plan);
	json_decref(plan);
	return code;
}

static const struct option_row options[] = {
	DEPLOYING_OPTIONS,
	{0},
};

const struct command command_rollback = {
	.name = "rollback",
	.operands = "REVISION",
	.operands_min = 1,
	.operands_max = 1,
	.summary = "an earlier revision's file again, as a new revision",
	.description =
		"Shows what going back to REVISION would change, asks, and applies its file, "
		"byte for\n"
		"byte, as a new revision.",
	.examples = "  belfry rollback 4\n"
		    "  belfry rollback 4 --yes --message 'digest came twice'",
	.options = options,
	.asks_server = true,
	.run = run,
};
