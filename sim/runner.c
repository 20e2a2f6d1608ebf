/*
 * runner.c - the executor, and the runner behind it that outlives daemons.
 *
 * What the runner holds is the truth about each attempt; what the daemon is told of
 * it may be late, twice, in the wrong order or not at all until all is healed or
 * another daemon asks. Like the process executor it starts an attempt that it has
 * already only once, where it was asked to adopt the run before.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger_nodes.h"
#include "nodes.h"
#include "world.h"

enum { TABLE = 256, SOON_MS = 40, GATE_SLOW_MS = 60000 };

enum stage {
	ASKED,   /* on its way: lost with the daemon */
	ALIVE,   /* a process */
	ENDED,   /* the spool has its exit */
	GONE,    /* nobody saw how it ended */
	REFUSED, /* certainly never started */
};

struct held {
	struct held *bucket;
	uint64_t run;
	int32_t attempt;
	enum stage stage;
	int64_t begun_ms, timeout_ms, grace_ms;
	int64_t let_go_until_ms; /* 0: nothing limits it */
	int64_t watched_ms;      /* since when somebody could have ended it */
	bool is_hanging;         /* heeds no timeout of its own */
	bool is_stopped;
	struct utc begun_at;
	struct attempt_end end;
	/* What this life's daemon asked and was told. */
	bool is_asked, is_adopted, was_told_begun, was_told_end;
	bool was_ever_told_lost;
	bool may_start_later; /* refused for a reason that passes */
	uint32_t refusals;
	uint32_t plan; /* the number of its end's happening: older ones are void */
};

enum what { BEGIN, END, TELL_BEGUN, TELL_END };

struct happening {
	int64_t at_ms;
	uint64_t order;
	enum what what;
	uint64_t run;
	int32_t attempt;
	int32_t life;  /* TELL: whom */
	uint32_t plan; /* END */
	bool is_repeat;
};

static struct runner {
	struct executor executor;
	struct exec_sink sink;
	struct held *table[TABLE];
	size_t count;
	struct happening *heap; /* the soonest first */
	size_t heap_count, heap_capacity;
	uint64_t order;
	struct adopted { /* asked for by this life, by run */
		uint64_t run;
	} * adopted;
	size_t adopted_count, adopted_capacity;
	int32_t life; /* whose executor it is */
} runner, runners[NODES_MAX];

/* ---- the heap of what is to come ---- */

static bool is_sooner(const struct happening *a, const struct happening *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct happening *a, struct happening *b)
{
	struct happening kept = *a;

	*a = *b;
	*b = kept;
}

static void push(struct happening happening)
{
	struct happening *heap;
	size_t i = runner.heap_count++;

	if (runner.heap_count > runner.heap_capacity) {
		runner.heap_capacity = runner.heap_capacity ? runner.heap_capacity * 2 : 64;
		runner.heap =
			mem_resize(runner.heap, runner.heap_capacity * sizeof(struct happening));
	}
	heap = runner.heap;
	happening.order = runner.order++;
	heap[i] = happening;
	for (; i > 0 && is_sooner(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&heap[i], &heap[(i - 1) / 2]);
}

static struct happening pop(void)
{
	struct happening *heap = runner.heap, top = heap[0];
	size_t count = --runner.heap_count;

	heap[0] = heap[count];
	for (size_t i = 0, child; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && is_sooner(&heap[child + 1], &heap[child]))
			child++;
		if (!is_sooner(&heap[child], &heap[i]))
			break;
		swap(&heap[child], &heap[i]);
	}
	return top;
}

bool runner_next(int64_t *mono_ms)
{
	if (runner.heap_count == 0)
		return false;
	*mono_ms = runner.heap[0].at_ms;
	return true;
}

/* ---- what is held ---- */

static struct held **chain_of(uint64_t run)
{
	return &runner.table[random_of(0, run, 0, 0) % TABLE];
}

static struct held *find(uint64_t run, int32_t attempt)
{
	for (struct held *held = *chain_of(run); held; held = held->bucket)
		if (held->run == run && held->attempt == attempt)
			return held;
	return NULL;
}

static struct held *add(uint64_t run, int32_t attempt)
{
	struct held *held = mem_alloc(sizeof(*held));

	held->run = run;
	held->attempt = attempt;
	held->bucket = *chain_of(run);
	*chain_of(run) = held;
	runner.count++;
	return held;
}

static void remove_held(struct held *held)
{
	struct held **link = chain_of(held->run);

	while (*link != held)
		link = &(*link)->bucket;
	*link = held->bucket;
	runner.count--;
	free(held);
}

static void each(void (*fn)(struct held *held))
{
	for (size_t i = 0; i < TABLE && runner.count > 0; i++)
		for (struct held *held = runner.table[i], *next; held; held = next) {
			next = held->bucket;
			fn(held);
		}
}

size_t runner_holds(void)
{
	return runner.count;
}

struct truth runner_truth(uint64_t run, int32_t attempt)
{
	const struct held *held = find(run, attempt);

	if (!held)
		return (struct truth){0};
	return (struct truth){
		.is_known = true,
		.is_alive = held->stage == ALIVE,
		.has_begun = held->stage == ALIVE || held->stage == ENDED || held->stage == GONE,
		.has_ended = held->stage == ENDED,
		.was_refused = held->stage == REFUSED,
		.was_lost = held->was_ever_told_lost,
		.timed_out = held->end.timed_out,
		.exit_code = held->end.exit_code,
	};
}

bool runner_is_alive(uint64_t run)
{
	for (const struct held *held = *chain_of(run); held; held = held->bucket)
		if (held->run == run && held->stage == ALIVE)
			return true;
	return false;
}

/* ---- answers ---- */

static struct happening about(const struct held *held, enum what what, int64_t in_ms)
{
	return (struct happening){.at_ms = world.mono.ms + in_ms,
				  .what = what,
				  .run = held->run,
				  .attempt = held->attempt,
				  .life = world.life,
				  .plan = held->plan};
}

static void answer(const struct held *held, enum what what, int64_t in_ms)
{
	const struct odds *odds = &world.plan->odds;
	uint64_t by = (uint64_t)held->attempt * 8 + what;

	if (world_odds(odds->answer_late, held->run, by, 'L'))
		in_ms += (int64_t)(world_draw(held->run, by, 'l') % 900000);
	if (!world_odds(odds->answer_lost, held->run, by + (uint64_t)world.life * 1000, 'O'))
		push(about(held, what, in_ms));
	else
		world_tell("an answer about %llx.%d is lost", (unsigned long long)held->run,
			   held->attempt);
	if (world_odds(odds->answer_twice, held->run, by, 'T')) {
		struct happening again = about(
			held, what, in_ms + (int64_t)(world_draw(held->run, by, 't') % 90000));

		again.is_repeat = true;
		push(again);
	}
}

static bool has_end(const struct held *held)
{
	return held->stage == ENDED || held->stage == GONE || held->stage == REFUSED;
}

/* All that is to be told of it, in order or not. */
static void answer_all(const struct held *held)
{
	bool is_swapped = world_odds(world.plan->odds.answers_swapped, held->run,
				     (uint64_t)held->attempt, 'S');

	if (held->stage == ALIVE || held->stage == ENDED)
		answer(held, TELL_BEGUN, is_swapped ? 30 : 2);
	if (has_end(held))
		answer(held, TELL_END, is_swapped ? 1 : 5);
}

static void tell_begun(struct held *held)
{
	held->was_told_begun = true;
	runner.sink.event(runner.sink.context, &(struct event){.kind = EVENT_STARTED,
							       .run = held->run,
							       .attempt = held->attempt,
							       .at = held->begun_at});
}

static void tell_output(const struct held *held)
{
	if (!world_odds(world.plan->odds.output, held->run, (uint64_t)held->attempt, 'o'))
		return;
	runner.sink.output(runner.sink.context, &(struct log_chunk){.run = held->run,
								    .attempt = held->attempt,
								    .stream = STREAM_STDOUT,
								    .at = world_utc(),
								    .data = "said\n",
								    .length = 5});
}

static void tell_end(struct held *held)
{
	struct event event = {.run = held->run, .attempt = held->attempt};

	/* Once that it never started, as it may be started then. */
	if (held->stage == REFUSED && held->was_told_end)
		return;
	held->was_told_end = true;
	switch (held->stage) {
	case ENDED:
		tell_output(held);
		event.kind = EVENT_EXITED;
		event.end = held->end;
		break;
	case GONE:
		held->was_ever_told_lost = true;
		event.kind = EVENT_LOST;
		event.message = "nobody saw how it ended";
		break;
	case REFUSED:
		event.kind = EVENT_START_FAILED;
		event.message = "it never started";
		event.is_passing = held->may_start_later;
		/* Told so, the daemon may ask again. */
		if (held->may_start_later)
			held->is_asked = false;
		break;
	case ASKED:
	case ALIVE: return;
	}
	runner.sink.event(runner.sink.context, &event);
}

/* ---- a process's life ---- */

static void end_in(struct held *held, int64_t ms)
{
	held->plan++;
	push(about(held, END, ms));
}

static int64_t draw_length(const struct held *held)
{
	uint64_t number = world_draw(held->run, (uint64_t)held->attempt, 'd');

	if (world_odds(world.plan->odds.runs_long, held->run, (uint64_t)held->attempt, 'R'))
		return (int64_t)(number % 7200000);
	return (int64_t)(number % 5000);
}

static void refuse(struct held *held)
{
	held->stage = REFUSED;
	answer(held, TELL_END, 1);
}

static bool is_shut(int64_t let_go_until_ms)
{
	return let_go_until_ms && world.mono.ms >= let_go_until_ms;
}

static void begin(struct held *held)
{
	const struct odds *odds = &world.plan->odds;
	uint64_t attempt = (uint64_t)held->attempt;

	if (held->stage != ASKED)
		return;
	if (is_shut(held->let_go_until_ms)) {
		count(COUNT_SHUT_GATES);
		refuse(held);
		return;
	}
	if (nodes_are_several())
		ledger_nodes_begin(held->run);
	if (world_odds(odds->start_refused, held->run, attempt + held->refusals * UINT64_C(1000),
		       'r')) {
		held->may_start_later =
			world_draw(held->run, attempt + held->refusals++, 'p') % 2 == 0;
		refuse(held);
		return;
	}
	held->stage = ALIVE;
	held->begun_at = world_utc();
	held->begun_ms = held->watched_ms = world.mono.ms;
	int64_t length = draw_length(held);
	held->end = (struct attempt_end){.started_at = held->begun_at,
					 .processed = -1,
					 .failed = -1,
					 .cpu_ms = 1,
					 .max_rss_kib = -1};
	held->end.exit_code = world_odds(odds->fails_exit, held->run, attempt, 'F') ? 3 : 0;
	if (held->timeout_ms && length > held->timeout_ms) {
		length = held->timeout_ms + held->grace_ms / 2;
		held->end.timed_out = true;
		held->end.exit_code = -1;
		held->end.signal = 15;
	}
	held->is_hanging = world_odds(odds->hangs, held->run, attempt, 'H');
	if (!held->is_hanging)
		end_in(held, length);
	if (!world_odds(odds->answers_swapped, held->run, attempt, 'S'))
		answer(held, TELL_BEGUN, 2);
}

static void end(struct held *held)
{
	bool vanishes =
		world_odds(world.plan->odds.vanishes, held->run, (uint64_t)held->attempt, 'V');

	held->stage = vanishes ? GONE : ENDED;
	held->end.finished_at = world_utc();
	if (held->end.finished_at.ms < held->end.started_at.ms)
		held->end.finished_at = held->end.started_at;
	answer(held, TELL_END, 3);
	if (world_odds(world.plan->odds.answers_swapped, held->run, (uint64_t)held->attempt, 'S'))
		answer(held, TELL_BEGUN, 9);
}

/* Told to the daemon that asked, once it listens. */
static void hear(struct held *held, const struct happening *happening)
{
	if (happening->life != world.life || world.is_dead)
		return;
	if (world.asleep_until_ms > world.mono.ms) {
		struct happening later = *happening;

		later.at_ms = world.asleep_until_ms;
		push(later);
	} else if (happening->what == TELL_BEGUN) {
		tell_begun(held);
	} else {
		tell_end(held);
	}
}

static void take_up(const struct happening *happening)
{
	struct held *held = find(happening->run, happening->attempt);

	if (!held)
		return;
	switch (happening->what) {
	case BEGIN: begin(held); break;
	case END:
		if (held->stage == ALIVE && held->plan == happening->plan)
			end(held);
		break;
	case TELL_BEGUN:
	case TELL_END: hear(held, happening); break;
	}
}

void runner_happen(void)
{
	while (runner.heap_count > 0 && runner.heap[0].at_ms <= world.mono.ms) {
		struct happening happening = pop();

		take_up(&happening);
	}
}

/* ---- the executor (exec.h) ---- */

static bool check(struct executor *executor, const struct job *job, struct err *err)
{
	(void)executor, (void)job, (void)err;
	return true;
}

static bool was_adopted(uint64_t run)
{
	for (size_t i = 0; i < runner.adopted_count; i++)
		if (runner.adopted[i].run == run)
			return true;
	return false;
}

static void start_again(struct held *held, const struct run *run)
{
	const char *name = run->job;

	if (held->is_asked)
		world_broken("%s: attempt %d is started twice by one daemon", name, run->attempt);
	else if (held->was_told_begun || (held->was_told_end && held->stage != REFUSED))
		world_broken("%s: attempt %d is started though it is known to have begun", name,
			     run->attempt);
	else if (!was_adopted(run->id))
		world_broken("%s: attempt %d is started a second time, and nobody had asked what "
			     "became of the first",
			     name, run->attempt);
	held->is_asked = true;
	answer_all(held);
}

static int64_t gate_takes(const struct run *run)
{
	uint64_t number = world_draw(run->id, 0, 'b');
	bool is_slow = nodes_are_several() &&
		       world_odds(world.plan->odds.gate_slow, run->id, (uint64_t)run->attempt, 'G');

	return (int64_t)(number % (is_slow ? GATE_SLOW_MS : SOON_MS));
}

static void start(struct executor *executor, const struct job *job, const struct run *run)
{
	if (!world_step())
		return;
	world_tell("start %s %llx.%d", run->job, (unsigned long long)run->id, run->attempt);
	if (!is_shut(executor->let_go_until.ms)) /* else it was paused on its way here */
		ledger_start(job, run);
	struct held *held = find(run->id, run->attempt);
	if (held && held->stage != REFUSED) {
		start_again(held, run);
		return;
	}
	if (held && held->is_asked)
		world_broken("%s: attempt %d is started again after it failed to start", run->job,
			     run->attempt);
	if (!held)
		held = add(run->id, run->attempt);
	held->stage = ASKED;
	held->is_asked = true;
	held->was_told_end = false;
	held->let_go_until_ms = executor->let_go_until.ms;
	held->timeout_ms = job->timeout_ms;
	held->grace_ms = job->grace_ms;
	world.runs++;
	push(about(held, BEGIN, 1 + gate_takes(run)));
	world_step();
}

static void adopt(struct executor *executor, const struct run *run)
{
	struct held *held = find(run->id, run->attempt);

	(void)executor;
	if (!world_step())
		return;
	world_tell("adopt %s %llx.%d", run->job, (unsigned long long)run->id, run->attempt);
	if (runner.adopted_count == runner.adopted_capacity) {
		runner.adopted_capacity = runner.adopted_capacity * 2 + 16;
		runner.adopted = mem_resize(runner.adopted,
					    runner.adopted_capacity * sizeof(*runner.adopted));
	}
	runner.adopted[runner.adopted_count++].run = run->id;
	if (!held) {
		held = add(run->id, run->attempt);
		held->stage = REFUSED;
	}
	held->is_adopted = true;
	answer_all(held);
}

static int64_t dying_takes(const struct held *held)
{
	uint64_t number = world_draw(held->run, (uint64_t)held->attempt, 'k');

	return (int64_t)(number % (uint64_t)(held->grace_ms + 1));
}

static void stop(struct executor *executor, uint64_t run, int64_t grace_ms)
{
	(void)executor, (void)grace_ms;
	if (!world_step())
		return;
	world_tell("stop %llx", (unsigned long long)run);
	for (struct held *held = *chain_of(run); held; held = held->bucket) {
		if (held->run != run)
			continue;
		if (world_odds(world.plan->odds.stop_lost, run, world.steps, 's')) {
			world_tell("which is lost");
			continue;
		}
		if (held->stage == ASKED) {
			held->stage = REFUSED;
			answer(held, TELL_END, 1);
		} else if (held->stage == ALIVE && !held->is_stopped) {
			held->is_stopped = true;
			held->end.exit_code = -1;
			held->end.signal = 15;
			end_in(held, dying_takes(held));
		}
	}
}

static void forget(struct executor *executor, uint64_t run)
{
	(void)executor;
	if (!world_step())
		return;
	ledger_forget(run);
	for (struct held *held = *chain_of(run), *next; held; held = next) {
		next = held->bucket;
		if (held->run != run)
			continue;
		if (held->stage == ALIVE)
			world_broken("a run is forgotten while its process is alive");
		remove_held(held);
	}
}

static void destroy(struct executor *executor)
{
	(void)executor;
}

static const struct executor_ops ops = {.check = check,
					.start = start,
					.adopt = adopt,
					.stop = stop,
					.forget = forget,
					.destroy = destroy};

/* What was on its way goes down with the daemon, or just came through. */
static void lose_asked(struct held *held)
{
	if (held->stage == ASKED && world_draw(held->run, (uint64_t)held->attempt, 'c') % 2)
		remove_held(held);
}

static void forget_talk(struct held *held)
{
	held->is_asked = held->is_adopted = held->was_told_begun = held->was_told_end = false;
	held->watched_ms = world.mono.ms;
}

/* What was taken over from this node is ended: no run of its own has it. */
static void sweep_node(struct held *held)
{
	if (ledger_is_open(held->run) && ledger_nodes_owner(held->run) == world.node)
		return;
	if (held->stage == ALIVE)
		count(COUNT_SWEPT);
	remove_held(held);
}

/* A node that has joined again is another daemon to its runner. */
static void begin_talk(void)
{
	if (runner.life == world.life)
		world.life = ++world.lives;
	runner.life = world.life;
	runner.adopted_count = 0;
	each(forget_talk);
	each(lose_asked);
	each(sweep_node);
}

/* In place of exec/fly.c, which nothing in a history uses. */
struct executor *exec_fly_create(struct loop *loop, const char *state_dir,
				 const struct exec_sink *sink, struct err *err)
{
	(void)loop, (void)state_dir, (void)err;
	return exec_absent_create(EXECUTOR_FLY, sink);
}

/* In place of exec/process.c. */
struct executor *exec_process_create(struct loop *loop, const char *state_dir,
				     const char *runner_path, const struct exec_sink *sink,
				     struct err *err)
{
	(void)loop, (void)state_dir, (void)runner_path;
	if (!world_step()) {
		err_set(err, "dead");
		return NULL;
	}
	if (nodes_are_several())
		begin_talk();
	runner.executor = (struct executor){.ops = &ops};
	runner.sink = *sink;
	return &runner.executor;
}

/* ---- what the world does to it ---- */

static void sweep(struct held *held)
{
	if (ledger_is_open(held->run))
		return;
	if (held->stage == ALIVE)
		world_broken("a process runs for a run that the store does not know as open");
	remove_held(held);
}

void runner_life_begins(void)
{
	if (nodes_are_several()) /* when its executor is made */
		return;
	runner.adopted_count = 0;
	each(forget_talk);
	each(sweep); /* as the executor does once all open runs were adopted */
}

void runner_life_ends(void)
{
	each(lose_asked);
}

static void lose(struct held *held)
{
	if (held->stage == ALIVE)
		held->stage = GONE;
	else if (held->stage == ASKED)
		held->stage = REFUSED;
	else
		return;
	held->plan++;
	answer(held, TELL_END, 1);
}

void runner_dies(void)
{
	each(lose);
}

void runner_sleeps(int64_t ms)
{
	for (size_t i = 0; i < runner.heap_count; i++)
		runner.heap[i].at_ms += ms;
	for (size_t i = 0; i < TABLE; i++)
		for (struct held *held = runner.table[i]; held; held = held->bucket)
			held->watched_ms += ms;
}

/* Lost answers arrive; what hangs without a timeout or a stop comes to its end. */
static void heal_one(struct held *held)
{
	bool is_watched = held->timeout_ms && ledger_timeout_ms(held->run);

	if (held->is_hanging && !is_watched && !ledger_is_stopping(held->run)) {
		held->is_hanging = false;
		end_in(held, 1000);
	}
	held->watched_ms = world.mono.ms;
	if (held->is_asked || held->is_adopted)
		answer_all(held);
}

void runner_heal(void)
{
	each(heal_one);
}

/* Timeouts and stops are enforced, by the runner or by the engine behind it. */
static void check_one(struct held *held)
{
	int64_t age_ms = world.mono.ms - held->watched_ms;
	int64_t timeout_ms = held->timeout_ms ? ledger_timeout_ms(held->run) : 0;
	int64_t longer_ms = timeout_ms > held->timeout_ms ? timeout_ms : held->timeout_ms;
	int64_t most_ms = longer_ms + 4 * held->grace_ms + 120000;

	if (held->stage != ALIVE || age_ms <= most_ms)
		return;
	if (timeout_ms && held->is_hanging)
		world_broken(
			"a process outlives its timeout of %lld s by %lld s and nobody ends it",
			(long long)held->timeout_ms / 1000,
			(long long)(age_ms - held->timeout_ms) / 1000);
	else if (held->is_hanging && ledger_is_stopping(held->run))
		world_broken("a run was asked to stop %lld s ago and nobody asks again",
			     (long long)age_ms / 1000);
}

void runner_check_healed(void)
{
	if (runner.count > 0 && world.turns % 16 == 0)
		each(check_one);
}

void runner_create(void)
{
	memset(&runner, 0, sizeof(runner));
	memset(runners, 0, sizeof(runners));
}

void runner_stage(int32_t from, int32_t to)
{
	if (from >= 0)
		runners[from] = runner;
	runner = runners[to];
}

bool runner_is_alive_at(int32_t node, int32_t on_stage, uint64_t run)
{
	const struct runner *of = node == on_stage ? &runner : &runners[node];

	for (const struct held *held = of->table[random_of(0, run, 0, 0) % TABLE]; held;
	     held = held->bucket)
		if (held->run == run && held->stage == ALIVE)
			return true;
	return false;
}

size_t runner_holds_at(int32_t node, int32_t on_stage)
{
	return node == on_stage ? runner.count : runners[node].count;
}

static void free_one(struct held *held)
{
	free(held);
}

static void destroy_runner(void)
{
	each(free_one);
	free(runner.heap);
	free(runner.adopted);
	memset(&runner, 0, sizeof(runner));
}

void runner_destroy(void)
{
	destroy_runner();
	for (int i = 0; i < NODES_MAX; i++) {
		/* The one on stage is kept as it was when it came. */
		if (nodes_are_several() && i != world.node) {
			runner = runners[i];
			destroy_runner();
		}
	}
}
