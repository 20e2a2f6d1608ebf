/* plan_shown.c - the words that all forms of a plan share; see plan_shown.h. */
#include "plan_shown.h"

#include <string.h>

#include "fire_text.h"
#include "run.h"

enum { RUNS_SHOWN = 5 };

char plan_shown_sign(enum plan_kind kind)
{
	static const char signs[PLAN_KIND_COUNT] = {
		[PLAN_CREATE] = '+',    [PLAN_UPDATE] = '~', [PLAN_ENABLE] = '~',
		[PLAN_DISABLE] = '~',   [PLAN_RENAME] = '>', [PLAN_DELETE] = '-',
		[PLAN_UNCHANGED] = ' ',
	};
	return signs[kind];
}

void plan_shown_counts(const struct plan *plan, struct buf *out)
{
	size_t unchanged = plan->counts[PLAN_UNCHANGED];
	const char *separator = "";

	if (plan_is_empty(plan)) {
		buf_format(out, "no changes: %zu job%s as %s", unchanged, unchanged == 1 ? "" : "s",
			   unchanged == 1 ? "it is" : "they are");
		return;
	}
	for (int kind = 0; kind < PLAN_UNCHANGED; kind++) {
		if (!plan->counts[kind])
			continue;
		buf_format(out, "%s%zu to %s", separator, plan->counts[kind],
			   plan_kind_word((enum plan_kind)kind));
		separator = ", ";
	}
	buf_format(out, "; %zu unchanged", unchanged);
}

const char *plan_shown_value(const char *json)
{
	return json ? json : "(none)";
}

bool plan_shown_same_fires(const struct plan_step *step)
{
	const struct plan_fires *a = &step->fires_before, *b = &step->fires_after;

	return step->before && step->after && step->before->enabled == step->after->enabled &&
	       a->count == b->count &&
	       memcmp(a->items, b->items, a->count * sizeof(a->items[0])) == 0;
}

static const char *why_none(const struct job *job)
{
	if (!job->enabled)
		return "disabled";
	return schedule_is_reboot(job->schedule) ? "when belfry starts" : "never again";
}

void plan_shown_fire(const struct job *job, const struct plan_fires *fires, size_t i,
		     struct buf *out)
{
	if (job && i < fires->count)
		fire_text(out, schedule_zone(job->schedule), fires->items[i]);
	else if (job && i == 0)
		buf_text(out, why_none(job));
}

size_t plan_shown_rows(const struct plan_step *step)
{
	size_t before = step->fires_before.count, after = step->fires_after.count;
	size_t most = before > after ? before : after;

	return most ? most : 1;
}

bool plan_shown_running(const struct plan_step *step, struct buf *out)
{
	char id[RUN_ID_TEXT_MAX];

	if (!step->running_count)
		return false;
	buf_format(out, "%zu run%s not finished", step->running_count,
		   step->running_count == 1 ? " is" : "s are");
	for (size_t i = 0; i < step->running_count && i < RUNS_SHOWN; i++)
		buf_format(out, "%s%s", i ? ", " : ": ", run_id_format(step->running[i], id));
	if (step->running_count > RUNS_SHOWN)
		buf_text(out, ", …");
	buf_text(out,
		 step->running_count == 1 ? "; it ends as it began" : "; they end as they began");
	return true;
}

bool plan_shown_soon(const struct plan_step *step, struct buf *out)
{
	if (!utc_is_set(step->soon))
		return false;
	buf_text(out, "due within the hour as it is now: ");
	fire_text(out, schedule_zone(step->before->schedule), step->soon);
	return true;
}

void plan_shown_warning(const struct finding *finding, struct buf *out)
{
	if (finding->line)
		buf_format(out, "line %u: ", finding->line);
	if (*finding->path)
		buf_format(out, "%s: ", finding->path);
	buf_text(out, finding->message);
}

const struct finding *plan_shown_next_warning(const struct plan *plan, size_t *i)
{
	const struct findings *findings = plan->question.findings;

	while (findings && *i < findings->count) {
		const struct finding *finding = &findings->items[(*i)++];

		if (finding->severity == SEVERITY_WARNING)
			return finding;
	}
	return NULL;
}
