/* help.c - `belfry help` and --help: pages made from the rows; see help.h. */
#include "help.h"

#include <jansson.h>
#include <string.h>

#include "say.h"
#include "str.h"
#include "terminal.h"
#include "verbs.h"

enum { SUMMARY_COLUMN_MAX = 30, PAGE_WIDTH = 80 };

/* ---- one command ---- */

static void add_head(struct buf *out, const char *text)
{
	terminal_add(out, OUTPUT_STDOUT, STYLE_BOLD, text);
	buf_char(out, '\n');
}

/* "-n, --limit N", "    --json". */
static void spell_option(struct buf *out, const struct option_row *row)
{
	if (row->letter)
		buf_format(out, "-%c, ", row->letter);
	else
		buf_text(out, "    ");
	buf_format(out, "--%s", row->name);
	if (row->value)
		buf_format(out, " %s", row->value);
}

static size_t option_width(const struct option_row *rows)
{
	struct buf text = {0};
	size_t most = 0;

	for (; rows && rows->name; rows++) {
		buf_clear(&text);
		spell_option(&text, rows);
		if (text.length > most && text.length <= SUMMARY_COLUMN_MAX)
			most = text.length;
	}
	buf_finish(&text);
	return most;
}

static void add_options(struct buf *out, const struct option_row *rows, size_t width)
{
	struct buf text = {0};

	for (; rows && rows->name; rows++) {
		buf_clear(&text);
		spell_option(&text, rows);
		if (text.length > width)
			buf_format(out, "  %s\n  %*s  %s\n", text.data, (int)width, "",
				   rows->summary);
		else
			buf_format(out, "  %-*s  %s\n", (int)width, text.data, rows->summary);
		if (rows->complete == COMPLETE_WORDS) {
			buf_format(out, "  %*s  one of", (int)width, "");
			for (const char *const *word = rows->words; *word; word++)
				buf_format(out, "%s %s", word == rows->words ? "" : ",", *word);
			buf_char(out, '\n');
		}
	}
	buf_finish(&text);
}

static void add_usage(struct buf *out, const struct command *command)
{
	buf_format(out, "usage: belfry %s [OPTION…]%s%s\n", command->name,
		   *command->operands ? " " : "", command->operands);
}

/* Paragraphs are broken where they were written, or, on a narrow terminal, anew: then
 * each has to be one line. */
static void add_description(struct buf *out, const char *text)
{
	size_t width = terminal_width();
	bool is_narrow = width > 0 && width < PAGE_WIDTH;

	buf_char(out, '\n');
	for (; *text; text++) {
		bool is_inside =
			*text == '\n' && text[1] && !strchr("\n ", text[1]) && text[-1] != '\n';

		buf_char(out, is_narrow && is_inside ? ' ' : *text);
	}
	buf_char(out, '\n');
}

static void add_page(struct buf *out, const struct command *command)
{
	size_t widths[] = {option_width(command->options),
			   command->asks_server ? option_width(options_of_asking) : 0,
			   option_width(options_of_all)};
	size_t width = 0;

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		width = widths[i] > width ? widths[i] : width;
	buf_format(out, "belfry %s: %s\n\n", command->name, command->summary);
	add_usage(out, command);
	if (command->description)
		add_description(out, command->description);
	buf_char(out, '\n');
	add_head(out, "options");
	add_options(out, command->options, width);
	if (command->asks_server)
		add_options(out, options_of_asking, width);
	add_options(out, options_of_all, width);
	if (command->examples) {
		buf_char(out, '\n');
		add_head(out, "examples");
		buf_format(out, "%s\n", command->examples);
	}
}

int help_command(const struct args *args, const struct command *command)
{
	struct buf out = {0};

	add_page(&out, command);
	return say_text(args, &out);
}

/* ---- all commands ---- */

static void add_overview(struct buf *out)
{
	buf_text(out, "belfry: the cron service for web apps\n\n"
		      "usage: belfry COMMAND [OPTION…] [OPERAND…]\n\n");
	add_head(out, "commands");
	for (const struct command *const *command = commands; *command; command++) {
		struct buf text = {0};

		if ((*command)->is_hidden)
			continue;
		buf_format(&text, "%s %s", (*command)->name, (*command)->operands);
		buf_format(out, "  %-18s  %s\n", text.data, (*command)->summary);
		buf_finish(&text);
	}
	buf_text(out, "\n'belfry COMMAND --help' shows a command's options with examples; "
		      "'man belfry' is the manual.\n");
}

int help_missing(void)
{
	struct buf out = {0};

	add_overview(&out);
	terminal_write(OUTPUT_STDERR, buf_string(&out), out.length);
	buf_finish(&out);
	return CLI_USAGE;
}

/* Where other programs' verbs are found here. */
static const char *known_elsewhere(const char *word)
{
	static const struct {
		const char *word, *hint;
	} rows[] = {
		{"ls", "did you mean 'list'?"},
		{"ps", "belfry runs --state open shows what runs"},
		{"start", "'serve' is the daemon; 'trigger JOB' starts a run"},
		{"stop", "'cancel' ends a run; SIGTERM stops the daemon"},
		{"restart", "send the daemon SIGTERM, and start 'serve' again"},
		{"reload", "the daemon follows schedules.json by itself, and on SIGHUP"},
		{"validate", "did you mean 'check'?"},
		{"lint", "did you mean 'check'?"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].word, word) == 0)
			return rows[i].hint;
	return NULL;
}

int help_unknown(const char *word)
{
	const char *names[64];
	size_t count = 0;
	struct err err;

	for (const struct command *const *command = commands; *command; command++)
		if (!(*command)->is_hidden && count < sizeof(names) / sizeof(names[0]))
			names[count++] = (*command)->name;
	const char *near = str_nearest(word, names, count), *hint = known_elsewhere(word);
	if (hint)
		err_set(&err, "there is no command '%s'; %s", word, hint);
	else if (strcmp(word, "-v") == 0 || strcmp(word, "-V") == 0)
		err_set(&err, "there is no option %s; did you mean --version?", word);
	else if (word[0] == '-')
		err_set(&err, "there is no option %s here; options of a command come after it",
			word);
	else
		err_set(&err, "there is no command '%s'%s%s%s", word,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return say_usage(NULL, &err);
}

/* ---- for programs: completions of other shells, the test of the manual ---- */

static json_t *json_of_options(const struct option_row *rows)
{
	json_t *list = json_array();

	for (; rows && rows->name; rows++) {
		char letter[2] = {rows->letter, '\0'};
		json_t *option = json_pack("{s:s, s:s*, s:s*, s:s}", "name", rows->name, "letter",
					   rows->letter ? letter : NULL, "value", rows->value,
					   "summary", rows->summary);

		json_array_append_new(list, option);
	}
	return list;
}

static json_t *json_of_command(const struct command *command)
{
	json_t *options = json_of_options(command->options);

	if (command->asks_server) {
		json_t *asking = json_of_options(options_of_asking);

		json_array_extend(options, asking);
		json_decref(asking);
	}
	json_t *all = json_of_options(options_of_all);
	json_array_extend(options, all);
	json_decref(all);
	return json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", command->name, "operands",
			 command->operands, "summary", command->summary, "hidden",
			 command->is_hidden, "options", options);
}

static json_t *json_of_all(void)
{
	json_t *list = json_array();

	for (const struct command *const *command = commands; *command; command++)
		json_array_append_new(list, json_of_command(*command));
	return list;
}

/* ---- the verb ---- */

static int run(const struct args *args)
{
	const char *name = args_operand(args, 0);
	const struct command *command = name ? command_find(name) : NULL;
	struct buf out = {0};

	if (name && !command)
		return help_unknown(name);
	if (args_has(args, "json"))
		return say_json(args, command ? json_of_command(command) : json_of_all());
	if (command)
		return help_command(args, command);
	add_overview(&out);
	return say_text(args, &out);
}

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.operands_max = 1,
	.complete = COMPLETE_COMMAND,
	.summary = "this page, or that of a command",
	.examples = "  belfry help runs\n"
		    "  belfry help --json      every command and option, for programs",
	.run = run,
};
