/*
 * metrics_text.c - the metrics as text: one row a family, in the order of the answer.
 *
 * It is written a piece at a time, so that a thousand jobs do not hold up the loop.
 * Jobs are only ever added to the list, so a place in it stays what it was.
 */
#include <stdio.h>

#include "clock.h"
#include "internal.h"

/* Jobs that one piece tells of; each may cost a few queries, once. */
enum { PIECE_JOBS = 32 };

struct writing {
	struct daemon *daemon;
	struct exposition to;
	const struct metric_family *family;
	struct api_metrics_place *place;
};

/* ---- of the whole ---- */

static void write_value(const struct writing *writing, int64_t value)
{
	exposition_int(&writing->to, writing->family, NULL, 0, value);
}

static void write_build(const struct writing *writing)
{
	const struct metric_label version = {"version", writing->daemon->world.version};

	exposition_int(&writing->to, writing->family, &version, 1, 1);
}

static void write_start(const struct writing *writing)
{
	exposition_seconds(&writing->to, writing->family, NULL, 0,
			   writing->daemon->world.started_at.ms * 1000);
}

static void write_revision(const struct writing *writing)
{
	const struct daemon *daemon = writing->daemon;
	char number[24];
	const char *hash = daemon->config ? config_hash(daemon->config) : "";
	const struct metric_label labels[] = {{"number", number}, {"hash", hash}};

	snprintf(number, sizeof(number), "%lld", (long long)daemon->revision);
	exposition_int(&writing->to, writing->family, labels, 2, 1);
}

static void write_applied(const struct writing *writing)
{
	const struct daemon *daemon = writing->daemon;

	if (daemon->revision)
		exposition_seconds(&writing->to, writing->family, NULL, 0,
				   daemon->applied_at.ms * 1000);
}

static void write_jobs(const struct writing *writing)
{
	write_value(writing, (int64_t)writing->daemon->world.job_count);
}

static void write_refused(const struct writing *writing)
{
	write_value(writing, writing->daemon->config_error.length > 0);
}

static void write_failing(const struct writing *writing)
{
	write_value(writing, writing->daemon->recorder.is_failing);
}

static void write_running(const struct writing *writing)
{
	write_value(writing, (int64_t)engine_running(writing->daemon->engine));
}

static void count_waiting(void *context, const struct run *run)
{
	int64_t *waiting = context;

	*waiting += run->state == RUN_CLAIMED;
}

static void write_waiting(const struct writing *writing)
{
	int64_t waiting = 0;

	engine_each_run(writing->daemon->engine, count_waiting, &waiting);
	write_value(writing, waiting);
}

static void write_downtimes(const struct writing *writing)
{
	const struct metrics *metrics = &writing->daemon->metrics;

	for (int i = 0; i < ABSENCE_COUNT; i++) {
		const struct metric_label kind = {"kind", absence_word((enum absence)i)};

		if (metrics->has_downtime[i])
			exposition_seconds(&writing->to, writing->family, &kind, 1,
					   metrics->downtime_ms[i] * 1000);
	}
}

static void write_stalls(const struct writing *writing)
{
	exposition_histogram(&writing->to, writing->family, NULL, 0, &metrics_short,
			     &writing->daemon->metrics.stalls);
}

static void write_commits(const struct writing *writing)
{
	exposition_histogram(&writing->to, writing->family, NULL, 0, &metrics_short,
			     &writing->daemon->metrics.commits);
}

/* ---- of a job ---- */

static void write_runs(const struct writing *writing, struct metrics_job *job)
{
	struct metric_label labels[] = {{"job", job->name}, {"outcome", ""}, {"trigger", ""}};

	for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++) {
		labels[1].value = outcome_word((enum outcome)outcome);
		for (int trigger = 0; trigger < TRIGGER_COUNT; trigger++) {
			uint64_t count = job->runs[outcome][trigger];

			labels[2].value = trigger_word((enum trigger)trigger);
			if (count)
				exposition_int(&writing->to, writing->family, labels, 3,
					       (int64_t)count);
		}
	}
}

static void write_reasons(const struct writing *writing, const struct metrics_job *job,
			  const uint64_t counts[REASON_COUNT])
{
	struct metric_label labels[] = {{"job", job->name}, {"reason", ""}};

	for (int i = 0; i < REASON_COUNT; i++) {
		labels[1].value = reason_word((enum reason)i);
		if (counts[i])
			exposition_int(&writing->to, writing->family, labels, 2,
				       (int64_t)counts[i]);
	}
}

static void write_missed(const struct writing *writing, struct metrics_job *job)
{
	write_reasons(writing, job, job->missed);
}

static void write_skipped(const struct writing *writing, struct metrics_job *job)
{
	write_reasons(writing, job, job->skipped);
}

static void write_histogram(const struct writing *writing, const struct metrics_job *job,
			    const struct metric_buckets *buckets, const struct histogram *histogram)
{
	const struct metric_label label = {"job", job->name};
	uint64_t count = 0;

	for (size_t i = 0; i <= HISTOGRAM_BUCKETS_MAX; i++)
		count += histogram->counts[i];
	if (count)
		exposition_histogram(&writing->to, writing->family, &label, 1, buckets, histogram);
}

static void write_durations(const struct writing *writing, struct metrics_job *job)
{
	write_histogram(writing, job, &metrics_durations, &job->durations);
}

static void write_lateness(const struct writing *writing, struct metrics_job *job)
{
	write_histogram(writing, job, &metrics_lateness, &job->lateness);
}

/* Asked once; from then on runs that end tell. */
static bool is_known(const struct writing *writing, struct metrics_job *job)
{
	struct daemon *daemon = writing->daemon;
	struct arena arena = {0};
	struct job_summary summary;
	struct err err;

	if (job->is_known || writing->place->is_store_failing)
		return job->is_known;
	/* What is under way to the store has been counted: it must not be twice, nor lost. */
	job->is_known = turn_flush(daemon, clock_now().mono, true) &&
			store_job_summary(daemon->store, job->name, &arena, &summary, &err);
	writing->place->is_store_failing = !job->is_known;
	if (job->is_known) {
		job->failures_in_a_row = summary.consecutive_failures;
		job->last_success_at = summary.last_success_at;
	}
	arena_finish(&arena);
	return job->is_known;
}

static bool is_in_force(const struct writing *writing, const struct metrics_job *job)
{
	const struct config *config = writing->daemon->config;

	return config && config_find(config, job->name);
}

static void write_failures(const struct writing *writing, struct metrics_job *job)
{
	const struct metric_label label = {"job", job->name};

	if (is_in_force(writing, job) && is_known(writing, job))
		exposition_int(&writing->to, writing->family, &label, 1, job->failures_in_a_row);
}

static void write_success(const struct writing *writing, struct metrics_job *job)
{
	const struct metric_label label = {"job", job->name};

	if (is_in_force(writing, job) && is_known(writing, job) && utc_is_set(job->last_success_at))
		exposition_seconds(&writing->to, writing->family, &label, 1,
				   job->last_success_at.ms * 1000);
}

/* ---- all of it ---- */

static const struct row {
	struct metric_family family;
	void (*write)(const struct writing *writing);
	void (*write_job)(const struct writing *writing, struct metrics_job *job);
} rows[] = {
	{{"belfry_build", NULL, METRIC_INFO, "The version of belfry that runs."},
	 write_build,
	 NULL},
	{{"belfry_start_time_seconds", "seconds", METRIC_GAUGE,
	  "When this belfry started, in seconds since 1970."},
	 write_start,
	 NULL},
	{{"belfry_revision", NULL, METRIC_INFO,
	  "The revision of schedules.json that is in force, and the SHA-256 of its text."},
	 write_revision,
	 NULL},
	{{"belfry_revision_applied_timestamp_seconds", "seconds", METRIC_GAUGE,
	  "When the revision in force was applied, in seconds since 1970."},
	 write_applied,
	 NULL},
	{{"belfry_jobs", NULL, METRIC_GAUGE, "Jobs in force."}, write_jobs, NULL},
	{{"belfry_config_refused", NULL, METRIC_GAUGE,
	  "1 while schedules.json as it is now is refused and an older revision is in force."},
	 write_refused,
	 NULL},
	{{"belfry_store_failing", NULL, METRIC_GAUGE,
	  "1 while the store takes no records and nothing new is started."},
	 write_failing,
	 NULL},
	{{"belfry_runs_running", NULL, METRIC_GAUGE, "Runs that an executor is busy with."},
	 write_running,
	 NULL},
	{{"belfry_runs_waiting", NULL, METRIC_GAUGE, "Runs that are recorded and wait to start."},
	 write_waiting,
	 NULL},
	{{"belfry_downtime_seconds", "seconds", METRIC_GAUGE,
	  "How long the last downtime of each kind was that this belfry has noticed."},
	 write_downtimes,
	 NULL},
	{{"belfry_loop_stall_seconds", "seconds", METRIC_HISTOGRAM,
	  "How late the loop came to what it was to do next."},
	 write_stalls,
	 NULL},
	{{"belfry_store_commit_seconds", "seconds", METRIC_HISTOGRAM,
	  "How long transactions of the store took."},
	 write_commits,
	 NULL},
	{{"belfry_consecutive_failures", NULL, METRIC_GAUGE,
	  "Runs of the job that failed or timed out since one succeeded."},
	 NULL,
	 write_failures},
	{{"belfry_last_success_timestamp_seconds", "seconds", METRIC_GAUGE,
	  "When the job last did its work, wholly or partly, in seconds since 1970."},
	 NULL,
	 write_success},
	{{"belfry_runs", NULL, METRIC_COUNTER, "Runs that ended; dry runs do not count."},
	 NULL,
	 write_runs},
	{{"belfry_occurrences_missed", NULL, METRIC_COUNTER,
	  "Due instants that nobody was there for and that were not caught up."},
	 NULL,
	 write_missed},
	{{"belfry_occurrences_skipped", NULL, METRIC_COUNTER,
	  "Due instants that were not started on purpose."},
	 NULL,
	 write_skipped},
	{{"belfry_run_duration_seconds", "seconds", METRIC_HISTOGRAM,
	  "From the start of a run's first attempt to its end, counted when it ends."},
	 NULL,
	 write_durations},
	{{"belfry_run_lateness_seconds", "seconds", METRIC_HISTOGRAM,
	  "From a due instant, with its jitter, to the start of its run, counted when it ends; "
	  "what was caught up does not count."},
	 NULL,
	 write_lateness},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* Those of the file come first, so that they are not crowded out by jobs that went. */
static void meet_jobs(struct daemon *daemon)
{
	const struct api_world *world = &daemon->world;

	for (size_t i = 0; i < world->job_count && daemon->metrics.job_count < METRICS_JOBS_MAX;
	     i++)
		metrics_job(&daemon->metrics, world->jobs[i].name);
}

/* Some of the jobs, from place->job on; true if there are more. */
static bool write_some(const struct writing *writing, const struct row *row)
{
	const struct metrics *metrics = &writing->daemon->metrics;
	struct api_metrics_place *place = writing->place;

	for (size_t i = 0; i < PIECE_JOBS && place->job < metrics->job_count; i++)
		row->write_job(writing, metrics->jobs[place->job++]);
	if (place->job < metrics->job_count)
		return true;
	if (metrics->other)
		row->write_job(writing, metrics->other);
	place->job = 0;
	return false;
}

bool metrics_text(struct daemon *daemon, struct api_metrics_place *place, bool is_openmetrics,
		  struct buf *out)
{
	const struct row *row = &rows[place->family];
	struct writing writing = {.daemon = daemon,
				  .to = {out, is_openmetrics},
				  .family = &row->family,
				  .place = place};

	if (place->family == 0 && place->job == 0)
		meet_jobs(daemon);
	if (place->job == 0)
		exposition_family(&writing.to, &row->family);
	if (row->write)
		row->write(&writing);
	else if (write_some(&writing, row))
		return true;
	if (++place->family < ROW_COUNT)
		return true;
	exposition_end(&writing.to);
	return false;
}
