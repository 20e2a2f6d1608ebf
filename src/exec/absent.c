/* absent.c - stands where an executor of a later release will; see exec.h. */
#include <stdio.h>
#include <stdlib.h>

#include "exec.h"
#include "mem.h"

struct absent {
	struct executor executor; /* first: the two are one */
	struct exec_sink sink;
	char why[80];
};

static struct absent *absent_of(struct executor *executor)
{
	return (struct absent *)executor;
}

static bool check(struct executor *executor, const struct job *job, struct err *err)
{
	(void)job;
	return err_set(err, "%s", absent_of(executor)->why);
}

static void refuse(struct executor *executor, const struct run *run)
{
	const struct absent *absent = absent_of(executor);

	absent->sink.event(absent->sink.context, &(struct event){.kind = EVENT_START_FAILED,
								 .run = run->id,
								 .attempt = run->attempt,
								 .message = absent->why});
}

static void start(struct executor *executor, const struct job *job, const struct run *run)
{
	(void)job;
	refuse(executor, run);
}

static void adopt(struct executor *executor, const struct run *run)
{
	refuse(executor, run);
}

static void stop(struct executor *executor, uint64_t run, int64_t grace_ms)
{
	(void)executor;
	(void)run;
	(void)grace_ms;
}

static void forget(struct executor *executor, uint64_t run)
{
	(void)executor;
	(void)run;
}

static void destroy(struct executor *executor)
{
	free(executor);
}

static const struct executor_ops ops = {.check = check,
					.start = start,
					.adopt = adopt,
					.stop = stop,
					.forget = forget,
					.destroy = destroy};

struct executor *exec_absent_create(enum executor_kind kind, const struct exec_sink *sink)
{
	struct absent *absent = mem_alloc(sizeof(*absent));

	absent->executor.ops = &ops;
	absent->sink = *sink;
	snprintf(absent->why, sizeof(absent->why), "the %s executor is not in this build yet",
		 executor_kind_word(kind));
	return &absent->executor;
}
