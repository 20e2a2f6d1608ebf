/*
 * world.h - the world that the real daemon lives in: its time, its faults, its parts.
 *
 * `belfry serve` is linked with this world instead of the machine: its clock, loop,
 * store, runner, file and log are the simulator's. A crash is the moment from which
 * nothing that the daemon does reaches the world any more.
 */
#ifndef BELFRY_SIM_WORLD_H
#define BELFRY_SIM_WORLD_H

#include "api.h"
#include "daemon.h"
#include "exec.h"
#include "loop.h"
#include "plan.h"
#include "store.h"

enum phase {
	PHASE_FAULTS, /* what can go wrong does; nothing may be lost or done twice */
	PHASE_HEALED, /* nothing goes wrong any more: all has to be on time again */
	PHASE_END,    /* every job is disabled: all runs have to end */
};

enum telling { TELL_NOTHING, TELL_THE_END, TELL_ALL };

struct world {
	const struct plan *plan;
	struct mono mono;
	int64_t offset_ms; /* UTC minus mono */
	int64_t asleep_ms; /* of mono, the machine was suspended */
	enum phase phase;
	struct mono phase_began;
	bool is_over;
	bool is_dead;       /* no daemon, or one whose acts reach nobody */
	int32_t vain_lives; /* in a row, that never came to a turn */
	int32_t life;       /* which daemon this is, from 1 */
	int64_t crash_in;   /* so many steps; -1: none is planned */
	int64_t crash_down_ms, down_ms;
	size_t next_item;
	size_t steps, turns;
	struct mono last_moved;
	size_t turns_here; /* without time going on */
	size_t turns_of_node;

	/* nodes.c: of the one on stage */
	int32_t node, lives;
	int64_t pause_in, pause_ms; /* so many steps from now, for so long; -1: not */
	int64_t asleep_until_ms;    /* 0: awake */
	int64_t clock_off_ms;       /* its own clock, from the store's */

	/* the file */
	size_t file; /* the generation */
	bool is_file_bad;
	size_t file_changes;

	int32_t zone; /* the version of the zone's rules */

	/* what went wrong with us */
	bool is_broken;
	char promise[512];
	struct mono broken_at;

	enum telling telling;
	uint64_t history; /* a hash of it */
	size_t runs, job_days;
};
extern struct world world;

/* What went wrong, and what came of it: a simulator that meets nothing finds nothing. */
#define COUNTS(X)                                                                                  \
	X(COUNT_CRASHES, "crashes")                                                                \
	X(COUNT_PAUSES, "pauses")                                                                  \
	X(COUNT_COMMITS, "commits")                                                                \
	X(COUNT_FAILED, "that failed")                                                             \
	X(COUNT_LIES, "that lied")                                                                 \
	X(COUNT_SLOW, "that were slow")                                                            \
	X(COUNT_ZONES, "zone changes")                                                             \
	X(COUNT_GONE, "machines lost")                                                             \
	X(COUNT_FENCED, "fenced")                                                                  \
	X(COUNT_STALE, "stale")                                                                    \
	X(COUNT_TAKEOVERS, "takeovers")                                                            \
	X(COUNT_TORN, "runs taken over")                                                           \
	X(COUNT_HANDED, "runs handed over")                                                        \
	X(COUNT_LOST_CLAIMS, "claims lost to another node")                                        \
	X(COUNT_SKIPPED, "instants skipped for another node's run")                                \
	X(COUNT_SHUT_GATES, "gates shut by the lease")                                             \
	X(COUNT_SWEPT, "processes ended that were taken over")
#define COUNT_ENUM_ROW(name, word) name,
enum count { COUNTS(COUNT_ENUM_ROW) COUNT_COUNT };
void count(enum count what);
void world_tell_counts(void); /* on standard output */

/* world.c */
/* Lives the whole plan; false if a promise was broken (world.promise). */
bool world_live(const struct plan *plan, enum telling telling);
/* One step that the world can see; the planned crash may come with it. True while the
 * daemon's acts count. */
bool world_step(void);
struct utc world_utc(void);
/* To the next thing that happens, and lets it happen. */
void world_wait(void);
/* The daemon alone stands still for so long. */
void world_stall(int64_t ms);
/* For nodes.c: a life; the next item and when the phase ends; the one or the other. */
void world_live_once(void);
int64_t world_next_item_ms(void);
int64_t world_phase_end_ms(void);
void world_go_on(void);
/* The first promise that is broken ends the history. */
void world_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line of the history. */
void world_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, of the daemon's own log: no part of the history. */
void world_tell_log(const char *text);
/* One in so many of 1,000, by run and attempt; never once all is healed. */
bool world_odds(int32_t of_1000, uint64_t a, uint64_t b, uint64_t c);
uint64_t world_draw(uint64_t a, uint64_t b, uint64_t c);

/* machine.c: the machine's parts under the names of the daemon's own */
void machine_create(void);
void machine_begin(void); /* a life begins */
void machine_stage(int32_t from, int32_t to);
bool machine_next(int64_t *mono_ms);
void machine_fire(void); /* what is due */
void machine_clock_set(void);
void machine_signal(int number);
void machine_file_changed(void);
void machine_zone_changed(void);
extern struct api_doors machine_doors;
extern const struct api_world *machine_view; /* NULL between lives */

/* disk.c: the store and how it fails */
void disk_create(void);
void disk_stage(int32_t from, int32_t to);
void disk_destroy(void);
void disk_life_begins(void);
void disk_fails_for(int64_t ms);
void disk_lies(int64_t commits);
void disk_heal(void);
struct store *disk_truth(void); /* what is durable */

/* runner.c: the executor and what it holds */
void runner_create(void);
void runner_stage(int32_t from, int32_t to);
/* The same of any node, while another one is on stage. */
bool runner_is_alive_at(int32_t node, int32_t on_stage, uint64_t run);
size_t runner_holds_at(int32_t node, int32_t on_stage);
void runner_destroy(void);
void runner_life_begins(void);
void runner_life_ends(void);
bool runner_next(int64_t *mono_ms);
void runner_happen(void); /* what is due */
void runner_dies(void);
void runner_sleeps(int64_t ms); /* the machine was suspended */
void runner_heal(void);
void runner_check_healed(void);
size_t runner_holds(void);
/* How an attempt went, for the ledger. */
struct truth {
	bool is_known, is_alive, has_begun, has_ended, was_refused, was_lost;
	bool timed_out;
	int32_t exit_code;
};
struct truth runner_truth(uint64_t run, int32_t attempt);
bool runner_is_alive(uint64_t run);

/* ledger.c: what was promised, and what became of it */
void ledger_create(void);
void ledger_destroy(void);
void ledger_life_begins(void);
/* The daemon goes by these rules from its next watermark on; one that has just been
 * started, from where the last one ended. */
void ledger_zone_changed(int32_t version, bool is_start);
/* Whether the text that changed rules are for could be had. */
void ledger_text_read(bool ok);
struct utc ledger_watermark(void);
void ledger_clock_read(struct utc utc);
/* A batch is durable; the first `skip` records of it were before. */
void ledger_commit(const struct record *records, size_t count, size_t skip);
void ledger_start(const struct job *job, const struct run *from);
void ledger_forget(uint64_t id);
void ledger_cancel(uint64_t id);
void ledger_trigger(int32_t job);
/* What the job is called now; borrowed until the next call. */
const char *ledger_name(int32_t job);
/* Somebody is about to resume it. */
void ledger_resume_asked(int32_t job);
/* All is well: nothing may wait, or run, far beyond its deadline. */
void ledger_check_deadlines(void);
/* SIGTERM: nothing may start from now on. */
void ledger_term(void);
bool ledger_is_open(uint64_t id);
bool ledger_is_stopping(uint64_t id);
/* As its job has it now; 0 where there is none, or no job any more. */
int64_t ledger_timeout_ms(uint64_t id);
size_t ledger_open(void);
void ledger_tell_open(void);               /* a line each */
uint64_t ledger_pick_open(int64_t number); /* 0 if none is open */
/* The engine that runs and one made from the store have to be of one mind. */
void ledger_compare(void);
void ledger_compare_runs(void);

#endif
