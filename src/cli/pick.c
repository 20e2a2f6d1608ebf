/* pick.c - from ids and names to runs and jobs; see pick.h. */
#include "pick.h"

#include "client.h"
#include "http_target.h"
#include "run.h"

enum { NOT_FOUND = 404, TIMEOUT_MS = 30000 };

static json_t *ask(const struct args *args, const char *path, const char *word, int *status,
		   struct err *err)
{
	struct client_question question = {.method = "GET", .timeout_ms = TIMEOUT_MS};
	struct buf target = {0};

	buf_text(&target, path);
	http_escape(&target, word);
	question.target = buf_string(&target);
	json_t *answer = client_ask(args, &question, status, err);
	buf_finish(&target);
	return answer;
}

bool pick_run(const struct args *args, const char *word, json_t **run, struct err *err)
{
	uint64_t id;
	int status = 0;

	*run = NULL;
	if (!run_id_parse(word, &id))
		return true;
	*run = ask(args, "/api/v1/runs/", word, &status, err);
	return *run || status == NOT_FOUND;
}

bool pick_job(const struct args *args, const char *word, struct err *err)
{
	uint64_t id;
	int status = 0;
	json_t *job = ask(args, "/api/v1/jobs/", word, &status, err);

	if (!job && status == NOT_FOUND && run_id_parse(word, &id))
		err_set(err, "there is no run %s, and no job of that name", word);
	json_decref(job);
	return job != NULL;
}

json_t *pick_runs(const struct args *args, const char *job, const char *limit, const char *state,
		  struct err *err)
{
	struct buf target = {0};

	buf_text(&target, "/api/v1/runs");
	client_query(&target, "limit", limit);
	client_query(&target, "job", job);
	client_query(&target, "state", state);
	json_t *answer = client_get(args, buf_string(&target), err);
	buf_finish(&target);
	if (!answer)
		return NULL;
	json_t *runs = client_list(answer, "runs");
	json_decref(answer);
	return runs;
}
