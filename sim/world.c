/* world.c - time goes on, things happen, daemons live and die; see world.h. */
#include "world.h"

#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "nodes.h"
#include "str.h"

#define HOUR_MS INT64_C(3600000)
enum { TURNS_WITHOUT_TIME_MAX = 20000 };
/* How long runs may take to end once nothing new is due. */
#define END_MS (60 * 24 * HOUR_MS)

struct world world;

struct utc world_utc(void)
{
	return (struct utc){world.mono.ms + world.offset_ms};
}

uint64_t world_draw(uint64_t a, uint64_t b, uint64_t c)
{
	return random_of(world.plan->seed, a, b, c);
}

bool world_odds(int32_t of_1000, uint64_t a, uint64_t b, uint64_t c)
{
	return world.phase == PHASE_FAULTS && of_1000 > 0 &&
	       world_draw(a, b, c) % 1000 < (uint64_t)of_1000;
}

/* The last lines are kept where only they are of interest. */
enum { LINE = 600, LINES = 60 };
static char lines[LINES][LINE];
static size_t line_count;

static void tell_line(const char *text)
{
	char at[UTC_TEXT_MAX], *line = lines[line_count++ % LINES];

	int length = snprintf(line, LINE, "%10lld.%03lld %s ", (long long)world.mono.ms / 1000,
			      (long long)world.mono.ms % 1000, utc_format_ms(world_utc(), at));
	if (nodes_are_several())
		length += snprintf(line + length, LINE - (size_t)length, "n%d ", world.node);
	snprintf(line + length, LINE - (size_t)length, "%.520s\n", text);
	if (world.telling == TELL_ALL)
		fputs(line, stdout);
}

static void tell_the_end(void)
{
	for (size_t i = line_count < LINES ? 0 : line_count - LINES; i < line_count; i++)
		fputs(lines[i % LINES], stdout);
}

void world_tell_log(const char *text)
{
	char line[LINE];

	snprintf(line, sizeof(line), "        %.500s", text);
	if (world.telling != TELL_NOTHING)
		tell_line(line);
}

void world_tell(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	if (nodes_are_several())
		world.history = str_hash(world.history, &world.node, sizeof(world.node));
	world.history = str_hash(world.history, text, (size_t)length);
	world.history = str_hash(world.history, &(int64_t){world.mono.ms}, sizeof(int64_t));
	if (world.telling != TELL_NOTHING)
		tell_line(text);
}

void world_broken(const char *format, ...)
{
	va_list args;

	if (world.is_broken)
		return;
	va_start(args, format);
	vsnprintf(world.promise, sizeof(world.promise), format, args);
	va_end(args);
	world_tell("BROKEN: %s", world.promise);
	world.is_broken = world.is_over = world.is_dead = true;
	world.broken_at = world.mono;
}

/* ---- counting ---- */

static size_t counts[COUNT_COUNT];

void count(enum count what)
{
	counts[what]++;
}

#define COUNT_WORD_ROW(name, word) word,

void world_tell_counts(void)
{
	static const char *const words[] = {COUNTS(COUNT_WORD_ROW)};
	const char *before = "";

	for (size_t i = 0; i < COUNT_COUNT; i++) {
		if (counts[i])
			printf("%s%zu %s", before, counts[i], words[i]);
		before = counts[i] ? ", " : before;
	}
	printf("\n");
}

/* ---- steps and crashes ---- */

static void die(int64_t down_ms)
{
	world.is_dead = true;
	world.down_ms = down_ms;
	world.crash_in = -1;
}

bool world_step(void)
{
	if (world.is_dead)
		return false;
	world.steps++;
	if (world.crash_in > 0 && --world.crash_in == 0) {
		world_tell("crash");
		count(COUNT_CRASHES);
		die(world.crash_down_ms);
		return false;
	}
	if (nodes_are_several())
		nodes_step();
	return !world.is_dead;
}

/* ---- what the plan has in store ---- */

static void suspend(int64_t ms, bool is_machine)
{
	world.mono.ms += ms;
	if (is_machine) {
		world.asleep_ms += ms;
		runner_sleeps(ms);
	} else {
		runner_happen();
	}
}

void world_stall(int64_t ms)
{
	suspend(ms, false);
}

static void set_file(size_t generation, bool is_bad)
{
	world.file_changes += world.file != generation;
	world.file = generation;
	world.is_file_bad = is_bad;
	machine_file_changed();
}

static void trigger(const struct item *item)
{
	struct arena arena = {0};
	const char *why = NULL, *name = ledger_name((int32_t)item->a);

	if (!machine_view)
		return;
	ledger_trigger((int32_t)item->a);
	uint64_t run = machine_doors.trigger(machine_doors.context, name, item->b, &arena, &why);
	world_tell("trigger %s%s: %s", name, item->b ? " dry" : "",
		   run   ? "claimed"
		   : why ? why
			 : "");
	arena_finish(&arena);
}

static void pause_job(const struct item *item)
{
	struct arena arena = {0};
	const char *why = "";
	struct pause pause = {.job = ledger_name((int32_t)item->a),
			      .until = item->b ? utc_add(world_utc(), item->b) : UTC_NONE};

	if (!machine_view)
		return;
	if (!machine_doors.pause(machine_doors.context, &pause, &arena, &why))
		world_tell("pause %s: %s", pause.job, why);
	arena_finish(&arena);
}

static void resume_job(const struct item *item)
{
	if (!machine_view)
		return;
	ledger_resume_asked((int32_t)item->a);
	machine_doors.resume(machine_doors.context, ledger_name((int32_t)item->a), NULL);
}

static void cancel(const struct item *item)
{
	uint64_t run = ledger_pick_open(item->a);

	if (!machine_view || !run || !machine_doors.find_run(machine_doors.context, run))
		return;
	ledger_cancel(run);
	machine_doors.cancel(machine_doors.context, run);
}

static void happen(const struct item *item)
{
	world_tell("[%s %lld %lld]", item_word(item->kind), (long long)item->a, (long long)item->b);
	if (nodes_are_several() && nodes_happen(item))
		return;
	switch (item->kind) {
	case ITEM_CRASH:
		if (world.is_dead)
			break;
		world.crash_in = item->a + 1;
		world.crash_down_ms = item->b;
		break;
	case ITEM_CLOCK:
		world.offset_ms += item->a;
		machine_clock_set();
		break;
	case ITEM_SUSPEND: suspend(item->a, true); break;
	case ITEM_STALL: suspend(item->a, false); break;
	case ITEM_STORE_FAILS: disk_fails_for(item->a); break;
	case ITEM_STORE_LIES: disk_lies(item->a); break;
	case ITEM_RUNNER_DIES: runner_dies(); break;
	case ITEM_CONFIG: set_file((size_t)item->a, false); break;
	case ITEM_BAD_FILE: set_file(world.file, true); break;
	case ITEM_TRIGGER: trigger(item); break;
	case ITEM_PAUSE: pause_job(item); break;
	case ITEM_RESUME: resume_job(item); break;
	case ITEM_CANCEL: cancel(item); break;
	case ITEM_TERM:
		if (world.is_dead)
			break;
		world.down_ms = item->b;
		ledger_term();
		machine_signal(SIGTERM);
		break;
	case ITEM_HUP: machine_signal(SIGHUP); break;
	case ITEM_ZONE:
		world.zone = (int32_t)item->a;
		machine_zone_changed();
		break;
	case ITEM_KIND_COUNT: break;
	}
}

/* ---- time ---- */

/* When the present phase ends. */
static int64_t phase_end(void)
{
	switch (world.phase) {
	case PHASE_FAULTS: return world.plan->length_ms;
	case PHASE_HEALED: return world.phase_began.ms + world.plan->healed_ms;
	case PHASE_END: break;
	}
	return world.phase_began.ms + END_MS;
}

static void each_node(void (*fn)(void))
{
	if (nodes_are_several())
		nodes_each(fn);
	else
		fn();
}

static void heal_one(void)
{
	world.crash_in = -1;
	disk_heal();
	runner_heal();
	set_file(world.file, false);
}

static void heal(void)
{
	world.phase = PHASE_HEALED;
	world_tell("healed");
	if (nodes_are_several())
		nodes_heal();
	each_node(heal_one);
}

static void compare_one(void)
{
	if (machine_view)
		ledger_compare();
}

static void end_one(void)
{
	runner_heal();
	set_file(world.plan->generation_count - 1, false);
}

static void disable_all(void)
{
	each_node(compare_one);
	world.phase = PHASE_END;
	if (nodes_are_several())
		nodes_end();
	each_node(end_one);
}

static size_t holds(void)
{
	return nodes_are_several() ? nodes_hold() : runner_holds();
}

static void next_phase(void)
{
	world.phase_began = world.mono;
	switch (world.phase) {
	case PHASE_FAULTS: heal(); break;
	case PHASE_HEALED: disable_all(); break;
	case PHASE_END:
		ledger_tell_open();
		world_broken("%zu runs are still open, %zu held by the runner, long after all "
			     "was healed",
			     ledger_open(), holds());
	}
}

static void sooner(int64_t *when, int64_t than)
{
	if (than < *when)
		*when = than;
}

static int64_t next_moment(int64_t limit_ms)
{
	const struct plan *plan = world.plan;
	int64_t when = limit_ms, other;

	if (world.phase == PHASE_FAULTS && world.next_item < plan->item_count)
		sooner(&when, plan->items[world.next_item].at_ms);
	if (runner_next(&other))
		sooner(&when, other);
	if (!world.is_dead && machine_next(&other))
		sooner(&when, other);
	return when < world.mono.ms ? world.mono.ms : when;
}

static bool is_item_due(void)
{
	const struct plan *plan = world.plan;

	return world.phase == PHASE_FAULTS && world.next_item < plan->item_count &&
	       plan->items[world.next_item].at_ms <= world.mono.ms;
}

/* Everything that is due by now, or the next phase. */
static void go_on(int64_t limit_ms)
{
	int64_t end = phase_end();

	world.mono.ms = next_moment(limit_ms < end ? limit_ms : end);
	runner_happen();
	if (is_item_due())
		happen(&world.plan->items[world.next_item++]);
	else if (world.mono.ms >= end)
		next_phase();
	if (!world.is_dead)
		machine_fire();
}

int64_t world_next_item_ms(void)
{
	const struct plan *plan = world.plan;

	return world.phase == PHASE_FAULTS && world.next_item < plan->item_count
		       ? plan->items[world.next_item].at_ms
		       : INT64_MAX;
}

int64_t world_phase_end_ms(void)
{
	return phase_end();
}

void world_go_on(void)
{
	if (is_item_due())
		happen(&world.plan->items[world.next_item++]);
	else if (world.mono.ms >= phase_end())
		next_phase();
}

static bool is_all_done(void)
{
	return world.phase == PHASE_END && !world.is_dead && ledger_open() == 0 && holds() == 0 &&
	       world.mono.ms > world.phase_began.ms + 60000;
}

void world_wait(void)
{
	world.turns++;
	world.turns_of_node++;
	world.turns_here = world.last_moved.ms == world.mono.ms ? world.turns_here + 1 : 0;
	world.last_moved = world.mono;
	if (world.turns_here > TURNS_WITHOUT_TIME_MAX) {
		world_broken("the loop turns without end");
		return;
	}
	if (world.turns % 64 == 0)
		ledger_compare_runs();
	if (world.phase != PHASE_FAULTS) {
		runner_check_healed();
		ledger_check_deadlines();
	}
	if (is_all_done()) {
		ledger_compare();
		world.is_over = world.is_dead = true;
		return;
	}
	if (nodes_are_several())
		nodes_wait();
	else
		go_on(INT64_MAX);
}

/* ---- lives ---- */

static void be_down(void)
{
	int64_t until = world.mono.ms + world.down_ms;

	world_tell("down for %lld ms", (long long)world.down_ms);
	while (!world.is_over && world.mono.ms < until) {
		enum phase phase = world.phase;

		go_on(until);
		if (world.phase != phase) /* somebody starts it again */
			return;
	}
}

void world_live_once(void)
{
	char name[16];
	struct serve_options options = {
		.config = "schedules.json",
		.state = "/state",
		.listen = "127.0.0.1:7420",
		.runner = "belfry-runner",
		.node = name,
		.stop_mode = (enum stop_mode)world.plan->stop_mode,
		.stop_timeout_ms = 30000,
		.max_running = world.plan->max_running,
	};

	snprintf(name, sizeof(name), "n%d", world.node);
	world.is_dead = false;
	world.life = ++world.lives;
	world.crash_in = -1;
	/* Should it not come up: whoever starts it waits longer each time. */
	world.down_ms = 1000 + (int64_t)(world_draw((uint64_t)world.life, 1, 1) % 10000);
	world.down_ms <<= world.vain_lives < 7 ? world.vain_lives : 7;
	size_t turns = world.turns_of_node;
	world_tell("life %d begins", world.life);
	machine_begin();
	disk_life_begins();
	ledger_life_begins();
	runner_life_begins();
	int code = daemon_serve(&options);
	world_tell("life %d ends with %d", world.life, code);
	world.vain_lives = world.turns_of_node == turns ? world.vain_lives + 1 : 0;
	world.is_dead = true;
	machine_view = NULL;
	runner_life_ends();
}

/* ---- a failed assertion is a broken promise too ---- */

static sigjmp_buf on_abort;

static void aborted(int number)
{
	(void)number;
	siglongjmp(on_abort, 1);
}

static void begin(const struct plan *plan, enum telling telling)
{
	world = (struct world){.plan = plan,
			       .telling = telling,
			       .offset_ms = plan->begin_utc_ms,
			       .is_dead = true,
			       .crash_in = -1,
			       .pause_in = -1,
			       .history = STR_HASH_INIT};
	machine_create();
	disk_create();
	runner_create();
	ledger_create();
	nodes_create();
}

bool world_live(const struct plan *plan, enum telling telling)
{
	line_count = 0;
	begin(plan, telling);
	signal(SIGABRT, aborted);
	if (sigsetjmp(on_abort, 1) == 0) {
		if (nodes_are_several())
			nodes_live();
		while (!world.is_over) {
			world_live_once();
			if (!world.is_over)
				be_down();
		}
		ledger_destroy();
		runner_destroy();
		disk_destroy();
	} else { /* what was in the daemon's hands is lost with it */
		world_broken("an assertion failed (its text is above)");
	}
	signal(SIGABRT, SIG_DFL);
	if (telling == TELL_THE_END)
		tell_the_end();
	world.job_days = (size_t)plan->job_count * (size_t)plan->days;
	return !world.is_broken;
}
