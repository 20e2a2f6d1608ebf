/* run_json.c - a run as the API's RUN; see run_json.h. */
#include "run_json.h"

static void int_or_null(struct buf *out, const char *key, int64_t value, bool is_known)
{
	if (is_known)
		buf_json_int(out, key, value);
	else
		buf_json_null(out, key);
}

static void from_to(struct buf *out, const char *key, struct utc from, struct utc to)
{
	bool is_known = utc_is_set(from) && utc_is_set(to);

	int_or_null(out, key, is_known ? to.ms - from.ms : 0, is_known);
}

static void add_times(struct buf *out, const struct run *run)
{
	buf_json_time(out, "scheduled_at", run->scheduled_at);
	from_to(out, "lateness_ms", run->scheduled_at, run->started_at);
	buf_json_time(out, "claimed_at", run->claimed_at);
	buf_json_time(out, "started_at", run->started_at);
	buf_json_time(out, "finished_at", run->finished_at);
	from_to(out, "duration_ms", run->started_at, run->finished_at);
}

void run_json_members(struct buf *out, const struct run *run)
{
	char id[RUN_ID_TEXT_MAX];

	buf_json_text(out, "id", run_id_format(run->id, id));
	buf_json_text(out, "job", run->job);
	buf_json_text(out, "executor", executor_kind_word(run->executor));
	buf_json_text(out, "trigger", trigger_word(run->trigger));
	add_times(out, run);
	buf_json_text(out, "state", run_state_word(run->state));
	buf_json_text(out, "outcome", outcome_word(run->outcome));
	int_or_null(out, "exit_code", run->exit_code, run->exit_code >= 0);
	int_or_null(out, "signal", run->signal, run->signal != 0);
	buf_json_int(out, "attempt", run->attempt);
	int_or_null(out, "revision", run->revision, run->revision > 0);
	buf_json_bool(out, "dry_run", run->dry_run);
	int_or_null(out, "processed", run->processed, run->processed >= 0);
	int_or_null(out, "failed", run->failed, run->failed >= 0);
	buf_json_text(out, "message", run->message);
	buf_json_int(out, "output_bytes", run->output_bytes);
	int_or_null(out, "cpu_ms", run->cpu_ms, run->cpu_ms >= 0);
	int_or_null(out, "max_rss_kib", run->max_rss_kib, run->max_rss_kib >= 0);
}
