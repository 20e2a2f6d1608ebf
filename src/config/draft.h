/* draft.h - a job while it is read: its values, where each was written, what is to be
 * put together at the end. */
#ifndef BELFRY_DRAFT_H
#define BELFRY_DRAFT_H

#include "job.h"
#include "keys.h"

/* Where a value stands in the file. Zeroed: not written. */
struct spot {
	size_t key_at, key_length; /* the key with its quotes */
	size_t at, length;         /* the value */
	bool is_default;           /* in "defaults" */
};

/* What decides a job and has no place of its own in struct job; kept beside it for
 * config_changes. */
struct around_hash {
	uint32_t schedule, start, end, except, remote;
	uint32_t at; /* where its object begins in the text; decides nothing */
};

/* Growing lists of the job being read live in the loader's scratch. */
struct env_list {
	struct env_var *items;
	size_t count, capacity;
};

struct draft {
	struct job job;
	struct spot spots[KEY_COUNT];

	const struct zone *zone;
	const char *start, *end;
	struct text_list except;
	int64_t jitter_ms;
	struct calendar_form calendar;

	struct env_list env;
	bool has_own_env;
	int64_t cpu_ms;
	struct verify_spec verify;
	bool is_native; /* fly.native */
	struct around_hash around;
};

#endif
