/*
 * fly_order.h - from a job and a run to the Machine that carries it out. Pure.
 *
 * The job's own config goes through as it is written (docs: machines/api), but for what
 * makes a Machine one of the app's own, or run more than once: that is left out, and told.
 */
#ifndef BELFRY_FLY_ORDER_H
#define BELFRY_FLY_ORDER_H

#include <jansson.h>

#include "buf.h"
#include "err.h"
#include "job.h"
#include "run.h"

/* What the job says of Fly; lives as long as the arena it was read into. */
struct fly_spec {
	const char *app;
	const char *const *regions; /* tried in this order; none: Fly's choice */
	size_t region_count;
	const char *image; /* "current" or a reference; NULL: the config's */
	const char *group; /* whose image is current; NULL: any */
	bool is_cron_manager;
};
/* False with err where it cannot be carried out: no app, no image. */
bool fly_spec_read(const struct job *job, struct arena *arena, struct fly_spec *spec,
		   struct err *err);
/* Whether the image has to be looked up. */
bool fly_spec_is_current(const struct fly_spec *spec);

struct fly_order {
	const struct job *job;
	const struct run *run;
	const char *region;     /* NULL: Fly's choice */
	const char *image;      /* resolved; NULL: the config's own */
	const char *home;       /* this belfry */
	const char *const *env; /* NAME=value, besides the config's own; ends with NULL */
	bool is_cron_manager;
};
/* The body of the request that makes the Machine and does not launch it. What was left
 * out is added to *notes, a line each. The caller frees the text. */
char *fly_order_body(const struct fly_order *order, struct buf *notes);

/* Parts of it that native Machines have, too. Without what must not be in it, which is told
 * in *notes. The object of that name; made, or put in place of what is none. The command, with
 * what a rehearsal adds to it. */
void fly_config_leave_out(json_t *config, bool is_native, struct buf *notes);
json_t *fly_config_object(json_t *parent, const char *key);
void fly_config_text(json_t *object, const char *key, const char *text);
void fly_config_command(json_t *config, const struct job *job, bool is_rehearsed);
/* A job's name as part of a Machine's: small letters, digits and dashes; cut. */
enum { FLY_SLUG_MAX = 31 };
const char *fly_slug(const char *name, char text[FLY_SLUG_MAX]);

enum { FLY_NAME_MAX = 64 };
/* "belfry-send-reminders-06nk2v0d80200-1": unique, and readable in `fly machine list`. */
const char *fly_order_name(const struct job *job, const struct run *run, char text[FLY_NAME_MAX]);

#endif
