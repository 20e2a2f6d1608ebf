/*
 * small.c - small histories, every one.
 *
 * Two jobs that are due each minute or two, one event a minute out of a short list,
 * all sequences of them: what thousands of drawn histories meet by chance is met here
 * for certain.
 */
#include "small.h"

#include <stdio.h>
#include <string.h>

#include "shrink.h"
#include "world.h"

enum { MINUTE_MS = 60000 };

static const struct item alphabet[] = {
	{.kind = ITEM_CRASH, .a = 5, .b = 1500},
	{.kind = ITEM_STORE_LIES, .a = 1},
	{.kind = ITEM_RUNNER_DIES},
	{.kind = ITEM_CLOCK, .a = -90000},
	{.kind = ITEM_CONFIG}, /* forth and back between two generations */
	{.kind = ITEM_CANCEL},
	{.kind = ITEM_PAUSE, .b = 90000},
};

/* Of two nodes; how far into its work each is hurt goes up with the event's number. */
static const struct item alphabet_of_nodes[] = {
	{.kind = ITEM_CRASH, .a = 3, .b = 1500, .node = 1},
	{.kind = ITEM_STALL, .a = 45000, .node = 2},       /* past its lease */
	{.kind = ITEM_STORE_FAILS, .a = 40000, .node = 1}, /* cut from the store */
	{.kind = ITEM_CONFIG},
};

struct letters {
	const struct item *items;
	size_t count;
};

static struct letters letters_of(const struct plan *plan)
{
	if (plan->nodes > 1)
		return (struct letters){alphabet_of_nodes,
					sizeof(alphabet_of_nodes) / sizeof(struct item)};
	return (struct letters){alphabet, sizeof(alphabet) / sizeof(struct item)};
}

static struct plan *make(int32_t nodes)
{
	struct plan *plan = plan_create_empty(1);
	static const struct sim_job jobs[] = {
		{.name = 0,
		 .expression = 15,
		 .is_enabled = true,
		 .overlap = OVERLAP_FORBID,
		 .window_s = 3600,
		 .attempts = 2,
		 .backoff_s = 1,
		 .max_backoff_s = 300,
		 .on = 1u << OUTCOME_FAILED | 1u << OUTCOME_UNKNOWN,
		 .timeout_s = 30,
		 .grace_s = 1,
		 .deadline_s = 50,
		 .group = 1},
		{.name = 1,
		 .expression = 15,
		 .is_enabled = true,
		 .overlap = OVERLAP_QUEUE,
		 .catchup = CATCHUP_ALL,
		 .window_s = 3600,
		 .attempts = 1,
		 .max_backoff_s = 300,
		 .on = 1u << OUTCOME_FAILED,
		 .grace_s = 1,
		 .priority = 1,
		 .group = 1},
	};

	plan->job_count = 2;
	plan->nodes = nodes;
	plan->healed_ms = 20 * MINUTE_MS + 7000; /* not when something is due */
	plan->days = 1;
	plan->generation_count = 2;
	for (int g = 0; g < 2; g++) {
		plan->generations[g].jobs = arena_array(&plan->arena, struct sim_job, 3);
		plan->generations[g].count = 2;
		plan->generations[g].limits[1] = 1 + g;
		memcpy(plan->generations[g].jobs, jobs, sizeof(jobs));
	}
	plan->generations[1].jobs[0].overlap = OVERLAP_REPLACE;
	plan->generations[1].jobs[1].is_enabled = false;
	plan_add_end(plan);
	/* "* 5 * * *": the fifth hour begins with the history. */
	plan->begin_utc_ms += INT64_C(2) * 3600 * 1000 - 30000;
	plan->odds.runs_long = 300;
	return plan;
}

static void spell(struct plan *plan, int64_t number, int32_t events)
{
	struct letters letters = letters_of(plan);
	int64_t generation = 0;

	for (int32_t i = 0; i < events; i++, number /= (int64_t)letters.count) {
		struct item item = letters.items[number % (int64_t)letters.count];

		if (item.kind == ITEM_CONFIG)
			item.a = generation = 1 - generation;
		if (item.kind == ITEM_CRASH && item.node)
			item.a = i; /* a step later each time */
		item.at_ms = (i + 1) * MINUTE_MS - 30000 + (i % 2 ? 20 : 0);
		plan->items[i] = item;
	}
	plan->item_count = (size_t)events;
	plan->length_ms = (events + 1) * MINUTE_MS;
}

int small_all(int32_t events, int32_t nodes)
{
	struct plan *plan = make(nodes);
	int64_t count = 1;
	bool ok = true;

	plan->items = arena_array(&plan->arena, struct item, (size_t)events);
	for (int32_t i = 0; i < events; i++)
		count *= (int64_t)letters_of(plan).count;
	for (int64_t number = 0; number < count && ok; number++) {
		spell(plan, number, events);
		ok = world_live(plan, TELL_NOTHING);
	}
	if (ok)
		printf("%lld histories of %d events, %d node%s: no promise broken\n",
		       (long long)count, events, nodes, nodes == 1 ? "" : "s");
	else
		shrink_and_tell(plan, false);
	plan_destroy(plan);
	return ok ? 0 : 1;
}
