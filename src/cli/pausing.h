/* pausing.h - what `pause` and `resume` share: one job, or all of them. */
#ifndef BELFRY_PAUSING_H
#define BELFRY_PAUSING_H

#include "args.h"
#include "buf.h"

/* The operand, or every job of the server with --all. */
struct pausing {
	const char *verb; /* of the path */
	const char *body; /* JSON */
	/* "paused until …" */
	void (*add_words)(struct buf *out, const void *job);
};
int pausing_run(const struct args *args, const struct pausing *pausing);

/* "eva@desk", for the log and for others who look: who asks. */
void pausing_json_by(struct buf *json);
/* "paused until …, by eva@desk: broken" of a job (json_t) that is; nothing of others. */
void pausing_add_words(struct buf *out, const void *job);

#endif
