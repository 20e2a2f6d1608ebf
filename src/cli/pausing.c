/* pausing.c - jobs are paused and resumed, one or all; see pausing.h. */
#include "pausing.h"

#include <pwd.h>
#include <unistd.h>

#include "client.h"
#include "http_target.h"
#include "say.h"
#include "terminal.h"

void pausing_json_by(struct buf *json)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[128] = "";
	struct buf by = {0};

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	if (user)
		buf_text(&by, user->pw_name);
	else
		buf_format(&by, "user %u", (unsigned)geteuid());
	buf_format(&by, "@%s", *host ? host : "?");
	buf_json_text(json, "by", buf_string(&by));
	buf_finish(&by);
}

void pausing_add_words(struct buf *out, const void *job)
{
	const json_t *paused = json_object_get(job, "paused");
	const char *until = client_text(paused, "until"), *by = client_text(paused, "by");
	const char *reason = client_text(paused, "reason");

	if (!json_is_object(paused))
		return;
	buf_format(out, "paused%s%s", *until ? " until " : "", until);
	buf_format(out, "%s%s%s%s", *by ? ", by " : "", by, *reason ? ": " : "", reason);
}

static json_t *ask(const struct args *args, const struct pausing *pausing, const char *job,
		   struct err *err)
{
	struct buf target = {0};

	buf_text(&target, "/api/v1/jobs/");
	http_escape(&target, job);
	buf_format(&target, "/%s", pausing->verb);
	json_t *answer = client_post(args, buf_string(&target), pausing->body, err);
	buf_finish(&target);
	return answer;
}

static int tell(const struct args *args, const struct pausing *pausing, const json_t *jobs)
{
	struct buf out = {0}, words = {0};

	for (size_t i = 0; i < json_array_size(jobs); i++) {
		const json_t *job = json_array_get(jobs, i);

		buf_clear(&words);
		pausing->add_words(&words, job);
		terminal_add(&out, OUTPUT_STDOUT, STYLE_PLAIN, client_text(job, "name"));
		buf_text(&out, ": ");
		terminal_add(&out, OUTPUT_STDOUT, STYLE_PLAIN, buf_string(&words));
		buf_char(&out, '\n');
	}
	buf_finish(&words);
	return say_print(args, &out);
}

static int run_one(const struct args *args, const struct pausing *pausing)
{
	struct err err;
	json_t *job = ask(args, pausing, args_operand(args, 0), &err);

	if (!job)
		return say_failed(args, &err);
	if (args_has(args, "json"))
		return say_json(args, job);
	json_t *jobs = json_pack("[O]", job);
	int code = tell(args, pausing, jobs);

	json_decref(jobs);
	json_decref(job);
	return code;
}

/* One by one; what was done before one that fails stays done. */
static int run_all(const struct args *args, const struct pausing *pausing)
{
	struct err err;
	json_t *answer = client_get(args, "/api/v1/jobs", &err);

	if (!answer)
		return say_failed(args, &err);
	json_t *all = client_list(answer, "jobs"), *done = json_array();
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(all); i++) {
		json_t *job = ask(args, pausing, client_text(json_array_get(all, i), "name"), &err);

		ok = job && json_array_append_new(done, job) == 0;
	}
	int code = args_has(args, "json") ? say_json(args, json_incref(done))
					  : tell(args, pausing, done);
	json_decref(done);
	json_decref(all);
	json_decref(answer);
	return ok ? code : say_failed(args, &err);
}

int pausing_run(const struct args *args, const struct pausing *pausing)
{
	bool is_all = args_has(args, "all"), has_job = args_operand(args, 0) != NULL;
	struct err err;

	if (is_all == has_job) {
		err_set(&err, is_all ? "--all is every job; leave JOB out"
				     : "which JOB? --all is every one");
		return say_usage(args, &err);
	}
	return is_all ? run_all(args, pausing) : run_one(args, pausing);
}
