/* service.c - a systemd service as what a job runs; see systemd.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pairs.h"
#include "str.h"
#include "systemd.h"

enum { LINES_MAX = 200 };

struct service {
	struct import_entry *e;
	const struct unit *unit;
	struct exec_context context;
	struct buf script;
	size_t commands;           /* in the script */
	struct exec_command *only; /* the one there is, if it needs no shell */
	bool needs_shell;
};

static struct import_place place_in(const struct unit_line *line, size_t column)
{
	struct import_place at = line->value_at;

	at.column += (uint32_t)column - 1;
	return at;
}

/* Text that systemd itself would refuse is a fault; what needs the machine is left. */
static bool tell(struct service *s, const struct unit_line *line,
		 const struct exec_problem *problem)
{
	if (strncmp(problem->message, "only the machine", 16) == 0)
		return entry_drop(s->e, place_in(line, problem->column), line->key, "%s",
				  problem->message);
	return import_fault(s->e->im, place_in(line, problem->column), line->value, "%s",
			    problem->message);
}

/* The values of a key; too many are a fault, not lost. */
static size_t values(struct service *s, const char *key, const struct unit_line *lines[LINES_MAX])
{
	size_t count = unit_values(s->unit, "Service", key, lines, LINES_MAX);

	if (count == LINES_MAX)
		import_fault(s->e->im, lines[0]->at, NULL, "%d %s= and more in one service",
			     LINES_MAX, key);
	return count;
}

/* ---- the command ---- */

enum exec_role { ROLE_CONDITION, ROLE_BEFORE, ROLE_MAIN, ROLE_AFTER };

static void add_to_script(struct service *s, const struct exec_command *command,
			  enum exec_role role)
{
	exec_add_shell(&s->script, command);
	if (role == ROLE_CONDITION)
		buf_text(&s->script, " || exit 0");
	else if (command->may_fail)
		buf_text(&s->script, " || :");
	buf_char(&s->script, '\n');
}

static void take_command(struct service *s, const struct unit_line *line, enum exec_role role,
			 struct exec_command *command)
{
	add_to_script(s, command, role);
	s->needs_shell |= role != ROLE_MAIN || command->may_fail || s->commands > 0;
	for (size_t i = 0; i < command->count; i++)
		s->needs_shell |= command->words[i].has_variables;
	s->only = command;
	s->commands++;
	if (command->is_privileged)
		entry_tell(s->e, IMPORT_DIFFERS, line->value_at, "privileges",
			   "%s runs this as root, past User=; here it runs as the job does",
			   line->key);
}

static bool take_role(struct service *s, const char *key, enum exec_role role)
{
	const struct unit_line *lines[LINES_MAX];
	size_t count = values(s, key, lines);

	for (size_t i = 0; i < count; i++) {
		struct exec_command *commands;
		struct exec_problem problem;
		size_t command_count;

		if (!exec_parse(&s->context, lines[i]->value, &commands, &command_count, &problem))
			return tell(s, lines[i], &problem);
		for (size_t j = 0; j < command_count; j++)
			take_command(s, lines[i], role, &commands[j]);
	}
	return true;
}

static void write_command(struct service *s)
{
	struct buf text = {0};

	if (s->needs_shell) {
		if (s->commands > 1)
			buf_text(&text, "set -e\n");
		buf_add(&text, s->script.data, s->script.length - 1);
		entry_text(s->e, IMPORT_COMMAND, buf_string(&text));
		entry_text(s->e, IMPORT_SHELL, "/bin/sh");
		entry_tell(s->e, IMPORT_DIFFERS, s->e->at, "shell",
			   s->commands > 1
				   ? "several commands: one script of /bin/sh runs them in order"
				   : "a variable, or a failure that is ignored: /bin/sh sees to "
				     "it, where systemd itself did");
	} else {
		exec_add_json(&s->e->im->arena, &text, s->only);
		entry_json(s->e, IMPORT_COMMAND, buf_string(&text));
	}
	entry_carried(s->e, "command");
	buf_finish(&text);
}

static bool set_command(struct service *s)
{
	const struct unit_line *start = unit_last(s->unit, "Service", "ExecStart");

	if (!start)
		return entry_drop(s->e, s->e->at, "command", "%s has no ExecStart=", s->unit->name);
	if (!take_role(s, "ExecCondition", ROLE_CONDITION) ||
	    !take_role(s, "ExecStartPre", ROLE_BEFORE) || !take_role(s, "ExecStart", ROLE_MAIN) ||
	    !take_role(s, "ExecStartPost", ROLE_AFTER))
		return false;
	write_command(s);
	return true;
}

/* ---- who, where ---- */

static const char *expanded(struct service *s, const struct unit_line *line, const char *text)
{
	struct exec_problem problem;
	const char *value = exec_specifiers(&s->context, text, &problem);

	if (!value)
		tell(s, line, &problem);
	return value;
}

static void set_user(struct service *s)
{
	const struct unit_line *user = unit_last(s->unit, "Service", "User");
	const struct unit_line *dynamic = unit_last(s->unit, "Service", "DynamicUser");

	const char *name = user ? expanded(s, user, user->value) : NULL;

	if (name && !*name) {
		import_fault(s->e->im, user->value_at, user->value,
			     "the name of the user is missing");
	} else if (name) {
		s->context.user = name;
		entry_text(s->e, IMPORT_USER, name);
		entry_carried(s->e, "user");
	}
	if (dynamic && unit_is_true(dynamic->value))
		entry_tell(s->e, IMPORT_LEFT, dynamic->at, "DynamicUser",
			   "belfry makes no users; give the job a \"user\" that exists");
}

static void set_folder(struct service *s)
{
	const struct unit_line *line = unit_last(s->unit, "Service", "WorkingDirectory");
	const char *value = line ? line->value : "/";

	if (*value == '-') {
		value++;
		entry_tell(s->e, IMPORT_DIFFERS, line->at, "folder",
			   "systemd goes on where the folder is missing; here the run fails");
	}
	if (*value == '~') {
		entry_tell(s->e, IMPORT_LEFT, line->at, "folder",
			   "the home folder of the user; write it as \"cwd\"");
		return;
	}
	if (line && !(value = expanded(s, line, value)))
		return;
	if (!*value) {
		import_fault(s->e->im, line->value_at, line->value, "the folder is missing");
		return;
	}
	entry_literal(s->e, IMPORT_CWD, value);
	entry_carried(s->e, "folder");
}

/* ---- environment ---- */

static void add_variables(struct service *s, const struct unit_line *line, struct pairs *pairs)
{
	struct exec_problem problem;
	const char **words, *text = expanded(s, line, line->value);
	size_t count;

	if (!text)
		return;
	if (!exec_words(&s->context, text, &words, &count, &problem)) {
		tell(s, line, &problem);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(words[i], '=');

		if (!equals || equals == words[i]) {
			import_fault(s->e->im, line->value_at, line->value,
				     "Environment= is a list of NAME=value; \"%s\" is none",
				     text_short(&s->e->im->arena, words[i], strlen(words[i])));
			return;
		}
		char *name = arena_copy(&s->e->im->arena, words[i], (size_t)(equals - words[i]));
		if (!pairs_set(pairs, name, equals + 1)) {
			import_fault(
				s->e->im, line->value_at, NULL,
				"more than %d variables in one service, or one longer than %d KiB",
				PAIRS_MAX, VALUE_MAX >> 10);
			return;
		}
	}
}

static void set_environment(struct service *s)
{
	const struct unit_line *lines[LINES_MAX];
	size_t count = values(s, "Environment", lines);
	struct pairs *pairs = arena_new(&s->e->im->arena, struct pairs);

	for (size_t i = 0; i < count; i++)
		add_variables(s, lines[i], pairs);
	if (!pairs->count)
		return;
	s->e->values[IMPORT_ENV] = pairs_json(pairs, &s->e->im->arena);
	entry_carried(s->e, arena_format(&s->e->im->arena, "environment (%s)",
					 pairs_names(pairs, &s->e->im->arena)));
}

static void set_env_file(struct service *s)
{
	const struct unit_line *lines[LINES_MAX];
	size_t count = values(s, "EnvironmentFile", lines);

	if (!count)
		return;
	const struct unit_line *last = lines[count - 1];
	const char *value = expanded(s, last, last->value + (*last->value == '-'));
	if (!value)
		return;
	if (!*value) {
		import_fault(s->e->im, last->value_at, last->value, "the file is missing");
		return;
	}
	entry_literal(s->e, IMPORT_ENV_FILE, value);
	entry_carried(s->e, "environment file");
	if (*last->value == '-')
		entry_tell(s->e, IMPORT_DIFFERS, last->at, "environment file",
			   "systemd goes on where the file is missing; here the run fails");
	if (s->e->values[IMPORT_ENV])
		entry_tell(s->e, IMPORT_DIFFERS, last->at, "environment file",
			   "where a variable is in both, the file goes first in systemd, \"env\" "
			   "in belfry");
	for (size_t i = 0; i + 1 < count; i++)
		entry_tell(s->e, IMPORT_LEFT, lines[i]->at, "environment file",
			   "%s: belfry takes one file, the last is kept; put them together",
			   lines[i]->value);
}

/* ---- how long, how often ---- */

static bool span(struct service *s, const char *key, int64_t *ms)
{
	const struct unit_line *line = unit_last(s->unit, "Service", key);

	if (!line)
		return false;
	if (time_span_parse(line->value, ms))
		return *ms <= TIME_SPAN_MAX_MS && *ms > 0;
	return import_fault(s->e->im, line->value_at, line->value,
			    "no time span such as 90s or 5min 20s");
}

static void set_times(struct service *s)
{
	const struct unit_line *type = unit_last(s->unit, "Service", "Type");
	bool is_oneshot = type && strcmp(type->value, "oneshot") == 0;
	int64_t ms;

	/* Of other types the start is over at once, and it is the run that takes time. */
	if (span(s, is_oneshot ? "TimeoutStartSec" : "RuntimeMaxSec", &ms) ||
	    (is_oneshot && span(s, "TimeoutSec", &ms))) {
		entry_duration(s->e, IMPORT_TIMEOUT, ms);
		entry_carried(s->e, "timeout");
	}
	if (span(s, "TimeoutStopSec", &ms)) {
		entry_duration(s->e, IMPORT_GRACE, ms);
		entry_carried(s->e, "grace");
	}
	if (type && (strcmp(type->value, "forking") == 0 || strcmp(type->value, "dbus") == 0))
		entry_tell(s->e, IMPORT_DIFFERS, type->at, "Type",
			   "%s: here the run is the process that is started; what it leaves "
			   "behind in the background is ended with it",
			   type->value);
}

static void set_restart(struct service *s)
{
	const struct unit_line *restart = unit_last(s->unit, "Service", "Restart");
	const struct unit_line *burst = unit_last(s->unit, "Unit", "StartLimitBurst");
	long attempts = burst ? strtol(burst->value, NULL, 10) : 5;
	struct buf json = {0};
	int64_t ms = 100;

	if (!restart || strcmp(restart->value, "no") == 0)
		return;
	if (attempts < 1 || attempts > 100)
		attempts = 100;
	span(s, "RestartSec", &ms);
	buf_json_open(&json, NULL, '{');
	buf_json_int(&json, "attempts", attempts);
	char text[DURATION_TEXT_MAX];
	buf_json_text(&json, "backoff", str_duration_format(ms, text));
	buf_json_text(&json, "max_backoff", text);
	buf_json_close(&json, '}');
	entry_json(s->e, IMPORT_RETRY, buf_string(&json));
	entry_tell(s->e, IMPORT_DIFFERS, restart->at, "restart",
		   "Restart=%s goes on within the start limit; here a failed run has %ld "
		   "attempts",
		   restart->value, attempts);
	buf_finish(&json);
}

/* ---- limits ---- */

static void set_umask(struct service *s)
{
	const struct unit_line *line = unit_last(s->unit, "Service", "UMask");

	if (!line)
		return;
	size_t length = strlen(line->value);
	if (length > 4 || (length == 4 && *line->value != '0') ||
	    strspn(line->value, "01234567") != length) {
		import_fault(s->e->im, line->value_at, line->value, "UMask= is octal digits");
		return;
	}
	entry_text(s->e, IMPORT_UMASK, length == 4 ? line->value + 1 : line->value);
	entry_carried(s->e, "umask");
}

/* "1024", "1024:2048" (the hard one counts), "8M"; NULL for infinity and faults. */
static const char *limit_value(struct service *s, const struct unit_line *line, bool is_size)
{
	const char *colon = strchr(line->value, ':'), *value = colon ? colon + 1 : line->value;
	size_t digits = strspn(value, "0123456789");

	if (strcmp(value, "infinity") == 0)
		return NULL;
	bool has_unit =
		is_size && value[digits] && strchr("KMGT", value[digits]) && !value[digits + 1];
	if (digits == 0 || digits > 15 || (value[digits] && !has_unit)) {
		entry_tell(s->e, IMPORT_LEFT, line->at, line->key, "%s is left; see \"limits\"",
			   line->value);
		return NULL;
	}
	return value;
}

static void set_limits(struct service *s)
{
	static const struct {
		const char *key, *name;
		bool is_size;
		long least;
	} rows[] = {{"LimitNOFILE", "open_files", false, 3},
		    {"LimitNPROC", "processes", false, 1},
		    {"LimitFSIZE", "file_size", true, 0},
		    {"LimitCORE", "core", true, 0}};
	struct buf json = {0};

	buf_json_open(&json, NULL, '{');
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct unit_line *line = unit_last(s->unit, "Service", rows[i].key);
		const char *value = line ? limit_value(s, line, rows[i].is_size) : NULL;

		if (!value)
			continue;
		long long number = strtoll(value, NULL, 10);
		if (number < rows[i].least || number > (1LL << 30))
			entry_tell(s->e, IMPORT_LEFT, line->at, line->key,
				   "%s is out of what belfry takes", value);
		else if (rows[i].is_size)
			buf_json_text(&json, rows[i].name, value);
		else
			buf_json_int(&json, rows[i].name, number);
	}
	if (json.length > 1) {
		buf_json_close(&json, '}');
		entry_json(s->e, IMPORT_LIMITS, buf_string(&json));
		entry_carried(s->e, "limits");
	}
	buf_finish(&json);
}

static void leave_rest(struct service *s)
{
	static const char *const of_service[] = {"Type",
						 "ExecStart",
						 "ExecStartPre",
						 "ExecStartPost",
						 "ExecCondition",
						 "User",
						 "DynamicUser",
						 "WorkingDirectory",
						 "Environment",
						 "EnvironmentFile",
						 "TimeoutStartSec",
						 "TimeoutSec",
						 "RuntimeMaxSec",
						 "TimeoutStopSec",
						 "Restart",
						 "RestartSec",
						 "UMask",
						 "LimitNOFILE",
						 "LimitNPROC",
						 "LimitFSIZE",
						 "LimitCORE",
						 "SyslogIdentifier",
						 "RemainAfterExit",
						 NULL};
	static const char *const of_unit[] = {"Description",     "Documentation",
					      "StartLimitBurst", "StartLimitIntervalSec",
					      "OnFailure",       NULL};
	const struct unit_line *failure = unit_last(s->unit, "Unit", "OnFailure");

	unit_leave_rest(s->e, s->unit, "Service", of_service);
	unit_leave_rest(s->e, s->unit, "Unit", of_unit);
	if (failure)
		entry_tell(s->e, IMPORT_LEFT, failure->at, "OnFailure",
			   "%s: belfry starts no other unit when a run fails", failure->value);
}

void service_translate(struct import_entry *e, const struct unit *unit)
{
	struct service s = {
		.e = e, .unit = unit, .context = {.arena = &e->im->arena, .unit = unit->name}};

	set_user(&s);
	if (set_command(&s)) {
		set_folder(&s);
		set_environment(&s);
		set_env_file(&s);
		set_times(&s);
		set_restart(&s);
		set_umask(&s);
		set_limits(&s);
		leave_rest(&s);
	}
	buf_finish(&s.script);
}
