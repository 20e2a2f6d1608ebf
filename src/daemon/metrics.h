/*
 * metrics.h - what is counted while belfry runs, for /metrics.
 *
 * Counters begin at 0 with each life of the daemon, as Prometheus expects of a process.
 * Nothing of it needs history to be read: what the store has to be asked (failures in a
 * row, the last success) is asked once for each job, when somebody first wants to know.
 */
#ifndef BELFRY_METRICS_H
#define BELFRY_METRICS_H

#include "downtime.h"
#include "exposition.h"
#include "record.h"

/* So many jobs have series of their own; those of all others are told together, as of a
 * job of this name, which no job can have. */
enum { METRICS_JOBS_MAX = 1000 };
#define METRICS_OTHER_JOBS "(other)"

struct metrics_job {
	char *name;
	struct metrics_job *bucket; /* next in the table of names */
	uint64_t runs[OUTCOME_COUNT][TRIGGER_COUNT];
	uint64_t skipped[REASON_COUNT], missed[REASON_COUNT]; /* due instants */
	struct histogram durations, lateness;
	bool is_known; /* the store was asked for: */
	int64_t failures_in_a_row;
	struct utc last_success_at;
};

enum { METRICS_CHAINS = 1024 };
struct metrics {
	struct metrics_job **jobs; /* in the order in which they were met */
	size_t job_count, job_capacity;
	struct metrics_job *table[METRICS_CHAINS];
	struct metrics_job *other; /* NULL: none is among them */
	struct histogram stalls, commits;
	bool has_downtime[ABSENCE_COUNT];
	int64_t downtime_ms[ABSENCE_COUNT]; /* the last one of each kind */
};

extern const struct metric_buckets metrics_durations, metrics_lateness, metrics_short;

/* Where the job is counted; made where it is not there yet. */
struct metrics_job *metrics_job(struct metrics *metrics, const char *name);
/* A record on its way to the store. Dry runs do not count. */
void metrics_record(struct metrics *metrics, const struct record *record);
void metrics_downtime(struct metrics *metrics, const struct downtime *downtime);
/* The loop came so late to what it was to do; a transaction of the store took so long. */
void metrics_stall(struct metrics *metrics, int64_t ms);
void metrics_commit(struct metrics *metrics, int64_t us);
void metrics_finish(struct metrics *metrics);

#endif
