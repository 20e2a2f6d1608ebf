/* help.h - pages made from the rows of commands. */
#ifndef BELFRY_HELP_H
#define BELFRY_HELP_H

#include "args.h"

/* The page of one command, to standard output. */
int help_command(const struct args *args, const struct command *command);
/* The page of all, to standard error: no command was named. Returns CLI_USAGE. */
int help_missing(void);
/* Says that there is no such command, and which is near. Returns CLI_USAGE. */
int help_unknown(const char *word);

#endif
