/*
 * runner.h - belfry-runner's parts, shared by its files and by nobody else.
 *
 * One thread, one epoll: the socket to belfry, the processes' pipes and gates, a
 * signalfd for their ends. Deadlines are looked for among the runs held, of which
 * there are hundreds at most.
 */
#ifndef BELFRY_RUNNER_H
#define BELFRY_RUNNER_H

#include <sys/resource.h>
#include <sys/types.h>

#include "err.h"
#include "instant.h"
#include "protocol.h"
#include "spool.h"

enum { CGROUP_PATH_MAX = 416 };

/* What a descriptor in the epoll set is; the first member of what epoll answers. */
enum source_kind { SOURCE_LISTENER, SOURCE_LINK, SOURCE_CHILDREN, SOURCE_GATE, SOURCE_OUTPUT };
struct source {
	enum source_kind kind;
	int fd;                 /* -1: closed */
	struct held *held;      /* GATE, OUTPUT */
	enum spool_kind stream; /* OUTPUT */
};

/* output.c: what a run prints: the head goes to the spool at once, the tail is held
 * back, in a file, to be written at the end; what falls between is counted. */
struct output {
	uint64_t max;         /* bytes kept */
	uint64_t total;       /* bytes that came */
	uint64_t head;        /* bytes in the spool */
	uint64_t lost;        /* bytes neither kept nor held back */
	uint64_t first, last; /* of the tail, in bytes since its beginning */
	int tail;             /* a file */
	bool has_tail;
};
/* True if the frame is to be written to the spool now. */
bool output_takes(struct output *output, size_t length);
/* Holds a piece back, for output_pour; its file is made in the folder. */
void output_keep(struct output *output, int folder, enum spool_kind stream, struct utc at,
		 const char *data, size_t length);
/* Writes the gap and the tail, as frames. False: not all of it could be written; to be
 * called again. */
typedef bool output_write_fn(void *context, const char *data, size_t length);
bool output_pour(struct output *output, struct utc at, output_write_fn *write, void *context);
/* Bytes that are not in the spool, kept back or lost. */
uint64_t output_untold(const struct output *output);
/* Lets the tail go: nothing is left to pour. */
void output_drop(struct output *output);
void output_finish(struct output *output);

/* One attempt of a run, from its order to its spool's last frame. */
struct held {
	struct held *next;
	uint64_t run;
	int32_t attempt;
	pid_t pid; /* also the process group and the session */
	struct source gate, output[2];
	int spool;
	off_t spool_length; /* of whole frames */
	struct output kept;
	char cgroup[CGROUP_PATH_MAX]; /* its directory; "" without */
	bool is_cgroup_used_up;       /* killed in, or short of memory: not for another run */
	char tag[48];                 /* "BELFRY_RUN_ID=…", by which its processes are known */

	int64_t timeout_ms, grace_ms;
	/* Deadlines on the monotonic clock; INT64_MAX: none. */
	int64_t timeout_at, kill_at, cut_at, sweep_until, news_at, retry_at, leave_until;
	bool has_failed, timed_out;
	bool is_reaped;
	bool is_cut; /* its output was still held open by somebody */
	int status;  /* as of wait(2) */
	struct rusage usage;
	bool is_short;     /* the disk was full, and output could not be kept */
	off_t ending_from; /* where in the spool what is held back begins */
	uint64_t untold;   /* bytes of output that are lost should there be no room for it */
	struct buf ending; /* the last frames, until they are on disk */
	bool is_ended;     /* they are */
};

struct runner {
	int epoll, state, spools; /* state and spools are directories */
	int lock;                 /* of this version of the runner */
	struct source listener, link, children;
	struct held *held;
	size_t living;      /* of them, not reaped */
	bool is_quitting;   /* as soon as nothing is held and belfry is gone */
	bool is_ending;     /* SIGTERM: as soon as nothing is held; nothing is started */
	bool has_deaf_link; /* the socket's buffer is full; news wait */
	struct unsaid *first_unsaid, *last_unsaid; /* refusals that wait for it */
	int64_t alone_since; /* without belfry and without runs; INT64_MAX: not so */
	struct now now;      /* of this round */
};

/* main.c */
struct mono runner_mono(void); /* at this moment */
bool runner_watch(struct runner *runner, struct source *source, uint32_t events);
void runner_unwatch(struct runner *runner, struct source *source); /* and close */

/* link.c: the socket and what comes through it */
bool link_listen(struct runner *runner, struct err *err);
void link_finish(struct runner *runner); /* nobody can come any more */
void link_accept(struct runner *runner);
void link_read(struct runner *runner);
/* False if it could not be sent now; a link that is gone swallows everything. */
bool link_send(struct runner *runner, const struct message *message);
/* Sent now or later, before anything else. */
void link_say(struct runner *runner, const struct message *message);
void link_flush(struct runner *runner); /* there is room again */

/* held.c: the life of a run here */
void held_start(struct runner *runner, uint64_t run, int32_t attempt,
		const struct start_order *order);
void held_stop(struct runner *runner, uint64_t run, int64_t grace_ms);
void held_gate_ready(struct runner *runner, struct held *held);
void held_output_ready(struct runner *runner, struct source *source);
void held_reap(struct runner *runner);
/* Does what is due, drops what is over; returns the next deadline. */
int64_t held_tick(struct runner *runner);

/* reserve.c: room for the last frames where the disk is full */
void reserve_set_up(int state); /* once; the state directory */
void reserve_fill(void);
bool reserve_give(void); /* a block is free; false: there is none left */

/* child.c: from fork to exec */
void child_set_up(void); /* once; raises the runner's own limit of open files */
/* The process waits at the gate: one byte lets it go, an end of file ends it. What
 * it says there before it closes it is why it could not run the program. `cgroup`
 * becomes "" where the process could not be placed into it. */
pid_t child_fork(const struct start_order *order, char *cgroup, unsigned by_group, int *gate,
		 int outputs[2], struct err *err);

/* family.c: the processes of a job */
struct family_member {
	char state; /* as in proc(5) */
	pid_t session;
	uint64_t start_ticks; /* of its birth, since boot */
};
uint64_t family_ticks(struct mono at);
bool family_look(pid_t pid, struct family_member *member);
/* While its own process is not reaped: to its group. */
void family_signal(const struct held *held, int number);
/* Likewise: everything that can be named. */
void family_kill(struct held *held);
/* Afterwards. True if something was still there; it may take a moment to go. */
bool family_end(const struct runner *runner, struct held *held);

/* leftover.c: what a runner that died has left */
void leftover_end_all(struct runner *runner);
/* False: somebody still holds it. */
bool leftover_end(struct runner *runner, uint64_t run, int32_t attempt);

/* cgroup.c: a control group of its own for each run, where that may be */
void cgroup_set_up(int state); /* once; the state directory. Ends who is in old groups */
/* Of its directory, to be found again by cgroup_end_named. */
const char *cgroup_name(const char *path);
/* Ends who is in that group, unless it is ours or none of this state directory. */
void cgroup_end_named(const char *name, size_t length);
void cgroup_take(char *path, size_t size); /* an empty one; "" if there is none to have */
/* Limits the group as far as it can be; bit (1u << enum limit) for each that holds. */
unsigned cgroup_limit(const char *path, const struct start_order *order);
/* Likewise, where the group's files are as they are. */
unsigned cgroup_write_limits(const char *path, const struct start_order *order);
bool cgroup_kill(const char *path);
bool cgroup_is_empty(const char *path);
bool cgroup_ran_out_of_memory(const char *path);
void cgroup_keep(const char *path);    /* it is empty and as good as new */
bool cgroup_destroy(const char *path); /* false: processes are still leaving it */
void cgroup_finish(void);

#endif
