/*
 * completions.c - `belfry completions SHELL`: the script that a shell reads, made from
 * the table of commands. Names of jobs and runs are asked of the server at each Tab,
 * through `belfry complete`.
 */
#include <string.h>

#include "say.h"
#include "verbs.h"

/* The tables of options that a command takes, NULL at the end. */
static void tables_of(const struct command *command, const struct option_row *tables[4])
{
	size_t count = 0;

	if (command->options)
		tables[count++] = command->options;
	if (command->asks_server)
		tables[count++] = options_of_asking;
	tables[count++] = options_of_all;
	tables[count] = NULL;
}

typedef void row_fn(struct buf *out, const struct command *command, const struct option_row *row);

static void each_option(struct buf *out, const struct command *command, row_fn *fn)
{
	const struct option_row *tables[4];

	tables_of(command, tables);
	for (const struct option_row **table = tables; *table; table++)
		for (const struct option_row *row = *table; row->name; row++)
			fn(out, command, row);
}

static void add_words(struct buf *out, const char *const *words)
{
	for (const char *const *word = words; *word; word++)
		buf_format(out, "%s%s", word == words ? "" : " ", *word);
}

static void add_commands(struct buf *out)
{
	const char *separator = "";

	for (const struct command *const *command = commands; *command; command++) {
		if ((*command)->is_hidden)
			continue;
		buf_format(out, "%s%s", separator, (*command)->name);
		separator = " ";
	}
}

/* For single quotes, with the characters of `escaped` behind a backslash. */
static void add_quoted(struct buf *out, const char *text, const char *escaped)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buf_text(out, "'\\''");
			continue;
		}
		if (strchr(escaped, *text))
			buf_char(out, '\\');
		buf_char(out, *text);
	}
}

/* A command that is not offered itself may have words behind it that are. */
static bool has_offers(const struct command *command)
{
	return !command->is_hidden || command->operand_words;
}

/* ---- bash ---- */

static const char bash_head[] = "# Completions of belfry for bash.\n"
				"_belfry()\n"
				"{\n"
				"	local cur=${COMP_WORDS[COMP_CWORD]} "
				"prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}\n"
				"	local options= kind= words= wanted= name= belfry=$1\n"
				"\n"
				"	COMPREPLY=()\n"
				"	# --name=value comes as three words.\n"
				"	if [[ $cur == = ]]; then\n"
				"		cur=\n"
				"	elif [[ $prev == = ]]; then\n"
				"		prev=${COMP_WORDS[COMP_CWORD-2]}\n"
				"	fi\n"
				"	if ((COMP_CWORD == 1)); then\n"
				"		verb=help\n"
				"		prev=\n"
				"	fi\n"
				"	case $verb in\n";

static const char bash_tail[] =
	"	*) return ;;\n"
	"	esac\n"
	"	case $kind in\n"
	"	file) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
	"	folder) compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n"
	"	job) wanted=--jobs ;;\n"
	"	run) wanted=--runs ;;\n"
	"	open) wanted=--open-runs ;;\n"
	"	zone) wanted=--zones ;;\n"
	"	both) wanted='--jobs --runs' ;;\n"
	"	esac\n"
	"	if [[ $cur == -* && $options ]]; then\n"
	"		COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
	"	elif [[ $words ]]; then\n"
	"		COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	"	elif [[ $wanted ]]; then\n"
	"		# Not by compgen -W, which would expand what the names have in them.\n"
	"		while IFS= read -r name; do\n"
	"			[[ $name != \"$cur\"* && $name != \"${cur//\\\\/}\"* ]] ||\n"
	"				COMPREPLY+=(\"$(printf %q \"$name\")\")\n"
	"		done < <(\"$belfry\" complete $wanted 2>/dev/null)\n"
	"	fi\n"
	"}\n"
	"complete -F _belfry belfry\n";

static void bash_kind(struct buf *out, enum completion kind, const char *const *words)
{
	switch (kind) {
	case COMPLETE_NOTHING: break;
	case COMPLETE_FILE: buf_text(out, " kind=file"); break;
	case COMPLETE_FOLDER: buf_text(out, " kind=folder"); break;
	case COMPLETE_JOB: buf_text(out, " kind=job"); break;
	case COMPLETE_RUN: buf_text(out, " kind=run"); break;
	case COMPLETE_OPEN_RUN: buf_text(out, " kind=open"); break;
	case COMPLETE_ZONE: buf_text(out, " kind=zone"); break;
	case COMPLETE_RUN_OR_JOB: buf_text(out, " kind=both"); break;
	case COMPLETE_COMMAND:
		buf_text(out, " words='");
		add_commands(out);
		buf_char(out, '\'');
		break;
	case COMPLETE_WORDS:
		buf_text(out, " words='");
		add_words(out, words);
		buf_char(out, '\'');
		break;
	}
}

static void bash_name(struct buf *out, const struct command *command, const struct option_row *row)
{
	(void)command;
	buf_format(out, " --%s", row->name);
}

/* What follows an option that takes a value. */
static void bash_value(struct buf *out, const struct command *command, const struct option_row *row)
{
	(void)command;
	if (!row->value)
		return;
	buf_format(out, "		--%s", row->name);
	if (row->letter)
		buf_format(out, " | -%c", row->letter);
	buf_text(out, ") options=");
	bash_kind(out, row->complete, row->words);
	buf_text(out, " ;;\n");
}

static void bash_command(struct buf *out, const struct command *command)
{
	buf_format(out, "	%s)\n		case $prev in\n", command->name);
	each_option(out, command, bash_value);
	buf_text(out, "		*) options='");
	each_option(out, command, bash_name);
	buf_char(out, '\'');
	bash_kind(out, command->complete, command->operand_words);
	buf_text(out, " ;;\n		esac\n		;;\n");
}

static void write_bash(struct buf *out)
{
	buf_text(out, bash_head);
	for (const struct command *const *command = commands; *command; command++)
		if (has_offers(*command))
			bash_command(out, *command);
	buf_text(out, bash_tail);
}

/* ---- zsh ---- */

static const char zsh_head[] =
	"#compdef belfry\n"
	"# Completions of belfry for zsh.\n"
	"\n"
	"# belfry_wanted: what to ask of `belfry complete`; the rest is compadd's.\n"
	"_belfry_names()\n"
	"{\n"
	"	local -a names\n"
	"	names=(${(f)\"$(_call_program names ${(q)belfry} complete $belfry_wanted "
	"2>/dev/null)\"})\n"
	"	compadd \"$@\" -a names\n"
	"}\n"
	"_belfry_jobs() { local -a belfry_wanted=(--jobs); _belfry_names \"$@\" }\n"
	"_belfry_runs() { local -a belfry_wanted=(--runs); _belfry_names \"$@\" }\n"
	"_belfry_open_runs() { local -a belfry_wanted=(--open-runs); _belfry_names \"$@\" }\n"
	"_belfry_zones() { local -a belfry_wanted=(--zones); _belfry_names \"$@\" }\n"
	"_belfry_jobs_and_runs() { local -a belfry_wanted=(--jobs --runs); _belfry_names \"$@\" }\n"
	"\n"
	"_belfry()\n"
	"{\n"
	"	local belfry=$words[1] curcontext=$curcontext\n"
	"	local -a commands\n"
	"\n"
	"	commands=(\n";

static const char zsh_middle[] = "	)\n"
				 "	if ((CURRENT == 2)); then\n"
				 "		_describe command commands\n"
				 "		return\n"
				 "	fi\n"
				 "	shift words\n"
				 "	((CURRENT--))\n"
				 "	case $words[1] in\n";

static const char zsh_tail[] = "	esac\n"
			       "}\n"
			       "\n"
			       "if [[ $funcstack[1] == _belfry ]]; then\n"
			       "	_belfry \"$@\"\n"
			       "else\n"
			       "	compdef _belfry belfry\n"
			       "fi\n";

/* ":message:action" of _arguments. */
static void zsh_action(struct buf *out, const char *what, enum completion kind,
		       const char *const *words)
{
	buf_char(out, ':');
	add_quoted(out, what, ":[]\\");
	buf_char(out, ':');
	switch (kind) {
	case COMPLETE_NOTHING: buf_char(out, ' '); break;
	case COMPLETE_FILE: buf_text(out, "_files"); break;
	case COMPLETE_FOLDER: buf_text(out, "_files -/"); break;
	case COMPLETE_JOB: buf_text(out, "_belfry_jobs"); break;
	case COMPLETE_RUN: buf_text(out, "_belfry_runs"); break;
	case COMPLETE_OPEN_RUN: buf_text(out, "_belfry_open_runs"); break;
	case COMPLETE_ZONE: buf_text(out, "_belfry_zones"); break;
	case COMPLETE_RUN_OR_JOB: buf_text(out, "_belfry_jobs_and_runs"); break;
	case COMPLETE_COMMAND:
		buf_char(out, '(');
		add_commands(out);
		buf_char(out, ')');
		break;
	case COMPLETE_WORDS:
		buf_char(out, '(');
		add_words(out, words);
		buf_char(out, ')');
		break;
	}
}

static void zsh_option(struct buf *out, const struct command *command, const struct option_row *row)
{
	(void)command;
	buf_text(out, " \\\n			");
	if (row->letter)
		buf_format(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", row->letter, row->name, row->letter,
			   row->value ? "+" : "", row->name, row->value ? "=" : "");
	else
		buf_format(out, "'--%s%s[", row->name, row->value ? "=" : "");
	add_quoted(out, row->summary, ":[]\\");
	buf_char(out, ']');
	if (row->value)
		zsh_action(out, row->value, row->complete, row->words);
	buf_char(out, '\'');
}

static void zsh_command(struct buf *out, const struct command *command)
{
	buf_format(out, "	%s)\n		_arguments -s -S", command->name);
	each_option(out, command, zsh_option);
	if (command->operands_max > 0) {
		buf_format(out, " \\\n			'%s",
			   command->operands_max == 1 ? ":" : "*:");
		zsh_action(out, command->operands, command->complete, command->operand_words);
		buf_char(out, '\'');
	}
	buf_text(out, "\n		;;\n");
}

static void write_zsh(struct buf *out)
{
	buf_text(out, zsh_head);
	for (const struct command *const *command = commands; *command; command++) {
		if ((*command)->is_hidden)
			continue;
		buf_format(out, "		'%s:", (*command)->name);
		add_quoted(out, (*command)->summary, ":\\");
		buf_text(out, "'\n");
	}
	buf_text(out, zsh_middle);
	for (const struct command *const *command = commands; *command; command++)
		if (has_offers(*command))
			zsh_command(out, *command);
	buf_text(out, zsh_tail);
}

/* ---- fish ---- */

static const char fish_head[] = "# Completions of belfry for fish.\n"
				"function __belfry_names\n"
				"    set -l words (commandline -opc)\n"
				"    $words[1] complete $argv 2>/dev/null\n"
				"end\n"
				"function __belfry_verb\n"
				"    set -l words (commandline -opc)\n"
				"    test (count $words) -gt 1; and test $words[2] = $argv[1]\n"
				"end\n"
				"function __belfry_no_verb\n"
				"    test (count (commandline -opc)) -eq 1\n"
				"end\n"
				"complete -c belfry -f\n";

static void fish_offer(struct buf *out, enum completion kind, const char *const *words)
{
	switch (kind) {
	case COMPLETE_NOTHING: break;
	case COMPLETE_FILE: buf_text(out, " -F"); break;
	case COMPLETE_FOLDER: buf_text(out, " -a '(__fish_complete_directories)'"); break;
	case COMPLETE_JOB: buf_text(out, " -a '(__belfry_names --jobs)'"); break;
	case COMPLETE_RUN: buf_text(out, " -a '(__belfry_names --runs)'"); break;
	case COMPLETE_OPEN_RUN: buf_text(out, " -a '(__belfry_names --open-runs)'"); break;
	case COMPLETE_ZONE: buf_text(out, " -a '(__belfry_names --zones)'"); break;
	case COMPLETE_RUN_OR_JOB: buf_text(out, " -a '(__belfry_names --jobs --runs)'"); break;
	case COMPLETE_COMMAND:
		buf_text(out, " -a '");
		add_commands(out);
		buf_char(out, '\'');
		break;
	case COMPLETE_WORDS:
		buf_text(out, " -a '");
		add_words(out, words);
		buf_char(out, '\'');
		break;
	}
}

/* Fish's own quoting inside single quotes: \' and \\. */
static void fish_text(struct buf *out, const char *text)
{
	buf_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
	buf_char(out, '\'');
}

static void fish_option(struct buf *out, const struct command *command,
			const struct option_row *row)
{
	buf_format(out, "complete -c belfry -n '__belfry_verb %s' -l %s", command->name, row->name);
	if (row->letter)
		buf_format(out, " -s %c", row->letter);
	if (row->value) {
		buf_text(out, row->complete == COMPLETE_FILE ? " -r" : " -x");
		fish_offer(out, row->complete, row->words);
	}
	buf_text(out, " -d ");
	fish_text(out, row->summary);
	buf_char(out, '\n');
}

static void fish_verb(struct buf *out, const struct command *command)
{
	buf_format(out, "complete -c belfry -n __belfry_no_verb -a %s -d ", command->name);
	fish_text(out, command->summary);
	buf_char(out, '\n');
}

static void write_fish(struct buf *out)
{
	buf_text(out, fish_head);
	for (const struct command *const *each = commands; *each; each++) {
		const struct command *command = *each;

		if (!has_offers(command))
			continue;
		if (!command->is_hidden)
			fish_verb(out, command);
		each_option(out, command, fish_option);
		if (command->operands_max > 0 && command->complete != COMPLETE_NOTHING) {
			buf_format(out, "complete -c belfry -n '__belfry_verb %s'", command->name);
			fish_offer(out, command->complete, command->operand_words);
			buf_char(out, '\n');
		}
	}
}

/* ---- the verb ---- */

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static int run(const struct args *args)
{
	static void (*const writers[])(struct buf * out) = {write_bash, write_zsh, write_fish};
	const char *shell = args_operand(args, 0);
	struct buf out = {0};
	struct err err;

	for (size_t i = 0; shells[i]; i++)
		if (strcmp(shells[i], shell) == 0)
			writers[i](&out);
	if (out.length)
		return say_print(args, &out);
	err_set(&err, "no completions for '%s'; there are bash, zsh and fish", shell);
	return say_usage(args, &err);
}

const struct command command_completions = {
	.name = "completions",
	.operands = "SHELL",
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_WORDS,
	.operand_words = shells,
	.summary = "the script of completions for bash, zsh or fish",
	.examples = "  source <(belfry completions bash)\n"
		    "  belfry completions zsh > ~/.zfunc/_belfry\n"
		    "  belfry completions fish > ~/.config/fish/completions/belfry.fish",
	.is_hidden = true,
	.run = run,
};
