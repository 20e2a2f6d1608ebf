/*
 * deploying.h - what the verbs that deploy share: asking for a plan, showing it, asking
 * whether to go on, applying.
 */
#ifndef BELFRY_DEPLOYING_H
#define BELFRY_DEPLOYING_H

#include <jansson.h>

#include "args.h"
#include "buf.h"
#include "err.h"

/* A schedules.json as its bytes: what is wrong with it the server tells, which knows the
 * environment. */
struct deploying {
	const char *path; /* NULL: it is a revision of the server */
	char *text;
	size_t length;
};
/* Says what is wrong; an exit code. "-" is standard input. */
int deploying_read(struct deploying *file, const struct args *args, const char *path);
void deploying_finish(struct deploying *file);

/* Whether a word is the number of a revision. */
bool deploying_is_number(const char *word);

/* The answer; NULL and *code where there is none, which is said, findings and all. */
json_t *deploying_ask(const struct args *args, const struct deploying *file, const char *target,
		      int *code);

/* Whether the plan changes a job; whether there is anything to apply at all. */
bool deploying_has_changes(const json_t *plan);
bool deploying_is_same(const json_t *plan);
/* The plan's member "rendered": in colour on a terminal, where it is text. */
int deploying_show(const struct args *args, const json_t *plan);

/* Nothing is to be applied: said, and done. */
int deploying_say_same(const struct args *args, json_t *plan);

/* --yes, or somebody at the terminal who says so. Else an exit code that is not CLI_OK. */
int deploying_confirm(const struct args *args, const char *question);
/* author, message and source as parameters of the target: the options, else what the CI
 * says of itself, else user and host. */
void deploying_about(struct buf *target, const struct args *args, const char *source);

#define DEPLOYING_OPTIONS                                                                          \
	{.name = "yes", .letter = 'y', .summary = "do not ask"},                                   \
		{.name = "author",                                                                 \
		 .value = "NAME",                                                                  \
		 .summary = "who applies it (the CI's actor, else user@host)"},                    \
	{                                                                                          \
		.name = "message", .letter = 'm', .value = "TEXT",                                 \
		.summary = "why, for the list of revisions (the CI's commit)"                      \
	}

#endif
