/* plan.c - desired beside actual, as steps; see plan.h. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

static void take_fires(struct plan_fires *fires, const struct job *job, struct utc now)
{
	struct utc at = now;

	if (!job || !job->enabled)
		return;
	while (fires->count < PLAN_FIRES && schedule_next_after(job->schedule, at, &at))
		fires->items[fires->count++] = at;
}

static int run_against_job(const void *name, const void *run)
{
	return strcmp(name, ((const struct plan_run *)run)->job);
}

static void take_runs(struct plan *plan, struct plan_step *step)
{
	const struct plan_question *q = &plan->question;
	const struct plan_run *first, *last;

	if (!step->before || !q->run_count)
		return;
	first = bsearch(step->before->name, q->runs, q->run_count, sizeof(*q->runs),
			run_against_job);
	if (!first)
		return;
	for (last = first; first > q->runs && strcmp(first[-1].job, first->job) == 0;)
		first--;
	while (last + 1 < q->runs + q->run_count && strcmp(last[1].job, last->job) == 0)
		last++;
	step->running_count = (size_t)(last - first) + 1;
	uint64_t *ids = arena_array(&plan->arena, uint64_t, step->running_count);
	for (size_t i = 0; i < step->running_count; i++)
		ids[i] = first[i].id;
	step->running = ids;
}

static void take_soon(struct plan_step *step, struct utc now)
{
	const struct job *job = step->before;
	struct utc at;

	step->soon = UTC_NONE;
	if (job && job->enabled && schedule_next_after(job->schedule, now, &at) &&
	    at.ms <= now.ms + PLAN_SOON_MS)
		step->soon = at;
}

static bool is_enabling(const struct plan_step *step)
{
	return step->change_count == 1 && step->changes &&
	       strcmp(step->changes[0].path, "enabled") == 0;
}

static enum plan_kind kind_of(const struct plan_step *step)
{
	if (!step->before)
		return PLAN_CREATE;
	if (!step->after)
		return PLAN_DELETE;
	if (step->was)
		return PLAN_RENAME;
	if (step->before->hash == step->after->hash)
		return PLAN_UNCHANGED;
	if (is_enabling(step))
		return step->after->enabled ? PLAN_ENABLE : PLAN_DISABLE;
	return PLAN_UPDATE;
}

static bool moves_fires(const struct job *before, const struct job *after)
{
	return !before || !after || before->enabled != after->enabled ||
	       before->schedule_hash != after->schedule_hash;
}

static void compare(struct plan *plan, struct plan_step *step)
{
	const struct plan_question *q = &plan->question;
	struct key_change *changes = NULL;

	if (step->after && (!step->before || step->before->hash != step->after->hash))
		step->change_count = config_differences(q->before, step->before, q->after,
							step->after, &plan->arena, &changes);
	step->changes = changes;
	step->kind = kind_of(step);
	step->soon = UTC_NONE;
	if (step->kind == PLAN_UNCHANGED)
		return;
	step->moves_fires = moves_fires(step->before, step->after);
	if (step->moves_fires) {
		take_fires(&step->fires_before, step->before, q->now);
		take_fires(&step->fires_after, step->after, q->now);
	}
	take_runs(plan, step);
	take_soon(step, q->now);
}

/* What the job was called before, if it says so. */
static const struct job *find_former(const struct config *before, const struct job *job,
				     size_t *place)
{
	const struct job *former = NULL;

	for (size_t i = 0; before && !former && i < job->was.count; i++)
		former = config_find(before, job->was.items[i]);
	return former ? former : config_find_next(before, job->name, place);
}

static void add(struct plan *plan, const struct job *before, const struct job *after)
{
	struct plan_step *step = &plan->steps[plan->step_count++];
	const struct job *job = after ? after : before;

	*step = (struct plan_step){.job = job->name, .before = before, .after = after};
	if (before && after && strcmp(before->name, after->name) != 0)
		step->was = before->name;
	compare(plan, step);
	plan->counts[step->kind]++;
}

void plan_init(struct plan *plan, const struct plan_question *question)
{
	const struct config *before = question->before, *after = question->after;
	size_t old_count = before ? before->job_count : 0, place = 0;

	*plan = (struct plan){.question = *question};
	plan->steps = mem_alloc((after->job_count + old_count + 1) * sizeof(*plan->steps));
	for (size_t i = 0; i < after->job_count; i++)
		add(plan, find_former(before, &after->jobs[i], &place), &after->jobs[i]);
	bool *goes_on = mem_alloc((old_count + 1) * sizeof(*goes_on));
	for (size_t i = 0; i < plan->step_count; i++)
		if (before && plan->steps[i].before)
			goes_on[plan->steps[i].before - before->jobs] = true;
	for (size_t i = 0; i < old_count; i++)
		if (!goes_on[i])
			add(plan, &before->jobs[i], NULL);
	free(goes_on);
}

void plan_finish(struct plan *plan)
{
	free(plan->steps);
	arena_finish(&plan->arena);
	*plan = (struct plan){0};
}

bool plan_is_empty(const struct plan *plan)
{
	return plan->counts[PLAN_UNCHANGED] == plan->step_count;
}

bool plan_is_same_content(const struct plan *plan)
{
	const struct config *before = plan->question.before, *after = plan->question.after;

	return before && before->length == after->length &&
	       memcmp(before->text, after->text, after->length) == 0;
}
