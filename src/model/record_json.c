/* record_json.c - runs and what belongs to them as JSON; see record_json.h. */
#include "record_json.h"

#include "lateness.h"

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

void record_json_id(struct buf *out, const char *key, uint64_t id)
{
	char text[RUN_ID_TEXT_MAX];

	buf_json_text(out, key, id ? run_id_format(id, text) : NULL);
}

static void run_when(struct buf *out, const struct run *run)
{
	buf_json_time(out, "scheduled_at", run->scheduled_at);
	buf_json_time(out, "planned_at", lateness_planned(run));
	from_to(out, "lateness_ms", lateness_planned(run), run->started_at);
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

void record_json_run_members(struct buf *out, const struct run *run)
{
	record_json_id(out, "id", run->id);
	buf_json_text(out, "job", run->job);
	buf_json_text(out, "executor", executor_kind_word(run->executor));
	buf_json_text(out, "trigger", trigger_word(run->trigger));
	run_when(out, run);
	buf_json_text(out, "state", run_state_word(run->state));
	run_end(out, run);
	buf_json_int(out, "attempt", run->attempt);
	int_or_null(out, "revision", run->revision, run->revision > 0);
	buf_json_bool(out, "dry_run", run->dry_run);
	int_or_null(out, "processed", run->processed, run->processed >= 0);
	int_or_null(out, "failed", run->failed, run->failed >= 0);
	buf_json_text(out, "message", run->message);
	buf_json_text(out, "image", run->image);
	buf_json_int(out, "output_bytes", run->output_bytes);
	int_or_null(out, "cpu_ms", run->cpu_ms, run->cpu_ms >= 0);
	int_or_null(out, "max_rss_kib", run->max_rss_kib, run->max_rss_kib >= 0);
}

void record_json_run(struct buf *out, const char *key, const struct run *run)
{
	buf_json_open(out, key, '{');
	record_json_run_members(out, run);
	buf_json_close(out, '}');
}

void record_json_attempt(struct buf *out, const char *key, const struct attempt *attempt)
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

void record_json_occurrence(struct buf *out, const char *key, const struct occurrence *occurrence)
{
	buf_json_open(out, key, '{');
	buf_json_text(out, "job", occurrence->job);
	buf_json_time(out, "scheduled_at", occurrence->scheduled_at);
	buf_json_time(out, "last_at", occurrence->last_at);
	buf_json_int(out, "count", occurrence->count);
	buf_json_text(out, "state", occurrence_state_word(occurrence->state));
	word_or_null(out, "reason", reason_word(occurrence->reason));
	record_json_id(out, "run", occurrence->run);
	buf_json_time(out, "recorded_at", occurrence->recorded_at);
	buf_json_close(out, '}');
}

void record_json_revision(struct buf *out, const char *key, const struct revision *revision)
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
