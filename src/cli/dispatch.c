/* dispatch.c - from the words of the command line to the verb; see dispatch.h. */
#include "dispatch.h"

#include <string.h>

#include "args.h"
#include "help.h"
#include "say.h"

static int run_verb(const struct command *command, const char **words, size_t count)
{
	struct args args;
	struct err err;

	if (!args_parse(&args, command, words, count, &err))
		return say_usage(&args, &err);
	return args.wants_help ? help_command(&args, command) : command->run(&args);
}

int dispatch(size_t argc, const char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word)
		return help_missing();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		word = "help";
	else if (strcmp(word, "--version") == 0)
		word = "version";
	const struct command *command = command_find(word);
	return command ? run_verb(command, argv + 2, argc - 2) : help_unknown(word);
}
