/* resume.c - `belfry resume`: a paused job starts by itself again. */
#include "client.h"
#include "pausing.h"
#include "verbs.h"

static void add_words(struct buf *out, const void *job)
{
	const char *next = client_text(job, "next");

	buf_format(out, "resumed%s%s", *next ? "; next " : "", next);
}

static int run(const struct args *args)
{
	struct buf json = {0};

	buf_json_open(&json, NULL, '{');
	pausing_json_by(&json);
	buf_json_close(&json, '}');
	int code = pausing_run(args, &(struct pausing){.verb = "resume",
						       .body = buf_string(&json),
						       .add_words = add_words});

	buf_finish(&json);
	return code;
}

static const struct option_row options[] = {
	{.name = "all", .summary = "every job of the server"},
	{0},
};

const struct command command_resume = {
	.name = "resume",
	.operands = "[JOB]",
	.operands_max = 1,
	.complete = COMPLETE_JOB,
	.summary = "ends a pause",
	.description =
		"Nothing that fell due while the job was paused is caught up. A job that is\n"
		"not paused stays as it is.",
	.examples = "  belfry resume send-reminders\n"
		    "  belfry resume --all",
	.options = options,
	.asks_server = true,
	.run = run,
};
