/* json.c - jobs and health as JSON; see json.h. */
#include "json.h"

#include "record_json.h"

static void texts(struct buf *out, const char *key, const struct text_list *list)
{
	buf_json_open(out, key, '[');
	for (size_t i = 0; list->items && i < list->count; i++)
		buf_json_text(out, NULL, list->items[i]);
	buf_json_close(out, ']');
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
	/* Not the arguments themselves: they may have come through ${NAME}. */
	buf_json_bool(out, "has_dry_run", job->dry_run.items != NULL);
	buf_json_int(out, "timeout_ms", job->timeout_ms);
	buf_json_int(out, "grace_ms", job->grace_ms);
	buf_json_int(out, "deadline_ms", job->deadline_ms);
	buf_json_int(out, "priority", job->priority);
	buf_json_text(out, "group", job->group);
	if (job->group)
		buf_json_int(out, "group_limit", job->group_limit);
	else
		buf_json_null(out, "group_limit");
	buf_json_text(out, "overlap", overlap_word(job->overlap));
	buf_json_text(out, "catchup", catchup_word(job->catchup));
	buf_json_int(out, "catchup_window_ms", job->catchup_window_ms);
	job_retry(out, &job->retry);
}

static void job_pause(struct buf *out, const struct pause *pause)
{
	if (!pause) {
		buf_json_null(out, "paused");
		return;
	}
	buf_json_open(out, "paused", '{');
	buf_json_time(out, "since", pause->since);
	buf_json_time(out, "until", pause->until);
	buf_json_text(out, "reason", pause->reason);
	buf_json_text(out, "by", pause->by);
	buf_json_close(out, '}');
}

static void job_history(struct buf *out, const struct job_summary *summary)
{
	if (summary->last.id)
		record_json_run(out, "last", &summary->last);
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

void json_lateness(struct buf *out, const char *key, const struct lateness *lateness)
{
	buf_json_open(out, key, '{');
	buf_json_int(out, "runs", (int64_t)lateness->runs);
	if (lateness->runs) {
		buf_json_int(out, "p50_ms", lateness->p50_ms);
		buf_json_int(out, "p99_ms", lateness->p99_ms);
		buf_json_int(out, "max_ms", lateness->max_ms);
	} else {
		buf_json_null(out, "p50_ms");
		buf_json_null(out, "p99_ms");
		buf_json_null(out, "max_ms");
	}
	buf_json_close(out, '}');
}

void json_downtime(struct buf *out, const char *key, const struct downtime *downtime)
{
	if (downtime)
		downtime_json(out, key, downtime);
	else
		buf_json_null(out, key);
}

void json_job(struct buf *out, const char *key, const struct job_view *view)
{
	const struct job *job = view->job;

	buf_json_open(out, key, '{');
	buf_json_text(out, "name", job->name);
	buf_json_text(out, "description", job->description);
	texts(out, "tags", &job->tags);
	texts(out, "was", &job->was);
	job_when(out, job);
	job_policies(out, job);
	job_pause(out, view->pause);
	buf_json_time(out, "next", view->next);
	buf_json_open(out, "running", '[');
	for (size_t i = 0; i < view->running_count; i++)
		record_json_id(out, NULL, view->running[i]);
	buf_json_close(out, ']');
	job_history(out, view->summary);
	if (view->lateness) {
		json_lateness(out, "lateness", view->lateness);
		json_downtime(out, "downtime", view->downtime);
	}
	buf_json_close(out, '}');
}

/* ---- health ---- */

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
