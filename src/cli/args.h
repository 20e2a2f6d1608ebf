/*
 * args.h - the words after a verb, held against its row.
 *
 * GNU habits: --name value, --name=value, -n value, -nvalue, flags together (-fh),
 * options anywhere among the operands, "--" ends them.
 */
#ifndef BELFRY_ARGS_H
#define BELFRY_ARGS_H

#include "command.h"
#include "err.h"

enum { ARGS_OPTIONS_MAX = 32 };

struct args {
	const struct command *command;
	struct {
		const struct option_row *row;
		const char *value; /* NULL for a flag */
	} given[ARGS_OPTIONS_MAX];
	size_t given_count;
	const char *const *operands;
	size_t operand_count;
	bool wants_help;
};

/* argv[0..count) are the words after the verb; operands are gathered in place. The
 * message says what is wrong and what would be right. */
bool args_parse(struct args *args, const struct command *command, const char **argv, size_t count,
		struct err *err);

/* Asking for a name that the command does not have is our own fault. */
bool args_has(const struct args *args, const char *name);
/* The last one given, NULL if none was. */
const char *args_value(const struct args *args, const char *name);
/* The operand, NULL if there are fewer. */
const char *args_operand(const struct args *args, size_t index);

/* A value that has to be a number in [least, most]; `otherwise` if it was not given.
 * False: the message names the option. */
bool args_number(const struct args *args, const char *name, int64_t least, int64_t most,
		 int64_t otherwise, int64_t *number, struct err *err);
/* A duration ("90s", "1h30m"). */
bool args_duration(const struct args *args, const char *name, int64_t otherwise_ms, int64_t *ms,
		   struct err *err);

#endif
