/*
 * exec.h - executors: what carries runs out.
 *
 * An executor answers through its sink, never by return: STARTED, START_FAILED,
 * EXITED or LOST for each attempt, and output on the way. Backends are dumb;
 * what an answer means is the engine's.
 */
#ifndef BELFRY_EXEC_H
#define BELFRY_EXEC_H

#include "err.h"
#include "event.h"
#include "job.h"
#include "loop.h"
#include "run.h"

/* A sink takes note and returns; it calls no executor back. */
struct exec_sink {
	/* What the event points to is borrowed for the call. */
	void (*event)(void *context, const struct event *event);
	void (*output)(void *context, const struct log_chunk *chunk);
	/* For belfry's own log; run 0: of none. May be NULL. */
	void (*notice)(void *context, uint64_t run, const char *text);
	/* More output would have to wait in memory: it is better left where it is for now.
	 * NULL: there is always room. */
	bool (*is_full)(void *context);
	void *context;
};

struct executor {
	const struct executor_ops *ops;
	/* Of nodes that share a store: when this node's lease may be over, so that what was
	 * not let go by then never is. 0: nothing limits it. */
	struct mono let_go_until;
};

struct executor_ops {
	/* Whether this machine could carry the job out: the program is there, may be
	 * executed, the user exists … Nothing is started. */
	bool (*check)(struct executor *executor, const struct job *job, struct err *err);
	/* Starts run->attempt, at most once. The job is borrowed for the call. */
	void (*start)(struct executor *executor, const struct job *job, const struct run *run);
	/* Takes charge of an attempt that an earlier daemon may have started; answers
	 * STARTED, EXITED, START_FAILED (certainly never started) or LOST. All open runs
	 * are adopted before the loop first runs: then what belongs to no run is removed. */
	void (*adopt)(struct executor *executor, const struct run *run);
	/* SIGTERM or its like now, SIGKILL after grace. Ends in EXITED as usual. */
	void (*stop)(struct executor *executor, uint64_t run, int64_t grace_ms);
	/* The end of the run is durable: spools, containers, Machines may go. */
	void (*forget)(struct executor *executor, uint64_t run);
	/* Whether nothing is owed any more of what was forgotten: for who leaves right after. May
	 * be NULL: nothing ever is. */
	bool (*is_idle)(const struct executor *executor);
	/* These jobs are in force from now on; borrowed for the call. May be NULL. */
	void (*follow)(struct executor *executor, const struct job *jobs, size_t count);
	/* Lets go of everything but what runs; jobs go on without us. */
	void (*destroy)(struct executor *executor);
};

/* Local processes, through belfry-runner. state_dir holds its socket and spools;
 * runner_path is the program. Connects to the runner that is there or
 * starts one. */
struct executor *exec_process_create(struct loop *loop, const char *state_dir,
				     const char *runner_path, const struct exec_sink *sink,
				     struct err *err);

/* Fly Machines; where Fly is and who we are comes from the environment (fly_calls.h).
 * state_dir keeps a small file a run. */
struct executor *exec_fly_create(struct loop *loop, const char *state_dir,
				 const struct exec_sink *sink, struct err *err);

/* For kinds that this build does not carry out yet: every start is answered with
 * START_FAILED and a message that says so. */
struct executor *exec_absent_create(enum executor_kind kind, const struct exec_sink *sink);

#endif
