/* plan.c - what a seed stands for; see plan.h. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paris.h"

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	GENERATIONS_MAX = 64,
	ITEMS_MAX = 4096,
	ONE_IN_A_CROWD = 60, /* seeds in which thousands are due at once */
};

#define ITEM_WORD_ROW(name, word) word,

const char *item_word(enum item_kind kind)
{
	static const char *const words[] = {ITEM_KINDS(ITEM_WORD_ROW)};

	return words[kind];
}

/* What jobs follow, the common more than once; no two texts mean the same. */
static const char *const expressions[] = {
	"10 * * * *",     "10 * * * *",   "*/30 * * * *",   "15 */2 * * *", "0 9 * * *",
	"30 2 * * *",     "0 */6 * * *",  "5,50 * * * *",   "0 1 * * *",    "59 23 * * *",
	"*/15 8-9 * * *", "0 12 * * 1-5", "*/20 */3 * * *", "@hourly",      "@daily",
	"* 5 * * *",      "30 * * * *",   "@every 47m",     "@reboot",      "*/10 0-2 * * *",
};

const char *plan_expression(int32_t index)
{
	return expressions[(size_t)index % (sizeof(expressions) / sizeof(*expressions))];
}

/* ---- jobs ---- */

static int32_t pick(struct random *random, const int32_t *of, size_t count)
{
	return of[random_between(random, 0, (int64_t)count - 1)];
}
#define PICK(random, ...)                                                                          \
	pick(random, (const int32_t[]){__VA_ARGS__},                                               \
	     sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void draw_when(struct random *random, struct sim_job *job)
{
	job->expression = (int32_t)random_between(random, 0, 19);
	job->is_paris = random_one_in(random, 4);
	job->jitter_s = random_one_in(random, 4) ? PICK(random, 20, 300, 3500) : 0;
}

static void draw_how(struct random *random, struct sim_job *job)
{
	job->overlap = (enum overlap)random_between(random, 0, OVERLAP_COUNT - 1);
	job->catchup = (enum catchup)random_between(random, 0, CATCHUP_COUNT - 1);
	job->window_s = PICK(random, 60, 3600, 3600, 7200, 90000);
	job->attempts = PICK(random, 1, 1, 2, 3, 5);
	job->backoff_s = PICK(random, 0, 1, 10, 300);
	job->max_backoff_s = PICK(random, 300, 600, 3600);
	job->on = 1u << OUTCOME_FAILED | (random_one_in(random, 2) ? 1u << OUTCOME_TIMED_OUT : 0) |
		  (random_one_in(random, 3) ? 1u << OUTCOME_UNKNOWN : 0);
	job->timeout_s = PICK(random, 0, 30, 300, 1800);
	job->grace_s = PICK(random, 1, 10, 60);
	job->deadline_s = PICK(random, 0, 0, 0, 5, 120, 900, 7200);
	job->priority = PICK(random, 0, 0, -100, 3, 100);
	job->group = random_one_in(random, 2) ? (int32_t)random_between(random, 1, SIM_GROUPS) : 0;
}

static void draw_limits(struct random *random, struct generation *generation)
{
	for (int i = 1; i <= SIM_GROUPS; i++)
		generation->limits[i] = PICK(random, 1, 1, 2, 3);
}

static struct sim_job draw_job(struct random *random, int32_t name)
{
	struct sim_job job = {.name = name, .is_enabled = true};

	draw_when(random, &job);
	draw_how(random, &job);
	return job;
}

static struct generation *add_generation(struct plan *plan, size_t capacity)
{
	struct generation *added = &plan->generations[plan->generation_count++];

	added->jobs = arena_array(&plan->arena, struct sim_job, capacity);
	return added;
}

/* A crowd: all due in the same second. */
static void draw_first(struct plan *plan, struct random *random, bool is_crowd)
{
	struct generation *first = add_generation(plan, (size_t)plan->job_count);
	struct sim_job pattern = draw_job(random, 0);

	draw_limits(random, first);
	first->count = (size_t)plan->job_count;
	for (int32_t i = 0; i < plan->job_count; i++) {
		first->jobs[i] = is_crowd ? pattern : draw_job(random, i);
		first->jobs[i].name = i;
		if (is_crowd) {
			first->jobs[i].expression = 4; /* once a day */
			first->jobs[i].jitter_s = 0;
			first->jobs[i].is_paris = false;
		}
	}
}

static void remove_job(struct generation *generation, size_t at)
{
	memmove(&generation->jobs[at], &generation->jobs[at + 1],
		(generation->count - at - 1) * sizeof(struct sim_job));
	generation->count--;
}

/* It comes back under the name it had last. */
static int32_t last_renames(const struct plan *plan, int32_t name)
{
	int32_t renames = 0;

	for (size_t g = 0; g < plan->generation_count; g++)
		for (size_t i = 0; i < plan->generations[g].count; i++) {
			const struct sim_job *job = &plan->generations[g].jobs[i];

			if (job->name == name && job->renames > renames)
				renames = job->renames;
		}
	return renames;
}

static void change(struct plan *plan, struct random *random, struct generation *next)
{
	int32_t name = (int32_t)random_between(random, 0, plan->job_count - 1);
	size_t at = 0;

	while (at < next->count && next->jobs[at].name != name)
		at++;
	if (at == next->count) {
		next->jobs[next->count] = draw_job(random, name);
		next->jobs[next->count++].renames = last_renames(plan, name);
		return;
	}
	switch (random_between(random, 0, 6)) {
	case 0: remove_job(next, at); break;
	case 1: draw_when(random, &next->jobs[at]); break;
	case 2: next->jobs[at].is_enabled = !next->jobs[at].is_enabled; break;
	case 3: next->jobs[at].renames++; break;
	case 4: draw_limits(random, next); break;
	default: draw_how(random, &next->jobs[at]);
	}
}

static int64_t next_generation(struct plan *plan, struct random *random)
{
	const struct generation *last = &plan->generations[plan->generation_count - 1];
	struct generation *next;

	if (plan->generation_count >= GENERATIONS_MAX - 1)
		return (int64_t)plan->generation_count - 1;
	next = add_generation(plan, (size_t)plan->job_count + 1);
	next->count = last->count;
	memcpy(next->jobs, last->jobs, last->count * sizeof(struct sim_job));
	memcpy(next->limits, last->limits, sizeof(last->limits));
	for (int64_t changes = random_between(random, 1, 3); changes-- > 0;)
		change(plan, random, next);
	return (int64_t)plan->generation_count - 1;
}

void plan_add_end(struct plan *plan)
{
	const struct generation *last = &plan->generations[plan->generation_count - 1];
	struct generation *end = add_generation(plan, last->count + 1);

	end->count = last->count;
	memcpy(end->limits, last->limits, sizeof(last->limits));
	for (size_t i = 0; i < last->count; i++) {
		end->jobs[i] = last->jobs[i];
		end->jobs[i].is_enabled = false;
	}
}

/* ---- what goes wrong ---- */

static int64_t draw_stretch(struct random *random)
{
	switch (random_between(random, 0, 4)) {
	case 0: return random_between(random, 1, 2 * SECOND);
	case 1: return random_between(random, SECOND, MINUTE);
	case 2: return random_between(random, MINUTE, HOUR);
	case 3: return random_between(random, HOUR, 5 * HOUR);
	default: return random_between(random, 5 * HOUR, 60 * HOUR);
	}
}

/* Most things happen close to when jobs are due. */
static int64_t draw_time(struct plan *plan, struct random *random)
{
	int64_t at = random_between(random, 0, plan->length_ms - 1);

	if (random_one_in(random, 3))
		return at;
	int64_t grain = random_one_in(random, 2) ? HOUR : 10 * MINUTE;
	int64_t near = at / grain * grain + random_between(random, -2 * SECOND, 8 * SECOND);
	return near < 0 ? 0 : near;
}

static void draw_one(struct plan *plan, struct random *random, struct item *item)
{
	switch (item->kind) {
	case ITEM_CRASH:
		item->a = random_between(random, 0, 14);
		item->b = draw_stretch(random);
		break;
	case ITEM_CLOCK:
		item->a = draw_stretch(random) * (random_one_in(random, 2) ? 1 : -1);
		break;
	case ITEM_SUSPEND:
	case ITEM_STALL: item->a = draw_stretch(random); break;
	case ITEM_STORE_FAILS: item->a = draw_stretch(random) / 4; break;
	case ITEM_STORE_LIES: item->a = random_between(random, 1, 4); break;
	case ITEM_CONFIG: item->a = next_generation(plan, random); break;
	case ITEM_TRIGGER:
		item->a = random_between(random, 0, plan->job_count - 1);
		item->b = random_one_in(random, 4);
		break;
	case ITEM_PAUSE:
		item->a = random_between(random, 0, plan->job_count - 1);
		item->b = random_one_in(random, 3) ? 0 : draw_stretch(random);
		break;
	case ITEM_RESUME: item->a = random_between(random, 0, plan->job_count - 1); break;
	case ITEM_CANCEL: item->a = random_between(random, 0, 1000); break;
	case ITEM_TERM: item->b = draw_stretch(random); break;
	case ITEM_RUNNER_DIES:
	case ITEM_BAD_FILE:
	case ITEM_HUP:
	case ITEM_ZONE:
	case ITEM_KIND_COUNT: break;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

/* Each seed has its own mixture: most kinds are absent from most histories. */
static void draw_items(struct plan *plan, struct random *random, bool is_crowd)
{
	struct item *items = arena_array(&plan->arena, struct item, ITEMS_MAX);
	size_t count = 0;
	int64_t counts[ITEM_KIND_COUNT];

	for (int kind = 0; kind < ITEM_ZONE; kind++)
		counts[kind] = random_one_in(random, 2)
				       ? 0
				       : random_between(random, 1, is_crowd ? 2 : 6 * plan->days);
	for (int kind = 0; kind < ITEM_ZONE; kind++)
		for (int64_t i = 0; i < counts[kind] && count < ITEMS_MAX; i++)
			items[count++] = (struct item){.at_ms = draw_time(plan, random),
						       .kind = (enum item_kind)kind};
	qsort(items, count, sizeof(*items), by_time);
	for (size_t i = 0; i < count; i++)
		draw_one(plan, random, &items[i]);
	plan->items = items;
	plan->item_count = count;
}

static int32_t draw_odds(struct random *random, int32_t most)
{
	return random_one_in(random, 2) ? 0 : (int32_t)random_between(random, 1, most);
}

static void draw_all_odds(struct plan *plan, struct random *random)
{
	struct odds *odds = &plan->odds;

	odds->answer_lost = draw_odds(random, 60);
	odds->answer_late = draw_odds(random, 300);
	odds->answer_twice = draw_odds(random, 300);
	odds->answers_swapped = draw_odds(random, 300);
	odds->start_refused = draw_odds(random, 100);
	odds->vanishes = draw_odds(random, 60);
	odds->hangs = draw_odds(random, 60);
	odds->stop_lost = draw_odds(random, 300);
	odds->fails_exit = draw_odds(random, 400);
	odds->runs_long = draw_odds(random, 300);
	odds->commit_fails = draw_odds(random, 60);
	odds->commit_lies = draw_odds(random, 40);
	odds->load_fails = draw_odds(random, 200);
	odds->output = draw_odds(random, 300);
}

struct plan *plan_create_empty(uint64_t seed)
{
	struct plan *plan = mem_alloc(sizeof(*plan));

	plan->seed = seed;
	/* A Friday in March: Paris goes over to summer time on its second day. */
	plan->begin_utc_ms = INT64_C(1774569600000) + INT64_C(3) * HOUR;
	plan->max_running = 64;
	plan->nodes = 1;
	plan->healed_ms = INT64_C(3) * HOUR;
	plan->generations = arena_array(&plan->arena, struct generation, GENERATIONS_MAX + 1);
	return plan;
}

/* The rules of the zone change, up to now and then in the hours before they matter. */
static void add_zones(struct plan *plan, struct random *random)
{
	size_t count = (size_t)random_between(random, 1, 4);
	struct item *items = arena_array(&plan->arena, struct item, plan->item_count + count);

	memcpy(items, plan->items, plan->item_count * sizeof(*items));
	for (size_t i = 0; i < count; i++)
		items[plan->item_count + i] =
			(struct item){.at_ms = draw_time(plan, random),
				      .kind = ITEM_ZONE,
				      .a = random_between(random, 0, SIM_PARIS_VERSIONS - 1)};
	plan->items = items;
	plan->item_count += count;
	plan->has_zones = true;
	qsort(items, plan->item_count, sizeof(*items), by_time);
}

/* Where the books are kept by what the store has, not by what is owed (several nodes, zones
 * that change), they know nothing of pauses, groups, priorities, deadlines and names. */
static void drop_policies(struct plan *plan)
{
	struct item *items = arena_array(&plan->arena, struct item, plan->item_count + 1);
	size_t count = 0;

	for (size_t g = 0; g < plan->generation_count; g++) {
		for (size_t i = 0; i < plan->generations[g].count; i++) {
			struct sim_job *job = &plan->generations[g].jobs[i];

			job->deadline_s = job->priority = job->group = job->renames = 0;
		}
	}
	for (size_t i = 0; i < plan->item_count; i++)
		if (plan->items[i].kind != ITEM_PAUSE && plan->items[i].kind != ITEM_RESUME)
			items[count++] = plan->items[i];
	plan->items = items;
	plan->item_count = count;
}

/* What came later has its own numbers, so that the rest of a seed stays as it was. */
static void draw_later(struct plan *plan, int32_t nodes)
{
	struct random random = {random_of(plan->seed, 'n', 'o', 'd')};

	plan->odds.store_slow = random_one_in(&random, 4) ? draw_odds(&random, 30) : 0;
	plan->odds.gate_slow = draw_odds(&random, 100);
	plan->has_loss = random_one_in(&random, 4);
	plan->nodes = nodes ? nodes : PICK(&random, 1, 1, 1, 2, 3);
	if (plan->nodes == 1 && random_one_in(&random, 4))
		add_zones(plan, &random);
	if (plan->nodes > 1 || plan->has_zones)
		drop_policies(plan);
}

struct plan *plan_create(uint64_t seed, int32_t days, int32_t jobs, int32_t nodes)
{
	struct plan *plan = plan_create_empty(seed);
	struct random random = {random_of(seed, 0, 0, 0)};
	bool is_crowd = !jobs && random_one_in(&random, ONE_IN_A_CROWD);

	plan->days = (int32_t)random_between(&random, 1, is_crowd ? 1 : 8);
	plan->job_count = (int32_t)(is_crowd ? random_between(&random, 1000, 2000)
					     : random_between(&random, 1, 9));
	if (days)
		plan->days = days;
	if (jobs)
		plan->job_count = jobs;
	plan->length_ms = (int64_t)plan->days * DAY;
	plan->begin_utc_ms += random_between(&random, -DAY, 2 * (int64_t)DAY);
	plan->max_running = PICK(&random, 1, 2, 4, 64, 64, 64);
	plan->stop_mode = (int32_t)random_between(&random, 0, 2);
	draw_all_odds(plan, &random);
	draw_first(plan, &random, is_crowd);
	draw_items(plan, &random, is_crowd);
	draw_later(plan, nodes);
	plan_add_end(plan);
	return plan;
}

void plan_destroy(struct plan *plan)
{
	if (!plan)
		return;
	arena_finish(&plan->arena);
	free(plan);
}

/* ---- schedules.json ---- */

static void write_retry(const struct sim_job *job, struct buf *json)
{
	static const enum outcome retried[] = {OUTCOME_FAILED, OUTCOME_TIMED_OUT, OUTCOME_UNKNOWN};

	buf_json_open(json, "retry", '{');
	buf_json_int(json, "attempts", job->attempts);
	buf_json_int(json, "backoff", job->backoff_s);
	buf_json_int(json, "max_backoff", job->max_backoff_s);
	buf_json_open(json, "on", '[');
	for (size_t i = 0; i < sizeof(retried) / sizeof(*retried); i++)
		if (job->on & 1u << retried[i])
			buf_json_text(json, NULL, outcome_word(retried[i]));
	buf_json_close(json, ']');
	buf_json_close(json, '}');
}

static const char *name_of(int32_t name, int32_t renames)
{
	static char text[32];

	if (renames)
		snprintf(text, sizeof(text), "j%dr%d", name, renames);
	else
		snprintf(text, sizeof(text), "j%d", name);
	return text;
}

const char *plan_name(const struct sim_job *job)
{
	return name_of(job->name, job->renames);
}

static void write_names(const struct sim_job *job, struct buf *json)
{
	buf_json_text(json, "name", plan_name(job));
	if (!job->renames)
		return;
	buf_json_open(json, "was", '[');
	for (int32_t i = 0; i < job->renames; i++)
		buf_json_text(json, NULL, name_of(job->name, i));
	buf_json_close(json, ']');
}

static void write_places(const struct sim_job *job, const struct generation *g, struct buf *json)
{
	char group[16];

	buf_json_int(json, "priority", job->priority);
	if (!job->group)
		return;
	snprintf(group, sizeof(group), "g%d", job->group);
	buf_json_text(json, "group", group);
	buf_json_int(json, "group_limit", g->limits[job->group]);
}

static void write_job(const struct sim_job *job, const struct generation *g, struct buf *json)
{
	buf_json_open(json, NULL, '{');
	write_names(job, json);
	buf_json_text(json, "schedule", plan_expression(job->expression));
	buf_json_text(json, "timezone", job->is_paris ? "Europe/Paris" : "UTC");
	if (job->jitter_s)
		buf_json_int(json, "jitter", job->jitter_s);
	buf_json_bool(json, "enabled", job->is_enabled);
	buf_json_text(json, "overlap", overlap_word(job->overlap));
	buf_json_text(json, "catchup", catchup_word(job->catchup));
	buf_json_int(json, "catchup_window", job->window_s);
	buf_json_int(json, "timeout", job->timeout_s);
	buf_json_int(json, "grace", job->grace_s);
	buf_json_int(json, "deadline", job->deadline_s);
	write_places(job, g, json);
	write_retry(job, json);
	buf_json_raw(json, "command", "[\"true\"]");
	buf_json_close(json, '}');
}

void plan_write(const struct plan *plan, size_t generation, struct buf *json)
{
	const struct generation *g = &plan->generations[generation];
	char number[32];

	snprintf(number, sizeof(number), "%zu", generation);
	buf_json_open(json, NULL, '{');
	buf_json_text(json, "$schema", number); /* each is a text of its own */
	buf_json_raw(json, "defaults", "{\"keep\":{\"age\":\"8h\",\"runs\":20}}");
	buf_json_open(json, "jobs", '[');
	for (size_t i = 0; i < g->count; i++)
		if (g->jobs[i].name < plan->job_count)
			write_job(&g->jobs[i], g, json);
	buf_json_close(json, ']');
	buf_json_close(json, '}');
}
