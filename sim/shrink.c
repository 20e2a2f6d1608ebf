/*
 * shrink.c - a short history that breaks the same promise.
 *
 * Leaves out what the failure does not need: days, then events (in halves, quarters
 * … one by one: Zeller's delta debugging, TSE 2002), then small faults, then jobs. A
 * shorter plan counts where it breaks any promise.
 */
#include "shrink.h"

#include <stdio.h>
#include <string.h>

#include "world.h"

enum { TRIES_MAX = 600 };

struct shrinking {
	struct plan *plan;
	int tries;
};

static bool breaks(struct shrinking *shrinking)
{
	if (shrinking->tries++ >= TRIES_MAX)
		return false;
	return !world_live(shrinking->plan, TELL_NOTHING);
}

static void cut_days(struct shrinking *shrinking)
{
	struct plan *plan = shrinking->plan;

	while (plan->days > 1) {
		int64_t length_ms = plan->length_ms;

		plan->length_ms -= INT64_C(86400000);
		plan->days--;
		if (breaks(shrinking))
			continue;
		plan->length_ms = length_ms;
		plan->days++;
		return;
	}
}

/* Without items [from, from + count). */
static bool cut_items(struct shrinking *shrinking, size_t from, size_t count)
{
	struct plan *plan = shrinking->plan;
	struct item *all = plan->items;
	size_t had = plan->item_count;
	struct item *kept = arena_array(&plan->arena, struct item, had);

	memcpy(kept, all, from * sizeof(*kept));
	memcpy(kept + from, all + from + count, (had - from - count) * sizeof(*kept));
	plan->items = kept;
	plan->item_count = had - count;
	if (breaks(shrinking))
		return true;
	plan->items = all;
	plan->item_count = had;
	return false;
}

static void cut_all_items(struct shrinking *shrinking)
{
	struct plan *plan = shrinking->plan;

	for (size_t size = (plan->item_count + 1) / 2; size >= 1; size /= 2) {
		for (size_t from = 0; from < plan->item_count;) {
			size_t count =
				plan->item_count - from < size ? plan->item_count - from : size;

			if (!cut_items(shrinking, from, count))
				from += count;
		}
	}
}

static void cut_odds(struct shrinking *shrinking)
{
	int32_t *odds = (int32_t *)&shrinking->plan->odds;

	for (size_t i = 0; i < sizeof(struct odds) / sizeof(int32_t); i++) {
		int32_t kept = odds[i];

		odds[i] = 0;
		if (kept && !breaks(shrinking))
			odds[i] = kept;
	}
}

static void without(struct plan *plan, int32_t name)
{
	for (size_t g = 0; g < plan->generation_count; g++) {
		struct generation *generation = &plan->generations[g];

		for (size_t i = 0; i < generation->count; i++)
			if (generation->jobs[i].name == name) {
				memmove(&generation->jobs[i], &generation->jobs[i + 1],
					(generation->count - i - 1) * sizeof(struct sim_job));
				generation->count--;
				break;
			}
	}
}

static bool keep_only(struct shrinking *shrinking, struct generation *kept, int32_t name)
{
	struct plan *plan = shrinking->plan;
	struct generation *all = plan->generations;

	plan->generations = kept;
	for (size_t g = 0; g < plan->generation_count; g++) {
		kept[g] = all[g];
		kept[g].jobs = arena_array(&plan->arena, struct sim_job, all[g].count + 1);
		memcpy(kept[g].jobs, all[g].jobs, all[g].count * sizeof(struct sim_job));
	}
	without(plan, name);
	if (breaks(shrinking))
		return true;
	plan->generations = all;
	return false;
}

static void cut_jobs(struct shrinking *shrinking)
{
	struct plan *plan = shrinking->plan;

	for (int32_t name = 0; name < plan->job_count && name < 40; name++)
		keep_only(shrinking,
			  arena_array(&plan->arena, struct generation, plan->generation_count),
			  name);
}

static void cut_nodes(struct shrinking *shrinking)
{
	struct plan *plan = shrinking->plan;

	while (plan->nodes > 1) {
		plan->nodes--;
		if (breaks(shrinking))
			continue;
		plan->nodes++;
		return;
	}
}

static void tell_jobs(const struct plan *plan)
{
	struct buf json = {0};

	plan_write(plan, 0, &json);
	printf("  %.2000s\n", buf_string(&json));
	buf_finish(&json);
}

void shrink_and_tell(struct plan *plan, bool is_bare)
{
	struct shrinking shrinking = {plan, 0};

	printf("\nseed %llu breaks a promise at step %zu, %lld s: %s\n",
	       (unsigned long long)plan->seed, world.steps, (long long)world.broken_at.ms / 1000,
	       world.promise);
	printf("  ./dev sim --seed %llu --history    tells all of it\n",
	       (unsigned long long)plan->seed);
	fflush(stdout);
	if (is_bare)
		return;
	cut_nodes(&shrinking);
	cut_days(&shrinking);
	cut_all_items(&shrinking);
	cut_odds(&shrinking);
	cut_jobs(&shrinking);
	cut_all_items(&shrinking);
	world_live(plan, TELL_NOTHING);
	printf("a short history of it (%d node%s, %d days, %zu events, %d tries): %s\n",
	       plan->nodes, plan->nodes == 1 ? "" : "s", plan->days, plan->item_count,
	       shrinking.tries, world.promise);
	tell_jobs(plan);
	world_live(plan, TELL_THE_END);
	fflush(stdout);
}
