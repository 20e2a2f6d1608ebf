/* dispatch.c - from the words of the command line to the verb; see dispatch.h. */
#include "dispatch.h"

#include <string.h>

#include "args.h"
#include "help.h"
#include "say.h"
#include "str.h"

static int unknown_verb(const char *word)
{
	const char *names[64], *near = NULL;
	size_t count = 0;
	struct err err;

	for (const struct command *const *command = commands; *command; command++)
		if (!(*command)->is_hidden)
			names[count++] = (*command)->name;
	near = str_nearest(word, names, count);
	if (word[0] == '-')
		err_set(&err, "there is no option %s here; options of a command come after it",
			word);
	else
		err_set(&err, "there is no command '%s'%s%s%s", word,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return say_usage(NULL, &err);
}

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
	return command ? run_verb(command, argv + 2, argc - 2) : unknown_verb(word);
}
