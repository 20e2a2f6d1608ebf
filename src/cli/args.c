/* args.c - the words after a verb, held against its row; see args.h. */
#include "args.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

/* ---- the rows of a command: its own, those of all, those of asking ---- */

static const struct option_row *const *tables_of(const struct command *command,
						 const struct option_row *tables[4])
{
	size_t count = 0;

	if (command->options)
		tables[count++] = command->options;
	if (command->asks_server)
		tables[count++] = options_of_asking;
	tables[count++] = options_of_all;
	tables[count] = NULL;
	return tables;
}

static const struct option_row *find_name(const struct command *command, const char *name,
					  size_t length)
{
	const struct option_row *tables[4];

	for (const struct option_row *const *table = tables_of(command, tables); *table; table++)
		for (const struct option_row *row = *table; row->name; row++)
			if (strlen(row->name) == length && memcmp(row->name, name, length) == 0)
				return row;
	return NULL;
}

static const struct option_row *find_letter(const struct command *command, char letter)
{
	const struct option_row *tables[4];

	for (const struct option_row *const *table = tables_of(command, tables); *table; table++)
		for (const struct option_row *row = *table; row->name; row++)
			if (row->letter == letter)
				return row;
	return NULL;
}

static const char *nearest_name(const struct command *command, const char *name)
{
	const struct option_row *tables[4];
	const char *names[64];
	size_t count = 0;

	for (const struct option_row *const *table = tables_of(command, tables); *table; table++)
		for (const struct option_row *row = *table; row->name; row++)
			names[count++] = row->name;
	assert(count <= sizeof(names) / sizeof(names[0]));
	return str_nearest(name, names, count);
}

/* ---- parsing ---- */

/* Where we are among the words. */
struct cursor {
	const char **argv;
	size_t at, count;
};

static bool check_words(const struct option_row *row, const char *value, struct err *err)
{
	char list[256] = "";
	size_t count = 0;

	if (row->complete != COMPLETE_WORDS)
		return true;
	for (; row->words[count]; count++) {
		if (strcmp(row->words[count], value) == 0)
			return true;
		strncat(list, count ? ", " : "", sizeof(list) - strlen(list) - 1);
		strncat(list, row->words[count], sizeof(list) - strlen(list) - 1);
	}
	return err_set(err, "--%s takes one of %s, not '%s'", row->name, list, value);
}

static bool give(struct args *args, const struct option_row *row, const char *value,
		 struct err *err)
{
	if (args->given_count == ARGS_OPTIONS_MAX)
		return err_set(err, "too many options");
	if (value && !check_words(row, value, err))
		return false;
	args->given[args->given_count].row = row;
	args->given[args->given_count++].value = value;
	if (strcmp(row->name, "help") == 0)
		args->wants_help = true;
	return true;
}

static bool parse_long(struct args *args, struct cursor *cursor, const char *word, struct err *err)
{
	size_t length = strcspn(word, "=");
	const char *value = word[length] ? word + length + 1 : NULL;
	const struct option_row *row = find_name(args->command, word, length);

	if (!row) {
		char name[64] = "";

		strncat(name, word, length < sizeof(name) - 1 ? length : sizeof(name) - 1);
		const char *near = nearest_name(args->command, name);
		return err_set(err, "there is no option --%s%s%s%s", name,
			       near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
	}
	if (!row->value && value)
		return err_set(err, "--%s takes no value", row->name);
	if (row->value && !value) {
		if (cursor->at == cursor->count)
			return err_set(err, "--%s needs a value: --%s %s", row->name, row->name,
				       row->value);
		value = cursor->argv[cursor->at++];
	}
	return give(args, row, value, err);
}

static bool parse_letters(struct args *args, struct cursor *cursor, const char *letters,
			  struct err *err)
{
	for (; *letters; letters++) {
		const struct option_row *row = find_letter(args->command, *letters);

		if (!row)
			return err_set(err, "there is no option -%c", *letters);
		if (!row->value) {
			if (!give(args, row, NULL, err))
				return false;
			continue;
		}
		if (letters[1])
			return give(args, row, letters + 1, err);
		if (cursor->at == cursor->count)
			return err_set(err, "-%c needs a value: -%c %s", row->letter, row->letter,
				       row->value);
		return give(args, row, cursor->argv[cursor->at++], err);
	}
	return true;
}

static bool check_operands(const struct args *args, struct err *err)
{
	const struct command *command = args->command;

	if (args->operand_count < command->operands_min)
		return err_set(err, "needs a %s: belfry %s %s", command->operands, command->name,
			       command->operands);
	if (args->operand_count > command->operands_max && strstr(command->operands, "SCHEDULE"))
		return err_set(err, "put the schedule in quotes: belfry %s '0 9 * * mon'",
			       command->name);
	if (args->operand_count > command->operands_max)
		return err_set(err, "'%s' is too much: belfry %s %s",
			       args->operands[command->operands_max], command->name,
			       *command->operands ? command->operands : "takes no operands");
	return true;
}

bool args_parse(struct args *args, const struct command *command, const char **argv, size_t count,
		struct err *err)
{
	struct cursor cursor = {.argv = argv, .count = count};
	bool is_plain = false;

	*args = (struct args){.command = command, .operands = argv};
	while (cursor.at < cursor.count) {
		const char *word = argv[cursor.at++];

		if (is_plain || word[0] != '-' || !word[1])
			argv[args->operand_count++] = word;
		else if (strcmp(word, "--") == 0)
			is_plain = true;
		else if (!(word[1] == '-' ? parse_long(args, &cursor, word + 2, err)
					  : parse_letters(args, &cursor, word + 1, err)))
			return false;
	}
	return args->wants_help || check_operands(args, err);
}

/* ---- asking ---- */

const char *args_value(const struct args *args, const char *name)
{
	assert(find_name(args->command, name, strlen(name)));
	for (size_t i = args->given_count; i-- > 0;)
		if (strcmp(args->given[i].row->name, name) == 0)
			return args->given[i].value;
	return NULL;
}

bool args_has(const struct args *args, const char *name)
{
	assert(find_name(args->command, name, strlen(name)));
	for (size_t i = 0; i < args->given_count; i++)
		if (strcmp(args->given[i].row->name, name) == 0)
			return true;
	return false;
}

const char *args_operand(const struct args *args, size_t index)
{
	return index < args->operand_count ? args->operands[index] : NULL;
}

bool args_number(const struct args *args, const char *name, int64_t least, int64_t most,
		 int64_t otherwise, int64_t *number, struct err *err)
{
	const char *value = args_value(args, name);
	char *end;

	*number = otherwise;
	if (!value)
		return true;
	errno = 0;
	long long parsed = strtoll(value, &end, 10);
	if (end == value || *end || errno || parsed < least || parsed > most)
		return err_set(err, "--%s takes a whole number from %lld to %lld, not '%s'", name,
			       (long long)least, (long long)most, value);
	*number = parsed;
	return true;
}

bool args_duration(const struct args *args, const char *name, int64_t otherwise_ms, int64_t *ms,
		   struct err *err)
{
	const char *value = args_value(args, name);

	*ms = otherwise_ms;
	if (value && !str_duration(value, strlen(value), ms))
		return err_set(err, "--%s takes a duration such as 90s or 1h30m, not '%s'", name,
			       value);
	return true;
}
