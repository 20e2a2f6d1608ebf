/* json.c - the model as JSON; see json.h. */
#include "json.h"

static void int_or_null(struct buf *out, const char *key, int64_t value, bool is_known)
{
	if (is_known)
		buf_json_int(out, key, value);
	else
		buf_json_null(out, key);
}

static void word_or_null(struct buf *out, const char *key, const char *word)
{
	buf_json_text(out, key, *word ? word : NULL);
}

static void from_to(struct buf *out, const char *key, struct utc from, struct utc to)
{
	bool is_known = utc_is_set(from) && utc_is_set(to);

	int_or_null(out, key, is_known ? to.ms - from.ms : 0, is_known);
}

static void texts(struct buf *out, const char *key, const struct text_list *list)
{
	buf_json_open(out, key, '[');
	for (size_t i = 0; list->items && i < list->count; i++)
		buf_json_text(out, NULL, list->items[i]);
	buf_json_close(out, ']');
}

void json_id(struct buf *out, const char *key, uint64_t id)
{
	char text[RUN_ID_TEXT_MAX];

	buf_json_text(out, key, id ? run_id_format(id, text) : NULL);
}

/* ---- runs ---- */

static void run_when(struct buf *out, const struct run *run)
{
	buf_json_time(out, "scheduled_at", run->scheduled_at);
	from_to(out, "lateness_ms", run->scheduled_at, run->started_at);
	buf_json_time(out, "claimed_at", run->claimed_at);
	buf_json_time(out, "started_at", run->started_at);
	buf_json_time(out, "finished_at", run->finished_at);
	from_to(out, "duration_ms", run->started_at, run->finished_at);
}

static void run_end(struct buf *out, const struct run *run)
{
	word_or_null(out, "outcome", outcome_word(run->outcome));
	int_or_null(out, "exit_code", run->exit_code, run->exit_code >= 0);
	int_or_null(out, "signal", run->signal, run->signal != 0);
}

void json_run_members(struct buf *out, const struct run *run)
{
	json_id(out, "id", run->id);
	buf_json_text(out, "job", run->job);
	buf_json_text(out, "executor", executor_kind_word(run->executor));
	buf_json_text(out, "trigger", trigger_word(run->trigger));
	run_when(out, run);
	buf_json_text(out, "state", run_state_word(run->state));
	run_end(out, run);
	buf_json_int(out, "attempt", run->attempt);
	buf_json_int(out, "revision", run->revision);
	buf_json_bool(out, "dry_run", run->dry_run);
	int_or_null(out, "processed", run->processed, run->processed >= 0);
	int_or_null(out, "failed", run->failed, run->failed >= 0);
	buf_json_text(out, "message", run->message);
	buf_json_int(out, "output_bytes", run->output_bytes);
	int_or_null(out, "cpu_ms", run->cpu_ms, run->cpu_ms >= 0);
	int_or_null(out, "max_rss_kib", run->max_rss_kib, run->max_rss_kib >= 0);
}

void json_run(struct buf *out, const char *key, const struct run *run)
{
	buf_json_open(out, key, '{');
	json_run_members(out, run);
	buf_json_close(out, '}');
}

void json_attempt(struct buf *out, const char *key, const struct attempt *attempt)
{
	buf_json_open(out, key, '{');
	buf_json_int(out, "number", attempt->number);
	word_or_null(out, "outcome", outcome_word(attempt->outcome));
	buf_json_time(out, "started_at", attempt->started_at);
	buf_json_time(out, "finished_at", attempt->finished_at);
	int_or_null(out, "exit_code", attempt->exit_code, attempt->exit_code >= 0);
	int_or_null(out, "signal", attempt->signal, attempt->signal != 0);
	buf_json_text(out, "message", attempt->message);
	buf_json_close(out, '}');
}

/* ---- jobs ---- */

static void job_when(struct buf *out, const struct job *job)
{
	struct buf sentence = {0};

	/* A calendar form is kept as the JSON it was written in; no expression begins so. */
	if (job->schedule_text[0] == '{')
		buf_json_raw(out, "schedule", job->schedule_text);
	else
		buf_json_text(out, "schedule", job->schedule_text);
	schedule_explain(job->schedule, &sentence);
	buf_json_text(out, "explain", buf_string(&sentence));
	buf_finish(&sentence);
	buf_json_text(out, "timezone", job->timezone);
	buf_json_bool(out, "enabled", job->enabled);
}

static void job_retry(struct buf *out, const struct retry_policy *retry)
{
	buf_json_open(out, "retry", '{');
	buf_json_int(out, "attempts", retry->attempts);
	buf_json_int(out, "backoff_ms", retry->backoff_ms);
	buf_json_int(out, "max_backoff_ms", retry->max_backoff_ms);
	buf_json_open(out, "on", '[');
	for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++)
		if (retry->on & 1u << i)
			buf_json_text(out, NULL, outcome_word((enum outcome)i));
	buf_json_close(out, ']');
	buf_json_close(out, '}');
}

static void job_policies(struct buf *out, const struct job *job)
{
	buf_json_text(out, "executor", executor_kind_word(job->executor));
	texts(out, "command", &job->argv_shown);
	buf_json_int(out, "timeout_ms", job->timeout_ms);
	buf_json_int(out, "grace_ms", job->grace_ms);
	buf_json_text(out, "overlap", overlap_word(job->overlap));
	buf_json_text(out, "catchup", catchup_word(job->catchup));
	buf_json_int(out, "catchup_window_ms", job->catchup_window_ms);
	job_retry(out, &job->retry);
}

static void job_history(struct buf *out, const struct job_summary *summary)
{
	if (summary->last.id)
		json_run(out, "last", &summary->last);
	else
		buf_json_null(out, "last");
	buf_json_time(out, "last_success_at", summary->last_success_at);
	buf_json_int(out, "consecutive_failures", summary->consecutive_failures);
	buf_json_open(out, "counts", '{');
	for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++)
		buf_json_int(out, outcome_word((enum outcome)i), summary->runs[i]);
	buf_json_close(out, '}');
	buf_json_int(out, "skipped", summary->skipped);
	buf_json_int(out, "missed", summary->missed);
}

void json_job(struct buf *out, const char *key, const struct job_view *view)
{
	const struct job *job = view->job;

	buf_json_open(out, key, '{');
	buf_json_text(out, "name", job->name);
	buf_json_text(out, "description", job->description);
	texts(out, "tags", &job->tags);
	job_when(out, job);
	job_policies(out, job);
	buf_json_time(out, "next", view->next);
	buf_json_open(out, "running", '[');
	for (size_t i = 0; i < view->running_count; i++)
		json_id(out, NULL, view->running[i]);
	buf_json_close(out, ']');
	job_history(out, view->summary);
	buf_json_close(out, '}');
}

/* ---- the rest ---- */

void json_occurrence(struct buf *out, const char *key, const struct occurrence *occurrence)
{
	buf_json_open(out, key, '{');
	buf_json_text(out, "job", occurrence->job);
	buf_json_time(out, "scheduled_at", occurrence->scheduled_at);
	buf_json_time(out, "last_at", occurrence->last_at);
	buf_json_int(out, "count", occurrence->count);
	buf_json_text(out, "state", occurrence_state_word(occurrence->state));
	word_or_null(out, "reason", reason_word(occurrence->reason));
	json_id(out, "run", occurrence->run);
	buf_json_time(out, "recorded_at", occurrence->recorded_at);
	buf_json_close(out, '}');
}

void json_revision(struct buf *out, const char *key, const struct revision *revision)
{
	buf_json_open(out, key, '{');
	buf_json_int(out, "number", revision->number);
	buf_json_time(out, "applied_at", revision->applied_at);
	buf_json_text(out, "hash", revision->hash);
	buf_json_text(out, "author", revision->author);
	buf_json_text(out, "source", revision->source);
	buf_json_text(out, "message", revision->message);
	buf_json_raw(out, "changes", revision->changes ? revision->changes : "[]");
	buf_json_close(out, '}');
}

static void part(struct buf *out, const char *key, const char *bad, const char *message)
{
	buf_json_open(out, key, '{');
	buf_json_text(out, "status", message ? bad : "ok");
	buf_json_text(out, "message", message);
	buf_json_close(out, '}');
}

void json_health(struct buf *out, const struct api_health *health, const struct api_world *world,
		 struct utc now)
{
	bool is_degraded = health->config_error || health->zone_trouble;
	const char *status = health->store_failure ? "failing" : is_degraded ? "degraded" : "ok";

	buf_json_open(out, NULL, '{');
	buf_json_text(out, "status", status);
	buf_json_text(out, "version", world->version);
	buf_json_int(out, "revision", world->revision);
	buf_json_int(out, "jobs", (int64_t)world->job_count);
	buf_json_int(out, "running", (int64_t)health->running);
	buf_json_int(out, "waiting", (int64_t)health->waiting);
	part(out, "store", "failing", health->store_failure);
	part(out, "config", "refused", health->config_error);
	part(out, "zones", "stale", health->zone_trouble);
	buf_json_time(out, "time", now);
	buf_json_close(out, '}');
}
