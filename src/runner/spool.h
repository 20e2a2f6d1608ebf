/*
 * spool.h - the file a run's attempt leaves behind: STATE/spool/RUN.ATTEMPT.spool.
 *
 * Written by belfry-runner only, by appending whole frames; read by belfry, at its
 * own pace and as often as it likes. The last frame is FAILED or EXIT. A file that
 * ends in the middle of a frame belongs to a writer that died.
 *
 * A frame: checksum, length of the payload, kind (4 bytes each), time (8 bytes, ms
 * since 1970), payload; little-endian. The checksum is FNV-1a of all that follows
 * it, folded to 32 bits.
 *
 * Written and read by different versions: kinds keep their numbers and payloads their
 * beginning. A reader passes over kinds it does not know, and over what a later version
 * has put behind a payload.
 *
 * Its writer has it locked (flock(2)) while it lives: who gets the lock knows that
 * nobody writes to it any more, and that no process is on its way from fork to exec.
 */
#ifndef BELFRY_SPOOL_H
#define BELFRY_SPOOL_H

#include "buf.h"
#include "instant.h"

enum spool_kind {
	SPOOL_HELD = 1, /* the process waits at the gate: pid, start_ticks, cgroup */
	SPOOL_STARTED,  /* it was let go and runs the program */
	SPOOL_STDOUT,   /* data */
	SPOOL_STDERR,   /* data */
	SPOOL_GAP,      /* so many bytes of output were not kept: bytes */
	SPOOL_NOTE,     /* data: a remark of the runner, for the run's log */
	SPOOL_FAILED,   /* data: why the program could not be run */
	SPOOL_EXIT,     /* exit */
	SPOOL_TORN,     /* its writer died within a frame, which was cut off: bytes */
};

enum {
	SPOOL_HEADER = 20,
	SPOOL_PAYLOAD_MAX = 1 << 20,
	/* Room for "spool/RUN.ATTEMPT.spool". */
	SPOOL_NAME_MAX = 64,
};

struct spool_exit {
	int32_t exit_code; /* -1 where a signal ended it */
	int32_t signal;    /* 0 if none */
	bool timed_out, out_of_memory;
	uint64_t output_bytes; /* written by the job, kept or not */
	int64_t cpu_ms, max_rss_kib;
};

struct spool_frame {
	enum spool_kind kind;
	struct utc at;
	const char *data; /* borrowed from the text given to spool_next */
	size_t length;
	uint32_t pid; /* HELD */
	/* HELD: field 22 of /proc/PID/stat, give or take two, so that a pid is not mistaken */
	uint64_t start_ticks;
	/* HELD: the name of its control group, borrowed as data is; length 0: none */
	const char *cgroup;
	size_t cgroup_length;
	uint64_t bytes; /* GAP, TORN */
	struct spool_exit exit;
};

/* "RUN.ATTEMPT.spool"; attempts from 1. */
const char *spool_name(uint64_t run, int32_t attempt, char name[SPOOL_NAME_MAX]);
bool spool_name_parse(const char *name, uint64_t *run, int32_t *attempt);

/* Adds the frame's bytes; payloads are at most SPOOL_PAYLOAD_MAX. */
void spool_write(struct buf *buf, const struct spool_frame *frame);

enum spool_status {
	SPOOL_FRAME,
	SPOOL_MORE, /* the text ends here, or in the middle of a frame */
	SPOOL_BAD,  /* what stands here is no frame */
};
/* The frame at the start of text; *used is its length in bytes. */
enum spool_status spool_next(const char *text, size_t length, struct spool_frame *frame,
			     size_t *used);

#endif
