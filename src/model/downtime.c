/* downtime.c - counting, and in words and JSON; see downtime.h. */
#include "downtime.h"

#include <stdio.h>
#include <string.h>

#include "job.h"
#include "str.h"

/* ---- counting ---- */

/* Instants of a stretch from `start` on. Only those are walked: a window is short, what
 * lies before it may be years. */
static int64_t count_from(const struct job *job, const struct occurrence *stretch, struct utc start)
{
	struct utc at = utc_add(start, -1);
	int64_t count = 0;

	if (stretch->scheduled_at.ms >= start.ms)
		return stretch->count;
	while (count < stretch->count && schedule_next_after(job->schedule, at, &at) &&
	       at.ms <= stretch->last_at.ms)
		count++;
	return count;
}

static void add_too_old(struct downtime_counts *counts, const struct job *job, int64_t count)
{
	if (count == 0)
		return;
	counts->too_old += count;
	counts->window_ms = counts->window_ms == 0 || counts->window_ms == job->catchup_window_ms
				    ? job->catchup_window_ms
				    : -1;
}

static void add_missed(struct downtime_counts *counts, const struct job *job,
		       const struct occurrence *stretch)
{
	struct utc window = utc_add(stretch->recorded_at, -job->catchup_window_ms);
	int64_t within;

	switch (job->catchup) {
	case CATCHUP_NONE: counts->not_wanted += stretch->count; break;
	case CATCHUP_ALL:
	case CATCHUP_ONCE:
		within = count_from(job, stretch, window);
		counts->superseded += within;
		add_too_old(counts, job, stretch->count - within);
		break;
	case CATCHUP_COUNT: break;
	}
}

void downtime_count(struct downtime_counts *counts, const struct job *job,
		    const struct occurrence *occurrence)
{
	switch (occurrence->state) {
	case OCCURRENCE_RAN: counts->caught_up += occurrence->count; break;
	case OCCURRENCE_SKIPPED: counts->skipped += occurrence->count; break;
	case OCCURRENCE_MISSED:
		counts->missed += occurrence->count;
		if (job && (occurrence->reason == REASON_DOWN || occurrence->reason == REASON_LATE))
			add_missed(counts, job, occurrence);
		break;
	case OCCURRENCE_STATE_COUNT: break;
	}
}

/* ---- in words ---- */

static const char *in_words(enum absence kind)
{
	switch (kind) {
	case ABSENCE_DOWN: return "down";
	case ABSENCE_ASLEEP: return "asleep";
	case ABSENCE_STALLED: return "stalled";
	case ABSENCE_SET_FORWARD: return "clock set forward";
	case ABSENCE_COUNT: break;
	}
	return "";
}

static struct utc whole_seconds(struct utc t)
{
	return (struct utc){t.ms - ((t.ms % 1000) + 1000) % 1000};
}

/* The day is told once where it is the same. */
static void add_span(struct buf *out, const struct downtime *downtime)
{
	char since[UTC_TEXT_MAX], until[UTC_TEXT_MAX];
	const char *end = utc_format(whole_seconds(downtime->until), until);
	const char *time = strchr(end, 'T');

	utc_format(whole_seconds(downtime->since), since);
	bool is_same_day = time && strncmp(since, end, (size_t)(time - end)) == 0;
	buf_format(out, "%s to %s", since, is_same_day ? time + 1 : end);
}

static void add_length(struct buf *out, const struct downtime *downtime)
{
	int64_t ms = downtime->until.ms - downtime->since.ms;
	char text[DURATION_TEXT_MAX];

	str_duration_format(ms < 10000 ? ms : (ms + 500) / 1000 * 1000, text);
	if (downtime->is_exact)
		buf_format(out, " (%s)", text);
	else
		buf_format(out,
			   " (at most %s: it did not stop by itself, and that was its last "
			   "sign of life)",
			   text);
}

struct part {
	int64_t count;
	const char *words;
};

/* Why they were missed; a number for each where there are several reasons. */
static void add_reasons(struct buf *out, const struct downtime_counts *counts)
{
	char window[DURATION_TEXT_MAX], old[DURATION_TEXT_MAX + 32] = "older than their windows";
	struct buf reasons = {0};

	if (counts->window_ms > 0)
		snprintf(old, sizeof(old), "older than %s window",
			 str_duration_format(counts->window_ms, window));
	const struct part parts[] = {
		{counts->too_old, old},
		{counts->superseded, "not the newest"},
		{counts->not_wanted, "catchup none"},
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].count == 0)
			continue;
		buf_text(&reasons, reasons.length ? ", " : "");
		if (parts[i].count < counts->missed)
			buf_format(&reasons, "%lld ", (long long)parts[i].count);
		buf_text(&reasons, parts[i].words);
	}
	if (reasons.length)
		buf_format(out, " (%s)", buf_string(&reasons));
	buf_finish(&reasons);
}

void downtime_describe_counts(struct buf *out, const struct downtime_counts *counts)
{
	int64_t all = counts->caught_up + counts->skipped + counts->missed;
	const struct part parts[] = {
		{counts->caught_up, "caught up"},
		{counts->skipped, "skipped"},
		{counts->missed, "missed"},
	};
	const char *before = "; ";

	if (all == 0) {
		buf_text(out, "nothing was due");
		return;
	}
	buf_format(out, "%lld occurrence%s", (long long)all, all == 1 ? "" : "s");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].count == 0)
			continue;
		buf_format(out, "%s%lld %s", before, (long long)parts[i].count, parts[i].words);
		before = ", ";
	}
	if (counts->missed)
		add_reasons(out, counts);
}

void downtime_describe(struct buf *out, const struct downtime *downtime)
{
	buf_format(out, "%s ", in_words(downtime->kind));
	add_span(out, downtime);
	add_length(out, downtime);
	buf_text(out, ": ");
	downtime_describe_counts(out, &downtime->counts);
}

/* ---- as JSON ---- */

void downtime_json(struct buf *out, const char *key, const struct downtime *downtime)
{
	const struct downtime_counts *counts = &downtime->counts;

	buf_json_open(out, key, '{');
	buf_json_text(out, "kind", absence_word(downtime->kind));
	buf_json_time(out, "since", downtime->since);
	buf_json_time(out, "until", downtime->until);
	buf_json_bool(out, "is_exact", downtime->is_exact);
	buf_json_int(out, "duration_ms", downtime->until.ms - downtime->since.ms);
	buf_json_int(out, "occurrences", counts->caught_up + counts->skipped + counts->missed);
	buf_json_int(out, "caught_up", counts->caught_up);
	buf_json_int(out, "skipped", counts->skipped);
	buf_json_int(out, "missed", counts->missed);
	buf_json_int(out, "too_old", counts->too_old);
	buf_json_int(out, "superseded", counts->superseded);
	buf_json_int(out, "not_wanted", counts->not_wanted);
	if (counts->window_ms > 0)
		buf_json_int(out, "window_ms", counts->window_ms);
	else
		buf_json_null(out, "window_ms");
	buf_json_close(out, '}');
}
