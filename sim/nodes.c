/* nodes.c - several daemons that share one store; see nodes.h. */
#include "nodes.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fiber.h"
#include "ledger_nodes.h"
#include "world.h"

enum { AWAKE = 0, FILE_LATE_MS = 90000, STEPS_MAX = 14 };

/* What is kept for a node while another one is on stage. */
static struct kept {
	int64_t crash_in, crash_down_ms, down_ms;
	int64_t pause_in, pause_ms, asleep_until_ms, clock_off_ms;
	size_t file, file_changes, turns_here, turns_of_node;
	struct mono last_moved;
	int32_t vain_lives, life;
	bool is_dead, is_file_bad;

	bool is_doomed; /* its next crash is its last */
	bool is_gone, has_ended;
	int64_t next_ms;       /* when it goes on */
	int64_t down_until_ms; /* -1: it is not down */
	int64_t file_at_ms;    /* when its file becomes next_file; INT64_MAX: never */
	size_t next_file;
} nodes[NODES_MAX];

static int32_t on_stage = -1;
static size_t newest_file;

bool nodes_are_several(void)
{
	return world.plan->nodes > 1;
}

/* ---- who is on stage ---- */

static void keep(struct kept *node)
{
	node->is_dead = world.is_dead;
	node->is_file_bad = world.is_file_bad;
	node->vain_lives = world.vain_lives;
	node->life = world.life;
	node->crash_in = world.crash_in;
	node->crash_down_ms = world.crash_down_ms;
	node->down_ms = world.down_ms;
	node->pause_in = world.pause_in;
	node->pause_ms = world.pause_ms;
	node->asleep_until_ms = world.asleep_until_ms;
	node->clock_off_ms = world.clock_off_ms;
	node->file = world.file;
	node->file_changes = world.file_changes;
	node->turns_here = world.turns_here;
	node->turns_of_node = world.turns_of_node;
	node->last_moved = world.last_moved;
}

static void restore(const struct kept *node)
{
	world.is_dead = node->is_dead;
	world.is_file_bad = node->is_file_bad;
	world.vain_lives = node->vain_lives;
	world.life = node->life;
	world.crash_in = node->crash_in;
	world.crash_down_ms = node->crash_down_ms;
	world.down_ms = node->down_ms;
	world.pause_in = node->pause_in;
	world.pause_ms = node->pause_ms;
	world.asleep_until_ms = node->asleep_until_ms;
	world.clock_off_ms = node->clock_off_ms;
	world.file = node->file;
	world.file_changes = node->file_changes;
	world.turns_here = node->turns_here;
	world.turns_of_node = node->turns_of_node;
	world.last_moved = node->last_moved;
}

static void enter(int32_t number)
{
	if (on_stage == number)
		return;
	if (on_stage >= 0)
		keep(&nodes[on_stage]);
	machine_stage(on_stage, number);
	disk_stage(on_stage, number);
	runner_stage(on_stage, number);
	restore(&nodes[number]);
	world.node = number;
	on_stage = number;
}

static void sooner(int64_t *when, int64_t than)
{
	if (than < *when)
		*when = than;
}

/* Of the one on stage. */
static void plan_next(void)
{
	struct kept *node = &nodes[on_stage];
	int64_t when = INT64_MAX, other;

	if (runner_next(&other))
		sooner(&when, other);
	if (world.asleep_until_ms != AWAKE) {
		sooner(&when, world.asleep_until_ms);
	} else if (node->down_until_ms >= 0) {
		sooner(&when, node->down_until_ms);
	} else {
		if (!world.is_dead && machine_next(&other))
			sooner(&when, other);
		sooner(&when, node->file_at_ms);
	}
	node->next_ms = when;
}

static void wake_soon(void)
{
	nodes[on_stage].next_ms = world.mono.ms;
}

void nodes_each(void (*fn)(void))
{
	int32_t was = on_stage;

	for (int32_t i = 0; i < world.plan->nodes; i++) {
		if (nodes[i].is_gone)
			continue;
		enter(i);
		fn();
		if (world.asleep_until_ms == AWAKE)
			wake_soon();
	}
	if (was >= 0)
		enter(was);
}

bool nodes_has_died(int32_t node)
{
	return nodes[node].is_gone;
}

bool nodes_is_alive(uint64_t run)
{
	for (int32_t i = 0; i < world.plan->nodes; i++)
		if (!nodes[i].is_gone && runner_is_alive_at(i, on_stage, run))
			return true;
	return false;
}

size_t nodes_hold(void)
{
	size_t count = 0;

	for (int32_t i = 0; i < world.plan->nodes; i++)
		count += nodes[i].is_gone ? 0 : runner_holds_at(i, on_stage);
	return count;
}

/* ---- waiting ---- */

static void take_file(void)
{
	struct kept *node = &nodes[on_stage];

	if (node->file_at_ms > world.mono.ms)
		return;
	node->file_at_ms = INT64_MAX;
	world.file_changes += world.file != node->next_file;
	world.file = node->next_file;
	world.is_file_bad = false;
	machine_file_changed();
}

void nodes_wait(void)
{
	plan_next();
	fiber_yield();
	runner_happen();
	take_file();
	if (!world.is_dead)
		machine_fire();
}

void nodes_sleep(int64_t ms)
{
	if (!fiber_is_inside() || world.is_over || ms <= 0)
		return;
	world.asleep_until_ms = world.mono.ms + ms;
	plan_next();
	fiber_yield();
	world.asleep_until_ms = AWAKE;
}

void nodes_step(void)
{
	if (world.pause_in <= 0 || --world.pause_in > 0 || !fiber_is_inside())
		return;
	world_tell("paused for %lld ms", (long long)world.pause_ms);
	count(COUNT_PAUSES);
	nodes_sleep(world.pause_ms);
}

void nodes_be_down(void)
{
	struct kept *node = &nodes[on_stage];

	node->is_gone = node->is_doomed;
	node->down_until_ms = node->is_gone ? INT64_MAX : world.mono.ms + world.down_ms;
	if (node->is_gone)
		count(COUNT_GONE);
	world_tell("down for %lld ms", (long long)world.down_ms);
	while (!world.is_over && world.mono.ms < node->down_until_ms) {
		plan_next();
		fiber_yield();
		runner_happen();
		take_file();
	}
	node->down_until_ms = -1;
}

/* ---- what happens to them ---- */

static int32_t node_of(const struct item *item)
{
	if (item->kind == ITEM_CANCEL) {
		int32_t owner = ledger_nodes_owner(ledger_pick_open(item->a));

		return owner < 0 ? 0 : owner;
	}
	if (item->node)
		return item->node - 1;
	return (int32_t)(world_draw((uint64_t)item->at_ms, (uint64_t)item->kind, 'n') %
			 (uint64_t)world.plan->nodes);
}

static void change_files(const struct item *item)
{
	newest_file = (size_t)item->a;
	for (int32_t i = 0; i < world.plan->nodes; i++) {
		uint64_t number = world_draw((uint64_t)item->at_ms, (uint64_t)i, 'f');

		enter(i);
		nodes[i].next_file = newest_file;
		nodes[i].file_at_ms =
			world.mono.ms + (number % 3 ? (int64_t)(number / 3 % FILE_LATE_MS) : 0);
		if (nodes[i].file_at_ms < nodes[i].next_ms)
			nodes[i].next_ms = nodes[i].file_at_ms;
	}
}

static void cut_off(const struct item *item)
{
	if (world_draw((uint64_t)item->at_ms, 'c', 'a') % 4) {
		disk_fails_for(item->a);
		return;
	}
	for (int32_t i = 0; i < world.plan->nodes; i++) {
		enter(i);
		disk_fails_for(item->a);
	}
}

/* With the node on stage. False: as with a single one. */
static bool happen_here(const struct item *item)
{
	uint64_t number = world_draw((uint64_t)item->at_ms, 'p', 's');

	switch (item->kind) {
	case ITEM_CRASH:
		if (world.plan->has_loss && world.node == 0 && number % 3 == 0)
			nodes[0].is_doomed = true; /* with its machine */
		return false;
	case ITEM_CLOCK:
		world.clock_off_ms += item->a;
		machine_clock_set();
		return true;
	case ITEM_SUSPEND:
		if (!world.is_dead && world.asleep_until_ms == AWAKE) {
			world.asleep_until_ms = world.mono.ms + item->a;
			runner_sleeps(item->a);
			count(COUNT_PAUSES);
			plan_next();
		}
		return true;
	case ITEM_STALL:
		world.pause_in = 1 + (int64_t)(number % STEPS_MAX);
		world.pause_ms = item->a;
		return true;
	case ITEM_STORE_FAILS: cut_off(item); return true;
	case ITEM_CONFIG: change_files(item); return true;
	case ITEM_TRIGGER:
	case ITEM_PAUSE:
	case ITEM_RESUME:
	case ITEM_CANCEL:
	case ITEM_TERM:
	case ITEM_HUP:
	case ITEM_BAD_FILE: return world.asleep_until_ms != AWAKE;
	case ITEM_STORE_LIES:
	case ITEM_RUNNER_DIES:
	case ITEM_ZONE:
	case ITEM_KIND_COUNT: break;
	}
	return false;
}

bool nodes_happen(const struct item *item)
{
	int32_t node = node_of(item);

	if (nodes[node].is_gone)
		return true;
	enter(node);
	bool is_done = happen_here(item);
	if (world.asleep_until_ms == AWAKE && item->kind != ITEM_CONFIG)
		wake_soon();
	return is_done;
}

static void heal_node(void)
{
	struct kept *node = &nodes[on_stage];

	world.pause_in = -1;
	node->is_doomed = false;
	if (world.asleep_until_ms != AWAKE)
		world.asleep_until_ms = world.mono.ms;
	if (node->down_until_ms >= 0)
		node->down_until_ms = world.mono.ms;
	node->file_at_ms = INT64_MAX;
	world.file_changes += world.file != newest_file;
	world.file = newest_file;
	plan_next();
}

void nodes_heal(void)
{
	nodes_each(heal_node);
}

static void end_node(void)
{
	nodes[on_stage].file_at_ms = INT64_MAX;
}

void nodes_end(void)
{
	newest_file = world.plan->generation_count - 1;
	nodes_each(end_node);
}

/* ---- the history ---- */

static void live(int number)
{
	(void)number;
	while (!world.is_over) {
		world_live_once();
		if (!world.is_over)
			nodes_be_down();
	}
}

void nodes_create(void)
{
	on_stage = -1;
	newest_file = 0;
	for (int32_t i = 0; i < NODES_MAX; i++)
		nodes[i] = (struct kept){.is_dead = true,
					 .crash_in = -1,
					 .file_changes = 1,
					 .pause_in = -1,
					 .down_until_ms = -1,
					 .file_at_ms = INT64_MAX};
	fiber_abandon();
}

/* Whose turn it is; of several at the same time any may be first. */
static int32_t next_node(int64_t *when)
{
	int32_t found = -1;
	uint64_t rank = 0;

	for (int32_t i = 0; i < world.plan->nodes; i++) {
		uint64_t number = world_draw(world.turns, (uint64_t)i, 'w');

		if (nodes[i].has_ended || nodes[i].next_ms > *when ||
		    (found >= 0 && nodes[i].next_ms == *when && number < rank))
			continue;
		*when = nodes[i].next_ms;
		rank = number;
		found = i;
	}
	return found;
}

static void resume(int32_t number)
{
	enter(number);
	if (world.asleep_until_ms != AWAKE && world.asleep_until_ms > world.mono.ms) {
		runner_happen(); /* which does not sleep with it */
		plan_next();
		return;
	}
	world.asleep_until_ms = AWAKE;
	nodes[number].has_ended = !fiber_resume(number);
}

static void end_all(void)
{
	for (int32_t i = 0; i < world.plan->nodes; i++)
		while (!nodes[i].has_ended) {
			enter(i);
			world.is_dead = true;
			world.asleep_until_ms = AWAKE;
			nodes[i].has_ended = !fiber_resume(i);
		}
}

void nodes_live(void)
{
	for (int32_t i = 0; i < world.plan->nodes; i++) {
		enter(i);
		fiber_begin(i, live);
		nodes[i].next_ms = (int64_t)(world_draw((uint64_t)i, 's', 't') % 5000);
	}
	while (!world.is_over) {
		int64_t when = world_next_item_ms(), end = world_phase_end_ms();
		int32_t node;

		if (end < when)
			when = end;
		int64_t limit = when;
		node = next_node(&when);
		if (when > world.mono.ms)
			world.mono.ms = when;
		if (node >= 0 && when < limit)
			resume(node);
		else /* what happens to all comes first */
			world_go_on();
	}
	end_all();
}
