/* apply.c - `belfry apply`: makes a schedules.json what the server's jobs are. */
#include <string.h>

#include "client.h"
#include "deploying.h"
#include "jobs_file.h"
#include "say.h"
#include "verbs.h"

/* The plan again as it is carried out: if somebody applied in between, it is refused. */
static json_t *apply(const struct args *args, const struct deploying *file, const json_t *plan,
		     int *code)
{
	struct buf target = {0};

	buf_format(&target, "/api/v1/apply?expect=%lld",
		   (long long)client_int(plan, "revision", 0));
	deploying_about(&target, args,
			strcmp(file->path, "-") == 0 ? "standard input" : file->path);
	json_t *answer = deploying_ask(args, file, buf_string(&target), code);
	buf_finish(&target);
	return answer;
}

static int say_applied(const struct args *args, json_t *answer)
{
	const json_t *revision = json_object_get(answer, "revision");
	struct buf out = {0};

	if (args_has(args, "json"))
		return say_json(args, json_incref(answer));
	buf_format(&out, "applied: revision %lld is in force\n",
		   (long long)client_int(revision, "number", 0));
	return say_print(args, &out);
}

static bool is_expected(const struct args *args, const json_t *plan, int64_t expect)
{
	int64_t revision = client_int(plan, "revision", 0);
	struct err err;

	if (expect < 0 || revision == expect)
		return true;
	err_set(&err,
		"revision %lld was expected, and revision %lld is in force: somebody applied in "
		"between; plan again",
		(long long)expect, (long long)revision);
	say_failed(args, &err);
	return false;
}

static int go_on(const struct args *args, const struct deploying *file, json_t *plan,
		 int64_t expect)
{
	int code;

	if (!is_expected(args, plan, expect))
		return CLI_FAILED;
	if (deploying_is_same(plan))
		return deploying_say_same(args, plan);
	if (!args_has(args, "json") && (code = deploying_show(args, plan)) != CLI_OK)
		return code;
	if ((code = deploying_confirm(args, "Apply this?")) != CLI_OK)
		return code;
	json_t *answer = apply(args, file, plan, &code);
	if (answer)
		code = say_applied(args, answer);
	json_decref(answer);
	return code;
}

static int run(const struct args *args)
{
	const char *path = args_operand(args, 0);
	struct deploying file;
	int64_t expect;
	struct err err;

	if (!args_number(args, "expect", 0, INT64_MAX, -1, &expect, &err))
		return say_usage(args, &err);
	int code = deploying_read(&file, args, path ? path : JOBS_FILE_DEFAULT);
	if (code == CLI_OK) {
		json_t *plan = deploying_ask(args, &file, "/api/v1/plan?format=json_text", &code);
		if (plan)
			code = go_on(args, &file, plan, expect);
		json_decref(plan);
	}
	deploying_finish(&file);
	return code;
}

static const struct option_row options[] = {
	DEPLOYING_OPTIONS,
	{.name = "expect",
	 .value = "REVISION",
	 .summary = "refuse if another revision than this is in force"},
	{0},
};

const struct command command_apply = {
	.name = "apply",
	.operands = "[FILE]",
	.operands_max = 1,
	.complete = COMPLETE_FILE,
	.summary = "makes a schedules.json what the server's jobs are",
	.description =
		"Shows the plan, asks, and applies FILE (schedules.json; \"-\" is standard input) "
		"as "
		"a new\n"
		"revision: all of it or nothing. The same content again is no change. The server "
		"must\n"
		"be one started with --managed; one that follows a file says so and refuses.",
	.examples = "  belfry apply\n"
		    "  belfry apply --yes --message 'digest on Mondays' schedules.json\n"
		    "  belfry apply --yes --expect 4",
	.options = options,
	.asks_server = true,
	.run = run,
};
