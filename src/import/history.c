/*
 * history.c - cron-manager's past jobs as finished runs in belfry's store.
 *
 * A run's id is made from the row: its time and the last digits of its number. So the
 * same row is the same run, and an import may be repeated. A row that came about within
 * the minute of a due instant takes that instant, which then has its one run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entry.h"
#include "state_db.h"
#include "store.h"

enum { MINUTE_MS = 60000, MESSAGE_MAX = 500, RECORDS = 5, BATCH = 200, NODE = 255 };

struct history {
	struct store *store;
	struct utc now;
	struct history_count *count;
	/* Rows that are written together, and where the records of each begin. */
	struct arena arena;
	struct record records[BATCH * RECORDS];
	size_t begins[BATCH + 1];
	size_t rows;
};

/* ---- the state directory ---- */

/* As the daemon takes it, so that neither works beside the other. */
static bool take_directory(const char *path, int *lock, struct err *err)
{
	char name[4096];

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the state directory %s", path);
	if ((size_t)snprintf(name, sizeof(name), "%s/lock", path) >= sizeof(name))
		return err_set(err, "the path of the state directory is too long");
	*lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*lock < 0)
		return err_errno(err, errno, "cannot open %s", name);
	if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	int number = errno;
	close(*lock);
	if (number == EWOULDBLOCK)
		return err_set(err,
			       "a belfry uses the state directory %s; stop it for the import of "
			       "history",
			       path);
	return err_errno(err, number, "cannot lock %s", name);
}

/* ---- rows as records ---- */

static uint64_t run_id(const struct state_db_job *job)
{
	return (uint64_t)job->created.ms << 20 | (uint64_t)NODE << 12 | ((uint64_t)job->id & 0xfff);
}

static bool has_text(const char *text, const char *piece)
{
	return text && strstr(text, piece);
}

/* cron-manager fails a job with -1 and its reason in stderr. */
static enum outcome outcome_of(const struct state_db_job *job)
{
	bool is_failed = strcmp(job->status, "failed") == 0;

	if (is_failed && has_text(job->errors, "exceeded the command timeout"))
		return OUTCOME_TIMED_OUT;
	if (is_failed && has_text(job->errors, "before we could interpret the results"))
		return OUTCOME_UNKNOWN;
	return is_failed || (job->has_exit_code && job->exit_code != 0) ? OUTCOME_FAILED
									: OUTCOME_SUCCEEDED;
}

/* The due instant in whose minute it was started. */
static struct utc scheduled_at(const struct state_db_job *job)
{
	const struct schedule *schedule = job->schedule->schedule;
	struct utc due;

	if (!schedule || schedule_is_reboot(schedule) ||
	    !schedule_prev_before(schedule, utc_add(job->created, 1), &due) ||
	    job->created.ms - due.ms >= MINUTE_MS)
		return UTC_NONE;
	return due;
}

static struct run run_of(struct history *h, const struct state_db_job *job)
{
	size_t length = job->errors ? strlen(job->errors) : 0;
	struct utc due = scheduled_at(job);
	struct run run = {
		.id = run_id(job),
		.job = job->schedule->name,
		.executor = EXECUTOR_FLY,
		.trigger = utc_is_set(due) ? TRIGGER_SCHEDULE : TRIGGER_MANUAL,
		.scheduled_at = due,
		.state = RUN_FINISHED,
		.outcome = outcome_of(job),
		.attempt = 1,
		.claimed_at = job->created,
		.started_at = job->created,
		.finished_at = utc_max(job->created, job->finished),
		.exit_code = -1,
		.processed = -1,
		.failed = -1,
		.cpu_ms = -1,
		.max_rss_kib = -1,
	};

	if (job->has_exit_code && job->exit_code >= 0 && job->exit_code <= 255)
		run.exit_code = (int32_t)job->exit_code;
	if (length)
		run.message = arena_copy(&h->arena, job->errors,
					 length < MESSAGE_MAX ? length : MESSAGE_MAX);
	run.output_bytes = (int64_t)(length + (job->out ? strlen(job->out) : 0));
	return run;
}

static size_t add_log(struct history *h, struct record *record, const struct run *run,
		      enum stream stream, const char *text)
{
	if (!text || !*text)
		return 0;
	*record = (struct record){.kind = RECORD_LOG,
				  .log = {.run = run->id,
					  .attempt = 1,
					  .position = stream,
					  .stream = stream,
					  .at = run->finished_at,
					  .data = arena_text(&h->arena, text),
					  .length = strlen(text)}};
	return 1;
}

static size_t make_records(struct history *h, const struct state_db_job *job,
			   struct record records[RECORDS])
{
	struct run run = run_of(h, job);
	const char *origin = arena_format(&h->arena, "job %lld of cron-manager, Machine %s\n",
					  (long long)job->id, job->machine ? job->machine : "none");
	size_t count = 2;

	records[0] = (struct record){.kind = RECORD_CLAIM, .run = run};
	records[1] = (struct record){.kind = RECORD_ATTEMPT,
				     .attempt = {.run = run.id,
						 .number = 1,
						 .outcome = run.outcome,
						 .started_at = run.started_at,
						 .finished_at = run.finished_at,
						 .exit_code = run.exit_code,
						 .message = run.message}};
	count += add_log(h, &records[count], &run, STREAM_BELFRY, origin);
	count += add_log(h, &records[count], &run, STREAM_STDOUT, job->out);
	count += add_log(h, &records[count], &run, STREAM_STDERR, job->errors);
	return count;
}

static bool set_found(void *context, const struct run *run)
{
	(void)run;
	*(bool *)context = true;
	return false;
}

/* A lost claim: either the run is there already, or another one has its instant (somebody
 * triggered the job in the same minute); then it is a run without one. */
static bool settle_lost(struct history *h, struct record *records, size_t count, struct err *err)
{
	struct run *run = &records[0].run;
	struct run_filter filter = {.id = run->id};
	bool is_there = false;

	if (!store_runs(h->store, &filter, set_found, &is_there, err))
		return false;
	if (!is_there && utc_is_set(run->scheduled_at)) {
		run->scheduled_at = UTC_NONE;
		run->trigger = TRIGGER_MANUAL;
		if (!store_apply(h->store, records, count, err))
			return false;
		is_there = records[0].lost;
	}
	h->count->runs += !is_there;
	h->count->known += is_there;
	return true;
}

static bool flush(struct history *h, struct err *err)
{
	bool ok = store_apply(h->store, h->records, h->begins[h->rows], err);

	for (size_t i = 0; ok && i < h->rows; i++) {
		struct record *records = &h->records[h->begins[i]];

		if (records[0].lost)
			ok = settle_lost(h, records, h->begins[i + 1] - h->begins[i], err);
		else
			h->count->runs++;
	}
	h->rows = 0;
	arena_reset(&h->arena);
	return ok;
}

static bool take_job(void *context, const struct state_db_job *job, struct err *err)
{
	struct history *h = context;

	if (strcmp(job->status, "completed") != 0 && strcmp(job->status, "failed") != 0) {
		h->count->unfinished++;
		return true;
	}
	if (job->created.ms <= 0 || job->created.ms > h->now.ms || job->finished.ms > h->now.ms) {
		h->count->unreadable++;
		return true;
	}
	size_t begin = h->begins[h->rows];
	h->begins[++h->rows] = begin + make_records(h, job, &h->records[begin]);
	return h->rows < BATCH || flush(h, err);
}

bool state_db_history(struct state_db *db, struct import *im, const char *directory,
		      struct history_count *count, struct err *err)
{
	struct history *h = mem_alloc(sizeof(*h));
	int lock = -1;

	*h = (struct history){.now = im->world.now, .count = count};
	*count = (struct history_count){0};
	bool ok = take_directory(directory, &lock, err);
	if (ok) {
		h->store = store_open(arena_format(&im->arena, "sqlite:%s", directory), err);
		ok = h->store && state_db_jobs(db, im, take_job, h, &count->unreadable, err) &&
		     flush(h, err);
		store_close(h->store);
		close(lock);
	}
	arena_finish(&h->arena);
	free(h);
	return ok || err_wrap(err, "import history");
}

void import_remark_history(struct import *im, struct import_place at,
			   const struct history_count *count)
{
	import_remark(im, IMPORT_CARRIED, at, "history", "%zu run%s written%s", count->runs,
		      count->runs == 1 ? "" : "s",
		      count->known
			      ? arena_format(&im->arena, ", %zu were there already", count->known)
			      : "");
	if (count->unfinished)
		import_remark(im, IMPORT_LEFT, at, "history",
			      "%zu jobs that cron-manager has not seen end", count->unfinished);
	if (count->unreadable)
		import_remark(im, IMPORT_LEFT, at, "history",
			      "%zu jobs whose schedule is gone, or whose time is none or to come",
			      count->unreadable);
}
