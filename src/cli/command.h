/*
 * command.h - one verb, one file, one row.
 *
 * A verb's file has its row (struct command) and its code. The row feeds the
 * parser, --help, the completions and the test that holds the manual to it.
 */
#ifndef BELFRY_COMMAND_H
#define BELFRY_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of every command. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_CHANGES = 3 };

/* What a shell may offer for a value or an operand. */
enum completion {
	COMPLETE_NOTHING,
	COMPLETE_FILE,
	COMPLETE_FOLDER,
	COMPLETE_JOB,
	COMPLETE_RUN,
	COMPLETE_OPEN_RUN,
	COMPLETE_RUN_OR_JOB,
	COMPLETE_ZONE,
	COMPLETE_COMMAND,
	COMPLETE_WORDS, /* those of the option's `words` */
};

struct option_row {
	const char *name;         /* "limit": --limit; NULL ends the table */
	const char *value;        /* "N", as help shows it; NULL: a flag */
	const char *summary;      /* without a full stop */
	const char *const *words; /* COMPLETE_WORDS: allowed values, NULL at the end */
	enum completion complete;
	char letter; /* 'n': -n; 0: none */
};

struct args;

struct command {
	const char *name;
	const char *operands; /* "JOB", "[FILE]"; "" for none */
	size_t operands_min, operands_max;
	enum completion complete;         /* of the operands */
	const char *const *operand_words; /* COMPLETE_WORDS: what they may be, NULL at the end */
	const char *summary;              /* one line, without a full stop */
	const char *description;          /* of --help: lines of at most 78 columns; NULL: none */
	const char *examples;             /* of --help: lines that begin with two spaces */
	const struct option_row *options; /* its own; NULL: none */
	bool asks_server;                 /* also takes --server and --token */
	bool is_hidden;                   /* not in the list of commands */
	int (*run)(const struct args *args);
};

/* All of them, in the order of the help page; NULL at the end (commands.c; the rows
 * are declared in verbs.h as command_NAME). */
extern const struct command *const commands[];
/* Taken by every command; by those that ask the server (options.c). */
extern const struct option_row options_of_all[], options_of_asking[];

const struct command *command_find(const char *name);

#endif
