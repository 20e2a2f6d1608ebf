/*
 * protocol.h - what belfry and belfry-runner say to each other.
 *
 * One message a packet on a SOCK_SEQPACKET socket, STATE/runner.sock. The runner
 * speaks first: a HOLDS for each run it holds, then HELLO; from then on belfry
 * sends START, STOP and QUIT, the runner NEWS and REFUSED. What happened to a run
 * is never in a message but in its spool (spool.h): NEWS says where to look.
 */
#ifndef BELFRY_PROTOCOL_H
#define BELFRY_PROTOCOL_H

#include "buf.h"
#include "mem.h"

enum {
	PROTOCOL_VERSION = 2,
	/* A packet must fit into the socket's buffer whole (unix(7)). */
	MESSAGE_MAX = 160 * 1024,
};

#define RUNNER_SOCKET "runner.sock"
#define RUNNER_LOCK   "runner.lock"
#define RUNNER_SPOOL  "spool"

enum message_kind {
	MESSAGE_HOLDS = 1, /* run, attempt */
	MESSAGE_HELLO,     /* number: PROTOCOL_VERSION; text: the program's version */
	MESSAGE_START,     /* run, attempt, order */
	MESSAGE_STOP,      /* run; number: grace in ms */
	MESSAGE_QUIT,      /* end once nothing is held */
	MESSAGE_NEWS,      /* run, attempt: there is something new in its spool */
	MESSAGE_REFUSED,   /* run, attempt, text: not started, and no spool says so; number */
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
	int64_t timeout_ms;  /* 0: none */
	int64_t grace_ms;    /* SIGTERM to SIGKILL after the timeout */
	uint64_t output_max; /* bytes kept of stdout and stderr together */
	int32_t umask;       /* -1: the runner's own */
	/* RLIMIT_NOFILE, NPROC, FSIZE, AS (bytes), CPU (s), CORE; -1: unset. */
	int64_t limits[6];
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
