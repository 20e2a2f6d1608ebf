/* records.c - records made in one line; see fixture.h. */
#include "fixture.h"

#include <string.h>

struct record manual_record(uint64_t id, const char *job, int64_t at)
{
	return (struct record){
		.kind = RECORD_CLAIM,
		.run = {.id = id,
			.job = job,
			.executor = EXECUTOR_PROCESS,
			.trigger = TRIGGER_MANUAL,
			.scheduled_at = UTC_NONE,
			.revision = 1,
			.state = RUN_CLAIMED,
			.attempt = 1,
			.claimed_at = T(at),
			.started_at = UTC_NONE,
			.finished_at = UTC_NONE,
			.exit_code = -1,
			.processed = -1,
			.failed = -1,
			.cpu_ms = -1,
			.max_rss_kib = -1},
	};
}

struct record claim_record(uint64_t id, const char *job, int64_t at)
{
	struct record record = manual_record(id, job, at);

	record.run.trigger = TRIGGER_SCHEDULE;
	record.run.scheduled_at = T(at);
	return record;
}

struct record running_record(uint64_t id, const char *job, int64_t at)
{
	struct record record = manual_record(id, job, at);

	record.kind = RECORD_RUN;
	record.run.state = RUN_RUNNING;
	record.run.started_at = T(at);
	return record;
}

struct record end_record(uint64_t id, const char *job, enum outcome outcome, int64_t at)
{
	struct record record = running_record(id, job, at);

	record.run.state = RUN_FINISHED;
	record.run.outcome = outcome;
	record.run.finished_at = T(at);
	record.run.exit_code = outcome == OUTCOME_SUCCEEDED ? 0 : 1;
	return record;
}

struct record attempt_record(uint64_t run, int32_t number, enum outcome outcome)
{
	return (struct record){.kind = RECORD_ATTEMPT,
			       .attempt = {.run = run,
					   .number = number,
					   .outcome = outcome,
					   .started_at = T(number),
					   .finished_at = T(number + 1),
					   .exit_code = 3}};
}

struct record log_record(uint64_t run, int32_t attempt, int64_t position, const char *text)
{
	return (struct record){.kind = RECORD_LOG,
			       .log = {.run = run,
				       .attempt = attempt,
				       .position = position,
				       .stream = STREAM_STDOUT,
				       .at = T(position),
				       .data = text,
				       .length = strlen(text)}};
}

struct record missed_record(const char *job, int64_t first, int64_t last, int64_t count)
{
	return (struct record){.kind = RECORD_OCCURRENCE,
			       .occurrence = {.job = job,
					      .scheduled_at = T(first),
					      .state = OCCURRENCE_MISSED,
					      .reason = REASON_DOWN,
					      .last_at = T(last),
					      .count = count,
					      .recorded_at = T(last + 1)}};
}

struct record skipped_record(const char *job, int64_t at)
{
	struct record record = missed_record(job, at, at, 1);

	record.occurrence.state = OCCURRENCE_SKIPPED;
	record.occurrence.reason = REASON_OVERLAP;
	return record;
}

struct record downtime_record(int64_t since, int64_t until)
{
	struct record record = {.kind = RECORD_DOWNTIME};

	record.downtime = (struct downtime){
		.kind = ABSENCE_DOWN,
		.since = T(since),
		.until = T(until),
		.is_exact = true,
		.counts = {.caught_up = 1,
			   .skipped = 2,
			   .missed = 12,
			   .too_old = 3,
			   .superseded = 4,
			   .not_wanted = 5,
			   .window_ms = 3600000},
	};
	return record;
}

struct record left_record(int64_t at)
{
	struct record record = {.kind = RECORD_LEFT};

	record.left_at = T(at);
	return record;
}

struct record revision_record(int64_t number, const char *content)
{
	return (struct record){.kind = RECORD_REVISION,
			       .revision = {.number = number,
					    .applied_at = T(number),
					    .hash = "0123abcd",
					    .author = "root",
					    .source = "/etc/schedules.json",
					    .changes = "[]",
					    .content = content,
					    .length = strlen(content)}};
}

struct record evaluated_record(int64_t until, int32_t epoch)
{
	struct record record = {.kind = RECORD_EVALUATED};

	record.evaluated.until = T(until);
	record.evaluated.epoch = epoch;
	return record;
}

struct record pause_record(const char *job, int64_t since, const char *reason)
{
	return (struct record){.kind = RECORD_PAUSE,
			       .pause = {.job = job,
					 .since = T(since),
					 .until = UTC_NONE,
					 .reason = reason,
					 .by = "eva@desk"}};
}

struct record resume_record(const char *job)
{
	struct record record = pause_record(job, 0, NULL);

	record.kind = RECORD_RESUME;
	return record;
}

struct record rename_record(const char *from, const char *to)
{
	struct record record = {.kind = RECORD_RENAME};

	record.rename.from = from;
	record.rename.to = to;
	return record;
}
