/*
 * event.h - what happened: everything the engine is ever told, time aside.
 *
 * Pointers in an event are borrowed for the call.
 */
#ifndef BELFRY_EVENT_H
#define BELFRY_EVENT_H

#include "job.h"
#include "pause.h"
#include "run.h"

/* Exit of one attempt, as the executor found it. */
struct attempt_end {
	struct utc started_at, finished_at;
	int32_t exit_code; /* -1 where a signal ended it or nothing is known */
	int32_t signal;    /* 0 if none */
	bool timed_out;    /* the executor enforced the timeout */
	bool out_of_memory;
	int64_t output_bytes;
	int64_t cpu_ms, max_rss_kib; /* -1 where not known */
	/* The last result line on standard output (design: how a job reports). */
	bool has_result;
	int64_t processed, failed; /* -1 where the line lacks them */
	const char *message;       /* the line's, NULL if none */
};

enum event_kind {
	EVENT_TICK,         /* nothing but time */
	EVENT_CONFIG,       /* a new generation is in force */
	EVENT_RECORDED,     /* a claim is durable, or that an attempt is over */
	EVENT_CLAIM_LOST,   /* the occurrence had been recorded before */
	EVENT_STARTED,      /* an attempt runs */
	EVENT_START_FAILED, /* it certainly did not start; message says why */
	EVENT_EXITED,       /* it ended */
	EVENT_LOST,         /* nobody can tell whether it started or how it ended */
	EVENT_TRIGGER,      /* somebody asks for a run now */
	EVENT_CANCEL,       /* somebody asks a run to end */
	EVENT_DRAIN,        /* start nothing from now on */
	EVENT_PAUSE,        /* somebody wants nothing of a job to start by itself */
	EVENT_RESUME,       /* and now it may again */
	EVENT_TAKEN_OVER,   /* an open run of another node is this one's from now on */
	EVENT_HANDED,       /* another node claimed it and left it to this one; not started */
};

struct event {
	enum event_kind kind;
	uint64_t run;            /* RECORDED … LOST, CANCEL; TRIGGER: out, 0 = refused */
	int32_t attempt;         /* STARTED … LOST: an answer about an older one is ignored */
	struct utc at;           /* STARTED: when */
	const char *image;       /* STARTED: what it runs in, resolved; NULL: in none */
	const char *job;         /* TRIGGER, RESUME */
	const struct run *taken; /* TAKEN_OVER, HANDED */
	struct pause pause;      /* PAUSE; `since` is the engine's to say. RESUME: by */
	bool dry_run;            /* TRIGGER */
	/* START_FAILED, LOST: why. PAUSE, RESUME: out, why not; NULL: done. */
	const char *message;
	/* START_FAILED: for want of processes, memory, descriptors or a runner; it may
	 * start later. */
	bool is_passing;
	struct attempt_end end; /* EXITED */
	/* CONFIG: jobs stay in force, and alive, until the next EVENT_CONFIG has been
	 * stepped; a job of the same name and hash goes on undisturbed. */
	const struct job *jobs;
	size_t job_count;
	int64_t revision;
	bool is_boot; /* CONFIG: the service has just started, @reboot jobs are due */
	/* CONFIG: it becomes durable with what this step records: jobs whose names were
	 * others before are renamed now. */
	bool is_new_revision;
	/* CONFIG: for how long already the rules of the jobs' zones hold where they are
	 * other ones than those of the generation before; 0: from now on. */
	int64_t rules_age_ms;
};

#endif
