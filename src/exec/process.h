/*
 * process.h - the process executor's parts, shared by its files and by nobody else.
 *
 * A ward is a run's attempt that this executor answers for. It is ready while its
 * spool may have something new; ready wards are read in turn, so much at a time that
 * the loop stays free.
 */
#ifndef BELFRY_PROCESS_H
#define BELFRY_PROCESS_H

#include "exec.h"
#include "order.h"
#include "result_line.h"
#include "runner_link.h"
#include "spool.h"

struct ward {
	struct ward *bucket; /* the next in the table's chain */
	struct ward *next_ready;
	struct runner_link *link; /* to the runner that holds it; NULL: not known */
	uint64_t run;
	int32_t attempt;
	bool is_ready;
	bool is_adopted;
	bool is_orphan; /* no runner holds it: what its spool says is all there is */
	bool is_buried; /* and nothing more will come, a runner has said */
	bool is_over;   /* the last answer is given; waits to be forgotten */
	bool was_held;  /* the spool says that a process was made */
	struct utc held_at, started_at;
	int64_t offset; /* of the spool, read so far */
	struct result_line result;
};

/* A run a runner said it holds, before anybody asked. */
struct holding {
	struct runner_link *link;
	uint64_t run;
	int32_t attempt;
};

struct process {
	struct executor executor; /* first: the two are one */
	struct exec_sink sink;
	struct order_base base;
	char *state_path, *program;
	int spools;              /* the directory */
	struct runner_link link; /* to the runner that starts what is to be started */
	struct elder *elders;    /* others, each with runs that it still holds */
	bool is_elder_missing;   /* one could not be asked yet what it holds */
	bool is_elder_told;      /* and that has been said */
	bool is_new_boot;        /* the machine was started anew since the last belfry */

	struct ward **table;
	size_t ward_count, mask;
	struct ward *first_ready, *last_ready;
	struct holding *holdings; /* as of the last handshakes */
	size_t holding_count, holding_capacity;

	struct loop_timer *pump;  /* ready wards are read */
	struct loop_timer *sweep; /* once: spools that belong to nobody */
	struct loop_timer *again; /* a runner is looked for */
	int failures;             /* to find one, in a row */
	struct buf text;          /* of a spool, being read */
};

/* ward.c: the table */
struct ward *ward_find(const struct process *process, uint64_t run);
/* The ward of that run, now of that attempt and nothing known of it. */
struct ward *ward_renew(struct process *process, uint64_t run, int32_t attempt);
void ward_remove(struct process *process, uint64_t run);
void ward_each(struct process *process, void (*fn)(struct process *, struct ward *));
void ward_finish_all(struct process *process);
/* There may be something new in its spool. */
void ward_ready(struct process *process, struct ward *ward);
struct ward *ward_next_ready(struct process *process);

/* holding.c: what the runners said they hold */
void holding_note(struct process *process, struct runner_link *link, uint64_t run, int32_t attempt);
/* Who holds it; NULL: nobody that we know. */
struct runner_link *holding_find(const struct process *process, uint64_t run, int32_t attempt);
bool holding_has_run(const struct process *process, uint64_t run);
size_t holding_count(const struct process *process, const struct runner_link *link);
/* That runner has gone, or is asked anew. */
void holding_drop(struct process *process, const struct runner_link *link);

/* elder.c: runners of other versions */
/* Looks for those that there are. */
void elder_find(struct process *process);
/* Whether all have said what they hold. */
bool elder_all_known(const struct process *process);
void elder_greeted(struct process *process, struct runner_link *link, const struct message *hello);
/* Those that hold no open run any more are told to go, those that have gone are dropped. */
void elder_release(struct process *process);
void elder_finish_all(struct process *process);

/* ward_answer.c: what the engine is told */
/* For belfry's own log. */
void ward_notice(const struct process *process, uint64_t run, const char *text);
void ward_started(struct process *process, struct ward *ward, struct utc at);
void ward_start_failed(struct process *process, struct ward *ward, const char *why);
/* Likewise, for a reason that may pass. */
void ward_held_up(struct process *process, struct ward *ward, const char *why);
void ward_lost(struct process *process, struct ward *ward, const char *why);
void ward_exited(struct process *process, struct ward *ward, const struct spool_frame *frame);

/* spool_read.c */
/* Reads at most about `budget` bytes; false when its end was reached. */
bool spool_read(struct process *process, struct ward *ward, size_t *budget);
/* Removes the spools of a run, attempts 1 to `last`. */
void spool_remove(struct process *process, uint64_t run, int32_t last);
/* Removes every spool that neither a ward nor the runner has. */
void spool_sweep(struct process *process);
bool spool_exists(struct process *process, uint64_t run, int32_t attempt);

/* boot_id.c: whether the machine was started anew since this folder was last used */
bool boot_id_changed(int folder);

#endif
