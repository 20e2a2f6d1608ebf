/* metrics.c - what is counted while belfry runs; see metrics.h. */
#include "metrics.h"

#include <stdlib.h>
#include <string.h>

#include "lateness.h"
#include "mem.h"
#include "str.h"

#define MS INT64_C(1000)
#define S  INT64_C(1000000)

const struct metric_buckets metrics_durations = {
	10,
	{100 * MS, 500 * MS, 1 * S, 5 * S, 15 * S, 60 * S, 300 * S, 900 * S, 3600 * S, 14400 * S}};
const struct metric_buckets metrics_lateness = {
	10, {5 * MS, 10 * MS, 50 * MS, 100 * MS, 500 * MS, 1 * S, 5 * S, 30 * S, 60 * S, 300 * S}};
/* Of what ought to be short: stalls and commits. */
const struct metric_buckets metrics_short = {12,
					     {500, 1 * MS, 2500, 5 * MS, 10 * MS, 25 * MS, 50 * MS,
					      100 * MS, 250 * MS, 1 * S, 5 * S, 60 * S}};

static struct metrics_job *make_job(const char *name)
{
	struct metrics_job *job = mem_alloc(sizeof(*job));

	job->name = mem_copy_text(name);
	job->last_success_at = UTC_NONE;
	return job;
}

struct metrics_job *metrics_job(struct metrics *metrics, const char *name)
{
	struct metrics_job **chain =
		&metrics->table[str_hash(STR_HASH_INIT, name, strlen(name)) % METRICS_CHAINS];

	for (struct metrics_job *job = *chain; job; job = job->bucket)
		if (strcmp(job->name, name) == 0)
			return job;
	if (metrics->job_count >= METRICS_JOBS_MAX) {
		if (!metrics->other)
			metrics->other = make_job(METRICS_OTHER_JOBS);
		return metrics->other;
	}
	if (metrics->job_count == metrics->job_capacity) {
		metrics->job_capacity = metrics->job_capacity ? metrics->job_capacity * 2 : 16;
		metrics->jobs = mem_resize(metrics->jobs,
					   metrics->job_capacity * sizeof(struct metrics_job *));
	}
	struct metrics_job *job = make_job(name);
	job->bucket = *chain;
	*chain = job;
	metrics->jobs[metrics->job_count++] = job;
	return job;
}

/* As the store counts them (backend.h). */
static void count_failures(struct metrics_job *job, const struct run *run)
{
	switch (run->outcome) {
	case OUTCOME_FAILED:
	case OUTCOME_TIMED_OUT: job->failures_in_a_row++; break;
	case OUTCOME_SUCCEEDED:
	case OUTCOME_PARTIAL:
		job->failures_in_a_row = 0;
		job->last_success_at = run->finished_at;
		break;
	case OUTCOME_NONE:
	case OUTCOME_CANCELED:
	case OUTCOME_UNKNOWN:
	case OUTCOME_COUNT: break;
	}
}

static void count_run(struct metrics *metrics, const struct run *run)
{
	struct metrics_job *job;
	int64_t late_ms;

	if (run->state != RUN_FINISHED || run->dry_run)
		return;
	job = metrics_job(metrics, run->job);
	job->runs[run->outcome][run->trigger]++;
	if (utc_is_set(run->started_at))
		histogram_add(&job->durations, &metrics_durations,
			      (run->finished_at.ms - run->started_at.ms) * MS);
	if (lateness_of(run, &late_ms))
		histogram_add(&job->lateness, &metrics_lateness, late_ms * MS);
	if (job->is_known)
		count_failures(job, run);
}

static void count_occurrence(struct metrics *metrics, const struct occurrence *occurrence)
{
	struct metrics_job *job = metrics_job(metrics, occurrence->job);
	uint64_t *counts = occurrence->state == OCCURRENCE_MISSED ? job->missed : job->skipped;

	counts[occurrence->reason] += (uint64_t)occurrence->count;
}

void metrics_record(struct metrics *metrics, const struct record *record)
{
	if (record->kind == RECORD_RUN)
		count_run(metrics, &record->run);
	else if (record->kind == RECORD_OCCURRENCE)
		count_occurrence(metrics, &record->occurrence);
}

void metrics_downtime(struct metrics *metrics, const struct downtime *downtime)
{
	metrics->has_downtime[downtime->kind] = true;
	metrics->downtime_ms[downtime->kind] = downtime->until.ms - downtime->since.ms;
}

void metrics_stall(struct metrics *metrics, int64_t ms)
{
	histogram_add(&metrics->stalls, &metrics_short, ms * MS);
}

void metrics_commit(struct metrics *metrics, int64_t us)
{
	histogram_add(&metrics->commits, &metrics_short, us);
}

static void destroy_job(struct metrics_job *job)
{
	if (job)
		free(job->name);
	free(job);
}

void metrics_finish(struct metrics *metrics)
{
	for (size_t i = 0; i < metrics->job_count; i++)
		destroy_job(metrics->jobs[i]);
	destroy_job(metrics->other);
	free(metrics->jobs);
	*metrics = (struct metrics){0};
}
