/* recognise.c - which kind of file it is; see import.h. */
#include <ctype.h>
#include <string.h>

#include "crontab_line.h"
#include "entry.h"

bool word_is_account(const char *word, size_t length)
{
	static const char *const names[] = {
		"root",  "www-data", "nobody", "daemon", "apache",       "postgres",
		"munin", "smmsp",    "amavis", "clamav", "debian-spamd", "logcheck",
		"uucp",  "ec2-user", "zabbix", "icinga", "nagios"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (length == strlen(names[i]) && memcmp(word, names[i], length) == 0)
			return true;
	return false;
}

static bool could_be_account(struct line_word word)
{
	for (size_t i = 0; i < word.length; i++)
		if (!islower((unsigned char)word.at[i]) && !isdigit((unsigned char)word.at[i]) &&
		    !strchr("_-:", word.at[i]))
			return false;
	return word.length > 0;
}

struct guess {
	size_t entries, longer, accounts, could_be_accounts;
};

static void look_at_entry(struct guess *guess, const char *text)
{
	bool is_macro = *text == '@';
	struct line_word word = line_word(text);

	for (size_t i = 0; i < (is_macro ? 1 : 5); i++)
		word = line_word(word.at + word.length);
	guess->entries++;
	if (!is_macro && line_is_field(word) &&
	    (line_is_year(word) || line_is_year(line_word(word.at + word.length))))
		guess->longer++;
	/* A user, and a command behind it. */
	struct line_word command = line_word(word.at + word.length);
	if (command.length && could_be_account(word)) {
		guess->could_be_accounts++;
		guess->accounts +=
			*command.at != '-' && word_is_account(word.at, strcspn(word.at, ": \t"));
	}
}

static struct guess look_at_lines(const struct import_source *source)
{
	struct line_reader reader = {.source = source};
	struct arena arena = {0};
	struct crontab_setting setting;
	struct crontab_line line;
	struct guess guess = {0};

	while (guess.entries < 1000 && line_next(&reader, &arena, &line)) {
		const char *text = line.text + strspn(line.text, " \t");

		if (*text && *text != '#' && !line_setting(&line, &arena, &setting))
			look_at_entry(&guess, text);
		arena_reset(&arena);
	}
	arena_finish(&arena);
	return guess;
}

static enum import_kind kind_of_crontab(const struct import_source *source)
{
	struct guess guess = look_at_lines(source);
	bool is_system = strcmp(source->path, "/etc/crontab") == 0 ||
			 strstr(source->path, "cron.d/") != NULL;

	if (guess.longer)
		return IMPORT_SUPERCRONIC;
	if (is_system || (guess.accounts && guess.could_be_accounts == guess.entries))
		return IMPORT_SYSTEM_CRONTAB;
	return IMPORT_CRONTAB;
}

static bool has_line(const char *text, const char *beginning)
{
	size_t length = strlen(beginning);

	if (strncmp(text, beginning, length) == 0)
		return true;
	while ((text = strchr(text, '\n')))
		if (strncmp(++text, beginning, length) == 0)
			return true;
	return false;
}

static bool ends_in(const char *path, const char *end)
{
	size_t length = strlen(path), tail = strlen(end);

	return length >= tail && strcmp(path + length - tail, end) == 0;
}

enum import_kind import_recognise(const struct import_source *source)
{
	const char *text = source->text, *first = text + strspn(text, " \t\r\n");
	const char *path = source->path;

	if (ends_in(path, ".timer") || has_line(text, "[Timer]"))
		return IMPORT_SYSTEMD;
	if (*first == '[' || *first == '{')
		return strstr(first, "\"apiVersion\"") ? IMPORT_KUBERNETES : IMPORT_CRON_MANAGER;
	if (ends_in(path, ".yaml") || ends_in(path, ".yml") || has_line(text, "apiVersion:"))
		return IMPORT_KUBERNETES;
	if (ends_in(path, ".json"))
		return IMPORT_CRON_MANAGER;
	return kind_of_crontab(source);
}
