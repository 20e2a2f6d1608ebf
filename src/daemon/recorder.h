/*
 * recorder.h - the way into the store: records in order, committed in groups.
 *
 * Claims, the ends of attempts that another one follows, revisions and the watermark
 * are committed at the end of the turn that made them, as nothing may start before.
 * Everything else (ends of runs, output) may wait a few milliseconds for company: until
 * it is durable the runner's spool keeps it. A failing store keeps the queue; it is
 * tried again, in order.
 */
#ifndef BELFRY_RECORDER_H
#define BELFRY_RECORDER_H

#include "inbox.h"
#include "mem.h"
#include "record.h"
#include "store.h"

struct recorder {
	struct store *store;
	bool is_shared;      /* by several nodes */
	struct inbox *inbox; /* gets RECORDED and CLAIM_LOST */
	void (*forget)(void *context, enum executor_kind executor, uint64_t run);
	/* Output or news of that run is durable. */
	void (*committed)(void *context, uint64_t run);
	void *context;

	struct arena arena; /* texts of what waits */
	struct record *records;
	size_t count, capacity, bytes;
	struct ended {
		uint64_t run;
		enum executor_kind executor;
	} * ended; /* runs to forget once all that waits is durable */
	size_t ended_count, ended_capacity;

	bool is_urgent;
	bool is_failing;
	struct err failure; /* why, while is_failing */
	struct mono due;    /* when what waits has to be tried */
	uint64_t commits;   /* for the bench: how many transactions */
};

enum {
	RECORDER_GROUP_MS = 15,
	RECORDER_RETRY_MS = 1000,
	RECORDER_BYTES_MAX = 1 << 20,
	RECORDER_FULL = 8 << 20,    /* bytes of output that may wait while the store fails */
	RECORDER_IDLE_COUNT = 4096, /* records whose room is kept between commits */
};

/* Copies the record with its texts. */
void recorder_add(struct recorder *recorder, const struct record *record, struct mono now);
void recorder_forget(struct recorder *recorder, enum executor_kind executor, uint64_t run);
/* Commits what is due; all of it with `whole`. False while the store fails. */
bool recorder_flush(struct recorder *recorder, struct mono now, bool whole);
/* The store fails, and so much output waits that no more should come. */
bool recorder_is_full(const struct recorder *recorder);
/* When to call flush again; INT64_MAX: nothing waits. */
struct mono recorder_due(const struct recorder *recorder);
/* What waits is void: another node has gone on. */
void recorder_drop(struct recorder *recorder);
void recorder_finish(struct recorder *recorder);

#endif
