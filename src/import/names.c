/* names.c - names for jobs: after what a command does, and unique; see entry.h. */
#include <ctype.h>
#include <string.h>

#include "entry.h"
#include "job.h"
#include "str.h"

/* ---- unique ---- */

enum { NAME_LENGTH_MAX = 60, NAMES_SLOTS = 1 << 15 };
_Static_assert(NAMES_SLOTS >= 3 * IMPORT_ENTRIES_MAX, "the table is never full");

struct names {
	struct {
		const char *name;
		size_t next; /* the number that the next one of that name has */
	} slots[NAMES_SLOTS];
};

struct names *names_create(struct arena *arena)
{
	return arena_new(arena, struct names);
}

/* The slot that has the name, or could have it. */
static size_t find(const struct names *names, const char *name)
{
	size_t slot = str_hash(STR_HASH_INIT, name, strlen(name)) % NAMES_SLOTS;

	while (names->slots[slot].name && strcmp(names->slots[slot].name, name) != 0)
		slot = (slot + 1) % NAMES_SLOTS;
	return slot;
}

/* Letters, digits, dots, underscores; all else becomes one "-". */
static const char *slug(struct arena *arena, const char *text)
{
	struct buf out = {0};

	for (; *text && out.length < NAME_LENGTH_MAX; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || (out.length && (c == '.' || c == '_')))
			buf_char(&out, (char)tolower(c));
		else if (out.length && out.data[out.length - 1] != '-')
			buf_char(&out, '-');
	}
	while (out.length && strchr("-._", out.data[out.length - 1]))
		out.data[--out.length] = '\0';
	const char *copy = arena_text(arena, out.length ? buf_string(&out) : "job");
	buf_finish(&out);
	return copy;
}

const char *names_take(struct names *names, struct arena *arena, const char *wanted)
{
	const char *name = slug(arena, wanted), *free_name = name;
	size_t base = find(names, name);

	if (names->slots[base].name) {
		size_t slot;

		do {
			free_name = arena_format(arena, "%s-%zu", name, names->slots[base].next++);
			slot = find(names, free_name);
		} while (names->slots[slot].name);
		base = slot;
	}
	names->slots[base].name = free_name;
	names->slots[base].next = 2;
	return free_name;
}

static bool can_be_name(const char *name)
{
	size_t length = strlen(name);

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '/')
			return false;
	return length > 0 && length <= JOB_NAME_MAX && *name != ' ' && name[length - 1] != ' ';
}

const char *names_take_as(struct names *names, struct arena *arena, const char *name)
{
	size_t slot = find(names, name);

	if (!can_be_name(name) || names->slots[slot].name)
		return names_take(names, arena, name);
	names->slots[slot].name = arena_text(arena, name);
	names->slots[slot].next = 2;
	return names->slots[slot].name;
}

/* ---- after a command ---- */

struct word {
	char text[256]; /* without its quotes; cut */
	bool is_end;    /* of a simple command: an operator or the end of all */
	bool is_over;   /* nothing follows */
};

static const char *take_quoted(const char *at, char quote, struct word *word, size_t *length)
{
	for (at++; *at && *at != quote; at++) {
		if (quote == '"' && *at == '\\' && at[1])
			at++;
		if (*length + 1 < sizeof(word->text))
			word->text[(*length)++] = *at;
	}
	return *at ? at + 1 : at;
}

/* As a shell would divide a command, near enough to find the program's name. */
static const char *take_word(const char *at, struct word *word)
{
	static const char operators[] = ";&|(){}\n";
	size_t length = 0;

	*word = (struct word){0};
	while (*at == ' ' || *at == '\t')
		at++;
	if (!*at || strchr(operators, *at)) {
		word->is_end = true;
		word->is_over = !*at;
		return *at ? at + 1 : at;
	}
	while (*at && !strchr(operators, *at) && *at != ' ' && *at != '\t') {
		if (*at == '\'' || *at == '"') {
			at = take_quoted(at, *at, word, &length);
			continue;
		}
		if (*at == '\\' && at[1])
			at++;
		if (length + 1 < sizeof(word->text))
			word->text[length++] = *at;
		at++;
	}
	return at;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool is_in(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* python3.11 is python. */
static bool is_interpreter(const char *word)
{
	static const char *const plain[] = {
		"sh",  "bash", "dash", "zsh",  "ksh",     "ash",  "node",   "perl",   "ruby",
		"php", "java", "npx",  "pnpm", "npm",     "yarn", "bundle", "poetry", "pipenv",
		"uv",  "deno", "bun",  "tsx",  "Rscript", "run",  "exec",   NULL};

	return is_in(word, plain) || strncmp(word, "python", 6) == 0 ||
	       (strncmp(word, "php", 3) == 0 && isdigit((unsigned char)word[3]));
}

static bool is_shell(const char *word)
{
	static const char *const words[] = {"sh",  "bash", "dash", "zsh",
					    "ksh", "ash",  "exec", NULL};

	return is_in(word, words);
}

/* What follows is a program's text, in which no name is to be looked for. */
static bool is_code_option(const char *word)
{
	static const char *const words[] = {"-e", "-c", "-r", "-ne", "-pe", NULL};

	return is_in(word, words);
}

/* What comes before the work, in a simple command of its own. */
static bool is_preparation(const char *word)
{
	static const char *const words[] = {
		"cd",    "pushd", "export", "source",  ".",    "[",      "[[",   "test",
		"set",   "umask", "sleep",  "command", "true", "if",     "then", "mkdir",
		"which", "!",     ":",      "ulimit",  "echo", "printf", "date", NULL};

	return is_in(word, words);
}

/* What runs the words behind it. */
static bool is_wrapper(const char *word)
{
	static const char *const words[] = {"nice",    "ionice", "nohup", "setsid",      "time",
					    "env",     "sudo",   "su",    "flock",       "timeout",
					    "chronic", "cronic", "exec",  "chpst",       "setuser",
					    "runuser", "gosu",   "doas",  "systemd-cat", "stdbuf",
					    "taskset", "else",   "do",    NULL};

	return is_in(word, words);
}

/* Whose -u has a name behind it. */
static bool changes_user(const char *word)
{
	static const char *const words[] = {"sudo", "su", "runuser", "doas", "chpst", NULL};

	return is_in(word, words);
}

/* Whose next word says what it does. */
static bool has_subcommand(const char *word)
{
	static const char *const words[] = {
		"manage.py", "artisan",   "console", "rake",    "rails", "wp",
		"drush",     "occ",       "make",    "certbot", "git",   "apt-get",
		"restic",    "borg",      "docker",  "kubectl", "flask", "django-admin",
		"run-parts", "systemctl", NULL};

	return is_in(word, words);
}

static void cut_extension(char *name)
{
	static const char *const extensions[] = {".sh", ".py", ".js",  ".mjs", ".cjs",  ".ts",
						 ".rb", ".pl", ".php", ".jar", ".bash", NULL};
	char *dot = strrchr(name, '.');

	if (dot && dot != name && is_in(dot, extensions))
		*dot = '\0';
}

static bool is_assignment(const char *word)
{
	const char *equals = strchr(word, '=');

	if (!equals || equals == word)
		return false;
	for (const char *c = word; c < equals; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	return true;
}

static const char *skip_command(const char *at)
{
	struct word word;

	do
		at = take_word(at, &word);
	while (!word.is_end);
	return at;
}

/* An option's value such as 10s or 19; the lock of flock. */
static bool is_value(const char *word)
{
	return isdigit((unsigned char)*word) || strstr(word, "lock") != NULL;
}

/* The next word of the same simple command that is no option, if there is one. */
static bool next_operand(const char *at, struct word *word)
{
	do {
		at = take_word(at, word);
		if (word->is_end)
			return false;
	} while (*word->text == '-');
	return true;
}

static const char *finish(struct arena *arena, struct word *word, const char *at)
{
	char *name = arena_text(arena, base_name(word->text));
	bool has_next = has_subcommand(name);
	struct word next;

	cut_extension(name);
	if (has_next && next_operand(at, &next))
		return arena_format(arena, "%s-%s", name, base_name(next.text));
	return name;
}

static const char *name_at_depth(struct arena *arena, const char *command, unsigned depth)
{
	const char *last = "job";
	bool is_wrapped = false, has_user = false, has_code = false;
	struct word word;

	for (const char *at = take_word(command, &word); !word.is_over; at = take_word(at, &word)) {
		const char *base = base_name(word.text);

		if (word.is_end) {
			is_wrapped = false;
		} else if (!*word.text) {
			continue;
		} else if (has_user) {
			has_user = false;
		} else if (has_code && is_code_option(word.text)) {
			at = skip_command(at);
			is_wrapped = has_code = false;
		} else if (*word.text == '-' || is_assignment(word.text)) {
			has_user = changes_user(last) && strcmp(word.text, "-u") == 0;
		} else if (is_preparation(base)) {
			last = arena_text(arena, base);
			at = skip_command(at);
			is_wrapped = false;
		} else if (is_interpreter(base)) {
			last = arena_text(arena, base);
			is_wrapped = true;
			has_code = !is_shell(base);
		} else if (is_wrapper(base)) {
			last = arena_text(arena, base);
			is_wrapped = true;
		} else if (is_wrapped && is_value(word.text)) {
			continue;
		} else if (strchr(word.text, ' ') && depth < 3) {
			return name_at_depth(arena, arena_text(arena, word.text), depth + 1);
		} else {
			return finish(arena, &word, at);
		}
	}
	return last;
}

const char *name_of_command(struct arena *arena, const char *command)
{
	return name_at_depth(arena, command, 0);
}
