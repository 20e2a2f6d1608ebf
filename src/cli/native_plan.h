/*
 * native_plan.h - native jobs beside the Machines that are there: what `belfry fly apply`
 * would do. Pure: the same file and the same answers of Fly's give the same steps.
 *
 * A Machine is a job's by its metadata, and as it should be where the hash in there is that
 * of the config that would be sent.
 */
#ifndef BELFRY_NATIVE_PLAN_H
#define BELFRY_NATIVE_PLAN_H

#include "config.h"
#include "fly_machine.h"
#include "fly_native.h"

enum native_action {
	NATIVE_CREATE,
	NATIVE_UPDATE,
	NATIVE_KEEP,    /* as it should be */
	NATIVE_DESTROY, /* a second one of its job, or of no job, and --prune */
	NATIVE_ORPHAN,  /* of no job; only told */
	NATIVE_ACTION_COUNT
};

/* A job as it should be. */
struct native_wanted {
	const struct job *job;
	struct fly_spec spec;
	json_t *config; /* owned by who filled it in */
	char hash[FLY_HASH_MAX], name[FLY_NAME_MAX];
};

struct native_machine {
	struct fly_machine is;
	const json_t *config; /* NULL: its host is unreachable */
};

/* A key of the config that differs. Values are NULL where they may be secrets. */
struct native_change {
	const char *path, *before, *after;
};

struct native_step {
	enum native_action action;
	const char *job;
	const struct native_wanted *wanted;   /* of create, update and keep */
	const struct native_machine *machine; /* NULL of create */
	const char *why;                      /* of destroy and orphan */
	struct native_change *changes;        /* of update */
	size_t change_count;
	/* Once it was carried out: the Machine that was made, what went wrong. */
	const char *made, *failure;
	bool is_done;
};

struct native_question {
	const char *app;
	const struct config *config; /* for why a Machine is nobody's */
	const struct native_wanted *wanted;
	size_t wanted_count;
	const struct native_machine *machines;
	size_t machine_count;
	bool prunes;
};

struct native_plan {
	struct native_question question;
	struct native_step *steps; /* creates and updates as in the file, then what goes */
	size_t step_count;
	size_t counts[NATIVE_ACTION_COUNT];
};

/* From Fly's list, which it borrows: those alone that are there and are a native job's. */
struct native_machine *native_machines_read(const json_t *list, struct arena *arena, size_t *count);
void native_plan_make(struct native_plan *plan, const struct native_question *question,
		      struct arena *arena);
bool native_plan_is_empty(const struct native_plan *plan);
void native_plan_text(const struct native_plan *plan, struct buf *out);
/* One object; of each step whether it was done, where `is_applied`. */
json_t *native_plan_json(const struct native_plan *plan, bool is_applied);

#endif
