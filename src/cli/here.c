/* here.c - runs carried out here and now; see here.h. */
#include "here.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "beside.h"
#include "exec.h"
#include "protocol.h"
#include "say.h"
#include "str.h"
#include "verdict.h"
#include "when.h"

enum { RUNNER_END_MS = 5000, POLL_MS = 5, TREE_FILES = 16 };
static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { END_SIGNALS = sizeof(end_signals) / sizeof(end_signals[0]) };

struct here_run {
	struct here_run *next;
	const struct job *job;
	struct run run;
	struct arena arena; /* the message */
	bool is_stopped;
};

enum { IDLE_LOOKS = 100, IDLE_LOOK_MS = 100 };

struct here {
	struct here_ears ears;
	struct loop *loop;
	struct loop_signal *signals[END_SIGNALS];
	struct executor *executors[EXECUTOR_KIND_COUNT];
	char *folder; /* NULL: none was made */
	struct here_run *runs;
	uint64_t last_id;
	int asked_to_end;
	struct loop_timer *idle; /* until nothing is owed to Fly any more */
	bool is_leaving;
	int looks;
};

/* ---- what the executors answer ---- */

static struct here_run *find(struct here *here, uint64_t id)
{
	struct here_run *run = here->runs;

	while (run && run->run.id != id)
		run = run->next;
	return run;
}

static void end(struct here_run *run, enum outcome outcome, const char *message)
{
	run->run.state = RUN_FINISHED;
	run->run.outcome = outcome;
	run->run.message = message ? arena_text(&run->arena, message) : NULL;
	if (!utc_is_set(run->run.finished_at))
		run->run.finished_at = when_now();
}

static void exited(struct here_run *run, const struct attempt_end *attempt)
{
	enum stop_cause stop = run->is_stopped ? STOP_CANCEL : STOP_NONE;
	enum outcome outcome = verdict_outcome(run->job, stop, attempt);

	run->run.started_at = attempt->started_at;
	run->run.finished_at = attempt->finished_at;
	run->run.exit_code = attempt->exit_code;
	run->run.signal = attempt->signal;
	run->run.processed = attempt->has_result ? attempt->processed : -1;
	run->run.failed = attempt->has_result ? attempt->failed : -1;
	run->run.output_bytes = attempt->output_bytes;
	run->run.cpu_ms = attempt->cpu_ms;
	run->run.max_rss_kib = attempt->max_rss_kib;
	end(run, outcome, verdict_message(&run->arena, outcome, stop, attempt));
}

static void on_event(void *context, const struct event *event)
{
	struct here_run *run = find(context, event->run);

	if (!run || run->run.state == RUN_FINISHED)
		return;
	switch (event->kind) {
	case EVENT_STARTED:
		run->run.started_at = event->at;
		run->run.state = run->is_stopped ? RUN_STOPPING : RUN_RUNNING;
		break;
	case EVENT_START_FAILED:
		end(run, run->is_stopped ? OUTCOME_CANCELED : OUTCOME_FAILED, event->message);
		break;
	case EVENT_EXITED: exited(run, &event->end); break;
	case EVENT_LOST: end(run, OUTCOME_UNKNOWN, event->message); break;
	case EVENT_TICK:
	case EVENT_CONFIG:
	case EVENT_RECORDED:
	case EVENT_CLAIM_LOST:
	case EVENT_TRIGGER:
	case EVENT_CANCEL:
	case EVENT_PAUSE:
	case EVENT_RESUME:
	case EVENT_TAKEN_OVER:
	case EVENT_HANDED:
	case EVENT_DRAIN: assert(false); break; /* no answers of an executor */
	}
}

static void on_output(void *context, const struct log_chunk *chunk)
{
	struct here *here = context;
	struct here_run *run = find(here, chunk->run);

	if (run)
		here->ears.output(here->ears.context, &run->run, chunk);
}

/* ---- the turn: what has ended is told and forgotten, outside the answer itself ---- */

static struct here_run *take_finished(struct here *here)
{
	for (struct here_run **at = &here->runs; *at; at = &(*at)->next) {
		struct here_run *run = *at;

		if (run->run.state != RUN_FINISHED)
			continue;
		*at = run->next;
		return run;
	}
	return NULL;
}

static void drop(struct here_run *run)
{
	arena_finish(&run->arena);
	free(run);
}

static bool is_idle(const struct here *here)
{
	for (int kind = 0; kind < EXECUTOR_KIND_COUNT; kind++) {
		const struct executor *executor = here->executors[kind];

		if (executor && executor->ops->is_idle && !executor->ops->is_idle(executor))
			return false;
	}
	return true;
}

/* Machines are destroyed by requests, and nobody comes after us who would. */
static void leave(struct here *here)
{
	if (is_idle(here) || here->looks++ > IDLE_LOOKS) {
		if (here->looks > IDLE_LOOKS)
			say_note("Fly did not answer; a Machine may be left: `fly machine list` "
				 "shows it");
		loop_stop(here->loop);
		return;
	}
	loop_timer_start(here->idle, IDLE_LOOK_MS);
}

static void on_idle(void *context)
{
	struct here *here = context;

	if (!here->runs)
		leave(here);
	else
		here->is_leaving = false;
}

static void on_turn(void *context)
{
	struct here *here = context;
	struct here_run *run;

	while ((run = take_finished(here))) {
		struct executor *executor = here->executors[run->run.executor];

		executor->ops->forget(executor, run->run.id);
		here->ears.finished(here->ears.context, &run->run);
		drop(run);
	}
	if (!here->runs && !here->is_leaving) {
		here->is_leaving = true;
		here->looks = 0;
		leave(here);
	}
}

static void stop(struct here *here, struct here_run *run)
{
	struct executor *executor = here->executors[run->run.executor];

	if (run->run.state == RUN_FINISHED)
		return;
	if (here->asked_to_end > 2) {
		end(run, OUTCOME_UNKNOWN, "left before anybody could tell how it ended");
		return;
	}
	run->is_stopped = true;
	run->run.state = RUN_STOPPING;
	executor->ops->stop(executor, run->run.id, here->asked_to_end > 1 ? 0 : run->job->grace_ms);
}

static void on_signal(void *context, int number)
{
	struct here *here = context;

	(void)number;
	here->asked_to_end++;
	here->ears.asked_to_end(here->ears.context, here->asked_to_end);
	for (struct here_run *run = here->runs; run; run = run->next)
		stop(here, run);
}

/* ---- the private state directory ---- */

static bool make_folder(struct here *here, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	struct buf path = {0};

	buf_format(&path, "%s/belfry-run-XXXXXX", str_empty(tmp) ? "/tmp" : tmp);
	if (!mkdtemp(path.data)) {
		err_errno(err, errno, "cannot make a folder for the run, %s", path.data);
		buf_finish(&path);
		return false;
	}
	here->folder = path.data;
	return true;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	remove(path);
	return 0;
}

/* The runner has its lock for as long as it lives. */
static void await_runner(const char *folder)
{
	char path[4096], name[RUNNER_NAME_MAX];

	runner_name(version_text, RUNNER_LOCK, name);
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
		return;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (int waited = 0; waited < RUNNER_END_MS && flock(fd, LOCK_EX | LOCK_NB) != 0;
	     waited += POLL_MS)
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
	close(fd);
}

static void remove_folder(struct here *here)
{
	if (!here->folder)
		return;
	await_runner(here->folder);
	nftw(here->folder, remove_one, TREE_FILES, FTW_DEPTH | FTW_PHYS);
	free(here->folder);
}

/* ---- made and taken apart ---- */

static bool make_executors(struct here *here, struct err *err)
{
	struct exec_sink sink = {.event = on_event, .output = on_output, .context = here};
	struct arena arena = {0};
	const char *runner = beside_find_runner(&arena, err);

	bool ok = runner != NULL;

	for (int kind = 0; ok && kind < EXECUTOR_KIND_COUNT; kind++) {
		if (kind == EXECUTOR_PROCESS)
			here->executors[kind] =
				exec_process_create(here->loop, here->folder, runner, &sink, err);
		else if (kind == EXECUTOR_FLY)
			here->executors[kind] =
				exec_fly_create(here->loop, here->folder, &sink, err);
		else
			here->executors[kind] = exec_absent_create((enum executor_kind)kind, &sink);
		ok = here->executors[kind] != NULL;
	}
	arena_finish(&arena);
	return ok;
}

struct here *here_create(const struct here_ears *ears, struct err *err)
{
	struct here *here = mem_alloc(sizeof(*here));

	here->ears = *ears;
	here->loop = loop_create(err);
	if (!here->loop) {
		here_destroy(here);
		return NULL;
	}
	here->idle = loop_timer_create(here->loop, on_idle, here);
	for (size_t i = 0; i < END_SIGNALS; i++)
		here->signals[i] = loop_signal_create(here->loop, end_signals[i], on_signal, here);
	if (!make_folder(here, err) || !make_executors(here, err)) {
		here_destroy(here);
		return NULL;
	}
	loop_on_turn(here->loop, on_turn, here);
	return here;
}

void here_destroy(struct here *here)
{
	if (!here)
		return;
	for (int kind = 0; kind < EXECUTOR_KIND_COUNT; kind++)
		if (here->executors[kind])
			here->executors[kind]->ops->destroy(here->executors[kind]);
	for (size_t i = 0; i < END_SIGNALS; i++)
		if (here->signals[i])
			loop_signal_destroy(here->signals[i]);
	if (here->idle)
		loop_timer_destroy(here->idle);
	if (here->loop)
		loop_destroy(here->loop);
	remove_folder(here);
	for (struct here_run *run = here->runs, *next; run; run = next) {
		next = run->next;
		drop(run);
	}
	free(here);
}

struct loop *here_loop(struct here *here)
{
	return here->loop;
}

/* ---- runs ---- */

bool here_check(struct here *here, const struct job *job, struct err *err)
{
	struct executor *executor = here->executors[job->executor];

	return executor->ops->check(executor, job, err);
}

uint64_t here_start(struct here *here, const struct job *job, bool dry_run)
{
	struct executor *executor = here->executors[job->executor];
	struct here_run *run = mem_alloc(sizeof(*run));

	here->last_id = run_id_next(here->last_id, when_now(), 0);
	run->job = job;
	run->run = (struct run){
		.id = here->last_id,
		.job = job->name,
		.executor = job->executor,
		.trigger = TRIGGER_MANUAL,
		.scheduled_at = UTC_NONE,
		.dry_run = dry_run,
		.state = RUN_STARTING,
		.attempt = 1,
		.claimed_at = when_now(),
		.started_at = UTC_NONE,
		.finished_at = UTC_NONE,
		.exit_code = -1,
		.processed = -1,
		.failed = -1,
		.cpu_ms = -1,
		.max_rss_kib = -1,
	};
	run->next = here->runs;
	here->runs = run;
	/* The answer may come before this returns. */
	executor->ops->start(executor, job, &run->run);
	return here->last_id;
}

size_t here_running(const struct here *here)
{
	size_t count = 0;

	for (const struct here_run *run = here->runs; run; run = run->next)
		count += run->run.state != RUN_FINISHED;
	return count;
}

void here_wait(struct here *here)
{
	if (here->runs)
		loop_run(here->loop);
}
