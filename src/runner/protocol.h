/*
 * protocol.h - what belfry and belfry-runner say to each other.
 *
 * One message a packet on a SOCK_SEQPACKET socket, STATE/runner-VERSION.sock. The
 * runner speaks first: a HOLDS for each run it holds, then HELLO; from then on belfry
 * sends START, STOP, BURY and QUIT, the runner NEWS, REFUSED and BURIED. What happened
 * to a run is never in a message but in its spool (spool.h): NEWS says where to look.
 *
 * Runners of several versions may be at work in one state directory: one that belfry
 * was upgraded away from holds its runs until they have ended. So all but the order of
 * a START is for ever: kinds keep their numbers and their shape, a new thing is a new
 * kind, and who meets a kind it does not know passes over it. Only the order belongs to
 * a version of the protocol (version.h), and is sent to a runner that speaks the same.
 */
#ifndef BELFRY_PROTOCOL_H
#define BELFRY_PROTOCOL_H

#include "buf.h"
#include "mem.h"
#include "version.h"

enum {
	/* A packet must fit into the socket's buffer whole (unix(7)). */
	MESSAGE_MAX = 160 * 1024,
	RUNNER_NAME_MAX = VERSION_TEXT_MAX + 16,
};

/* In the state directory, "runner-VERSION" and one of these. */
#define RUNNER_SOCKET ".sock"
#define RUNNER_LOCK   ".lock"
#define RUNNER_SPOOL  "spool"

const char *runner_name(const char *version, const char *what, char name[RUNNER_NAME_MAX]);
/* The version in such a name; false: it is none. */
bool runner_name_parse(const char *name, const char *what, char version[VERSION_TEXT_MAX]);

enum message_kind {
	MESSAGE_HOLDS = 1, /* run, attempt */
	MESSAGE_HELLO,     /* number: of the protocol; text: the program's version */
	MESSAGE_START,     /* run, attempt, order */
	MESSAGE_STOP,      /* run; number: grace in ms */
	MESSAGE_QUIT,      /* end once nothing is held */
	MESSAGE_NEWS,      /* run, attempt: there is something new in its spool */
	/* run, attempt, text: not started, and no spool says so; number: see below. Before
	 * a HELLO: belfry itself is refused. */
	MESSAGE_REFUSED,
	/* run, attempt: no runner holds it; end what a dead one left of it */
	MESSAGE_BURY,
	/* run, attempt; number 1: nothing is left of it, its spool will not change;
	 * 0: somebody still holds it, ask later */
	MESSAGE_BURIED,
	MESSAGE_NOTICE, /* text: for belfry's own log */
};

/* PROCESSES and MEMORY are the job's where it has a control group that can limit them,
 * else RLIMIT_NPROC, its user's, and RLIMIT_AS, a process's. CPUS are for a group only. */
enum limit {
	LIMIT_OPEN_FILES,
	LIMIT_PROCESSES,
	LIMIT_FILE_SIZE,
	LIMIT_MEMORY, /* bytes */
	LIMIT_CPU,    /* seconds */
	LIMIT_CORE,
	LIMIT_CPUS, /* thousandths */
	LIMIT_COUNT
};

/* A refusal's number: whether the reason may pass. */
enum { REFUSED_FOR_GOOD, REFUSED_FOR_NOW };

/* Everything needed to start a process. Lists end with NULL. */
struct start_order {
	const char *const *argv;
	const char *const *env; /* NAME=value */
	const char *cwd;
	/* What a refusal calls argv[0] and cwd: they may hold what nobody is to see. */
	const char *program_shown, *cwd_shown;
	int64_t timeout_ms;          /* 0: none */
	int64_t grace_ms;            /* SIGTERM to SIGKILL after the timeout */
	uint64_t output_max;         /* bytes kept of stdout and stderr together */
	int32_t umask;               /* -1: the runner's own */
	int64_t limits[LIMIT_COUNT]; /* -1: unset */
	bool no_new_privs;
	bool has_user; /* become uid, gid, groups */
	uint32_t uid, gid;
	const uint32_t *groups;
	uint32_t group_count;
};

struct message {
	enum message_kind kind;
	uint64_t run;
	int32_t attempt;
	int64_t number;
	const char *text;
	struct start_order order;
};

/* Adds the message's bytes to buf. */
void message_write(struct buf *buf, const struct message *message);
/* Texts and lists are placed in arena. False: this is no message of ours. */
bool message_read(const char *data, size_t length, struct arena *arena, struct message *message);

#endif
