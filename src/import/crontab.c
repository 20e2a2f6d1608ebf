/*
 * crontab.c - crontabs: a user's, the system's with a user in each entry, and
 * supercronic's with seconds and years.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "crontab_line.h"
#include "entry.h"
#include "pairs.h"

enum { COMMENT_MAX = 1000 };

struct tab {
	struct import *im;
	enum import_kind kind;
	const struct import_source *source;
	struct crontab_line line;

	/* In force for the entries that follow; in supercronic, for all. */
	struct pairs variables;
	const char *env_json;  /* of the variables; NULL: to be made */
	const char *env_topic; /* "environment (PATH, LANG)" */
	const char *shell;     /* SHELL; NULL: /bin/sh */
	const char *home, *zone, *mail;
	struct import_place mail_at, delay_at;
	int64_t delay_ms; /* RANDOM_DELAY */

	struct buf comment; /* the lines right above */
};

static struct import_place place(const struct tab *t, const char *at)
{
	return (struct import_place){t->source->path, t->line.number,
				     (uint32_t)(at - t->line.text) + 1};
}

static const char *entry_word(enum import_kind kind)
{
	return kind == IMPORT_SUPERCRONIC ? "supercronic" : "cron";
}

/* ---- comments ---- */

/* "# m h dom mon dow command", which heads a crontab, describes no job. */
static bool is_heading(const char *text)
{
	static const char *const signs[] = {"dom",          "dow",         "command",
					    "day of month", "day of week", "minute (0"};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		count += strcasestr(text, signs[i]) != NULL;
	return count >= 2;
}

static bool is_drawing(const char *text)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text))
			return false;
	return true;
}

/* Five fields or a macro, and something behind them. */
static bool looks_like_entry(const char *text)
{
	struct line_word word = line_word(text);
	int fields = *word.at == '@' && word.length > 5 ? 5 : 0;

	if (fields)
		word = line_word(word.at + word.length);
	for (; fields < 5 && line_is_field(word); fields++)
		word = line_word(word.at + word.length);
	return fields == 5 && word.length > 0;
}

static void read_comment(struct tab *t, const char *text)
{
	const char *inner = text + strspn(text, "#");

	inner += strspn(inner, " \t");
	if (looks_like_entry(inner)) {
		import_remark(t->im, IMPORT_LEFT, place(t, text), "comments",
			      "line %u is an entry that was commented out: %s", t->line.number,
			      text_short(&t->im->arena, inner, strlen(inner)));
		buf_clear(&t->comment);
	} else if (is_heading(inner)) {
		buf_clear(&t->comment);
	} else if (!is_drawing(inner) && t->comment.length < COMMENT_MAX) {
		if (t->comment.length)
			buf_char(&t->comment, ' ');
		buf_text(&t->comment, inner);
		while (strchr(" \t", t->comment.data[t->comment.length - 1]))
			t->comment.data[--t->comment.length] = '\0';
	}
}

/* ---- settings ---- */

static void set_variable(struct tab *t, const char *name, const char *value)
{
	if (!pairs_set(&t->variables, name, value))
		import_fault(t->im, place(t, t->line.text), NULL,
			     "more than %d variables in one crontab, or one longer than %d KiB",
			     PAIRS_MAX, VALUE_MAX >> 10);
	t->env_json = NULL;
}

static void set_delay(struct tab *t, const char *value, struct import_place at)
{
	char *end;
	long minutes = strtol(value, &end, 10);

	if (end == value || *end || minutes < 0 || minutes > 1440) {
		import_fault(t->im, at, NULL, "RANDOM_DELAY is a number of minutes from 0 to 1440");
		return;
	}
	t->delay_ms = (int64_t)minutes * 60000;
	t->delay_at = at;
}

static void leave_setting(struct tab *t, const char *name, struct import_place at)
{
	import_remark(t->im, IMPORT_LEFT, at, "mail",
		      "%s is about cron's mails; belfry keeps each run's output as its log and "
		      "sends no mail",
		      name);
}

/* Those that cron itself obeys; false for plain variables. */
static bool obey_setting(struct tab *t, const struct crontab_setting *s, struct import_place at)
{
	bool is_cron = t->kind != IMPORT_SUPERCRONIC;

	if (strcmp(s->name, "SHELL") == 0) {
		t->shell = *s->value ? s->value : NULL;
	} else if (strcmp(s->name, "CRON_TZ") == 0) {
		t->zone = *s->value && import_knows_zone(t->im, s->value, at) ? s->value : NULL;
	} else if (is_cron && strcmp(s->name, "MAILTO") == 0) {
		t->mail = s->value;
		t->mail_at = at;
	} else if (is_cron && strcmp(s->name, "RANDOM_DELAY") == 0) {
		set_delay(t, s->value, at);
	} else if (is_cron &&
		   (strcmp(s->name, "MAILFROM") == 0 || strcmp(s->name, "CONTENT_TYPE") == 0 ||
		    strcmp(s->name, "CONTENT_TRANSFER_ENCODING") == 0)) {
		leave_setting(t, s->name, at);
	} else if (strcmp(s->name, "LOGNAME") == 0 || strcmp(s->name, "USER") == 0) {
		import_remark(t->im, IMPORT_LEFT, at, s->name,
			      "%s does not choose the user, in %s neither: belfry sets it", s->name,
			      entry_word(t->kind));
	} else {
		return false;
	}
	return true;
}

static void read_setting(struct tab *t, const struct crontab_setting *s)
{
	struct import_place at = place(t, t->line.text + strspn(t->line.text, " \t"));

	buf_clear(&t->comment);
	if (strchr(s->name, '=') || !*s->name)
		import_fault(t->im, at, t->line.text, "no name of a variable");
	if (obey_setting(t, s, at))
		return;
	if (strcmp(s->name, "HOME") == 0 && t->kind != IMPORT_SUPERCRONIC)
		t->home = *s->value ? s->value : NULL;
	if (strcmp(s->name, "TZ") == 0 && t->kind != IMPORT_SUPERCRONIC)
		import_remark(t->im, IMPORT_CARRIED, at, "TZ",
			      "TZ is a variable for the commands here as there; it does not move "
			      "their schedules, as CRON_TZ does");
	set_variable(t, s->name, s->value);
}

static void make_env(struct tab *t)
{
	t->env_json = pairs_json(&t->variables, &t->im->arena);
	t->env_topic = arena_format(&t->im->arena, "environment (%s)",
				    pairs_names(&t->variables, &t->im->arena));
}

/* ---- entries: the command ---- */

static bool is_posix_shell(const char *shell)
{
	static const char *const names[] = {"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh"};
	const char *slash = strrchr(shell, '/');
	const char *name = slash ? slash + 1 : shell;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool set_command(struct tab *t, struct import_entry *e, const char *text)
{
	const char *shell = t->shell ? t->shell : "/bin/sh", *command = text, *input = NULL;

	if (t->kind != IMPORT_SUPERCRONIC)
		line_percent(&t->im->arena, text, &command, &input);
	if (!command[strspn(command, " \t")])
		return import_fault(t->im, place(t, text), t->line.text, "the command is missing");
	if (input && !is_posix_shell(shell))
		return entry_drop(e, place(t, text), "standard input",
				  "what follows the %% is given to the command's standard input; "
				  "belfry has none, and no way to write it is known for %s",
				  shell);
	if (input) {
		entry_tell(e, IMPORT_DIFFERS, place(t, text), "standard input",
			   "what follows the %% comes from a here-document in the command");
		command = line_with_input(&t->im->arena, command, input);
	}
	entry_text(e, IMPORT_COMMAND, command);
	entry_text(e, IMPORT_SHELL, shell);
	entry_carried(e, "command");
	return true;
}

/* OpenBSD's flags in front of a command: -n, -q, -s. */
static const char *skip_flags(struct tab *t, struct import_entry *e, const char *at)
{
	while (at[0] == '-' && at[1] && strchr("nqs", at[1]) && (at[2] == ' ' || at[2] == '\t')) {
		if (at[1] == 's')
			entry_text(e, IMPORT_OVERLAP, "forbid");
		else
			entry_tell(e, IMPORT_LEFT, place(t, at), at[1] == 'n' ? "mail" : "log",
				   "the flag -%c: belfry sends no mail, and keeps what runs in "
				   "its history",
				   at[1]);
		at = line_word(at + 2).at;
	}
	return at;
}

/* ---- entries: when ---- */

/* cronie's and OpenBSD's a~b, a random number of that range, drawn at each load. */
static const char *without_tilde(struct tab *t, const char *text, bool *has_tilde)
{
	struct buf out = {0};

	*has_tilde = false;
	for (const char *at = text; *at;) {
		size_t before = strspn(at, "0123456789");

		if (at[before] != '~' || (at > text && !strchr(" ,", at[-1]))) {
			size_t length = before ? before : 1;
			buf_add(&out, at, length);
			at += length;
			continue;
		}
		const char *to = at + before + 1;
		size_t after = strspn(to, "0123456789");
		*has_tilde = true;
		if (before && after)
			buf_format(&out, "H(%.*s-%.*s)", (int)before, at, (int)after, to);
		else if (!before && !after)
			buf_char(&out, 'H');
		else
			buf_format(&out, "%.*s~%.*s", (int)before, at, (int)after, to);
		at = to + after;
	}
	const char *copy = arena_text(&t->im->arena, buf_string(&out));
	buf_finish(&out);
	return copy;
}

/* supercronic's 6 fields end with the year, belfry's begin with the second. And where
 * both day fields are restricted, both have to hold. */
static const char *supercronic_expression(struct tab *t, const struct line_word *fields,
					  size_t count, bool *has_both)
{
	size_t day = count == 7 ? 3 : 2;
	const struct line_word *month_day = &fields[day], *week_day = &fields[day + 2];
	struct buf out = {0};

	*has_both = !strchr("*?", *month_day->at) && !strchr("*?", *week_day->at);
	if (month_day->length > 1 && week_day->length > 1 && !*has_both)
		*has_both = *month_day->at != '*' || *week_day->at != '*';
	if (count == 6)
		buf_text(&out, "0 ");
	for (size_t i = 0; i < count; i++)
		buf_format(&out, "%s%s%.*s", i ? " " : "", i == day + 2 && *has_both ? "+" : "",
			   (int)fields[i].length, fields[i].at);
	const char *copy = arena_text(&t->im->arena, buf_string(&out));
	buf_finish(&out);
	return copy;
}

static const char *plain_expression(struct tab *t, const struct line_word *fields, size_t count)
{
	struct buf out = {0};

	for (size_t i = 0; i < count; i++)
		buf_format(&out, "%s%.*s", i ? " " : "", (int)fields[i].length, fields[i].at);
	const char *copy = arena_text(&t->im->arena, buf_string(&out));
	buf_finish(&out);
	return copy;
}

static void note_fields(struct import_entry *e, size_t count, bool has_both, struct import_place at)
{
	if (count == 6)
		entry_tell(e, IMPORT_DIFFERS, at, "fields",
			   "the sixth field of supercronic is the year; belfry's sixth is the "
			   "second, so it is written with all seven");
	if (has_both)
		entry_tell(e, IMPORT_DIFFERS, at, "day rule",
			   "both day fields are restricted: newer supercronics want both to "
			   "hold, as kept here by +; older ones run it on either");
}

static bool set_fields(struct tab *t, struct import_entry *e, const struct line_word *fields,
		       size_t count)
{
	struct import_place at = place(t, fields[0].at);
	bool has_tilde = false, has_both = false, is_same = true;
	const char *text = plain_expression(t, fields, count);

	if (t->kind == IMPORT_SUPERCRONIC) {
		text = supercronic_expression(t, fields, count, &has_both);
		is_same = count != 6 && !has_both;
	} else if (strchr(text, '~')) {
		text = without_tilde(t, text, &has_tilde);
		is_same = false;
	}
	/* As it stands, so that an error points into it; what is written is tidier. */
	const struct line_word *last = &fields[count - 1];
	const char *slice = arena_copy(&t->im->arena, fields[0].at,
				       (size_t)(last->at + last->length - fields[0].at));
	if (!entry_schedule(e, is_same ? slice : text, t->zone, at, is_same))
		return false;
	entry_text(e, IMPORT_SCHEDULE, text);
	note_fields(e, count, has_both, at);
	if (has_tilde)
		entry_tell(e, IMPORT_DIFFERS, at, "random times",
			   "a~b is drawn at each load of the crontab; H(a-b) is drawn from the "
			   "job's name and stays");
	return true;
}

static bool set_macro(struct tab *t, struct import_entry *e, struct line_word word)
{
	struct import_place at = place(t, word.at);
	const char *text = arena_copy(&t->im->arena, word.at, word.length);

	if (isdigit((unsigned char)text[1]))
		return entry_drop(e, at, "schedule",
				  "%s counts seconds from the end of the run before; belfry has "
				  "nothing like it (@every keeps to a grid)",
				  text);
	if (strcasecmp(text, "@every_minute") == 0)
		return entry_schedule(e, "* * * * *", t->zone, at, false);
	if (strcasecmp(text, "@every_second") == 0)
		return entry_schedule(e, "* * * * * *", t->zone, at, false);
	if (t->kind == IMPORT_SUPERCRONIC && strcasecmp(text, "@reboot") == 0)
		return import_fault(t->im, at, t->line.text,
				    "supercronic has no @reboot; start it beside supercronic");
	if (strcasecmp(text, "@reboot") == 0)
		entry_tell(e, IMPORT_DIFFERS, at, "@reboot",
			   "cron runs it once after the machine has started; belfry each time "
			   "that belfry starts");
	return entry_schedule(e, text, t->zone, at, true);
}

/* ---- entries ---- */

struct parts {
	struct line_word fields[LINE_FIELDS_MAX];
	size_t count;
	bool is_macro;
	struct line_word user; /* length 0: none */
	const char *command;
};

/* How many fields supercronic reads: the longest form that what follows allows. */
static size_t supercronic_count(const struct line_word words[LINE_FIELDS_MAX + 1], size_t count)
{
	if (count > 7 && line_is_field(words[5]) && line_is_year(words[6]))
		return 7;
	if (count > 6 && line_is_year(words[5]))
		return 6;
	return 5;
}

static bool too_few(struct tab *t, const char *at, const char *what)
{
	return import_fault(t->im, place(t, at), t->line.text,
			    "%s missing; an entry is five fields for the time (or a macro such as "
			    "@daily)%s and a command",
			    what, t->kind == IMPORT_SYSTEM_CRONTAB ? ", a user" : "");
}

static bool split_time(struct tab *t, struct parts *p, const char *first)
{
	struct line_word words[LINE_FIELDS_MAX + 1];
	size_t count = 0;

	for (const char *at = first; count < LINE_FIELDS_MAX + 1; count++) {
		words[count] = line_word(at);
		if (!words[count].length)
			break;
		at = words[count].at + words[count].length;
	}
	p->is_macro = *first == '@';
	p->count = p->is_macro                     ? 1
		   : t->kind == IMPORT_SUPERCRONIC ? supercronic_count(words, count)
						   : 5;
	const char *end = first + strlen(first);
	if (count < p->count)
		return too_few(t, end, "fields of the time are");
	memcpy(p->fields, words, p->count * sizeof(words[0]));
	const struct line_word *last = &p->fields[p->count - 1];
	p->command = line_word(last->at + last->length).at;
	return true;
}

static bool split(struct tab *t, struct parts *p)
{
	const char *first = t->line.text + strspn(t->line.text, " \t");

	*p = (struct parts){0};
	/* SUSE's and cronie's sign that the run is not to be logged. */
	if (*first == '-' && t->kind != IMPORT_SUPERCRONIC)
		first++;
	if (!split_time(t, p, first))
		return false;
	if (t->kind == IMPORT_SYSTEM_CRONTAB) {
		p->user = line_word(p->command);
		p->command = line_word(p->user.at + p->user.length).at;
	}
	if (!*p->command)
		return too_few(t, t->line.text + strlen(t->line.text), "the command is");
	return true;
}

static bool set_user(struct tab *t, struct import_entry *e, const struct parts *p)
{
	size_t length = 0;

	if (!p->user.length)
		return true;
	while (length < p->user.length && p->user.at[length] != ':' && p->user.at[length] != '/')
		length++;
	if (!length)
		return import_fault(t->im, place(t, p->user.at), t->line.text,
				    "the name of a user belongs here, in front of the command; if "
				    "the crontab is a user's own, say --from crontab");
	entry_text(e, IMPORT_USER, arena_copy(&t->im->arena, p->user.at, length));
	entry_carried(e, "user");
	if (length < p->user.length)
		entry_tell(e, IMPORT_LEFT, place(t, p->user.at + length), "user",
			   "%.*s: belfry takes the groups that the user has", 40,
			   arena_copy(&t->im->arena, p->user.at + length, p->user.length - length));
	return true;
}

static void set_folder(struct tab *t, struct import_entry *e, const struct parts *p)
{
	if (t->kind == IMPORT_SUPERCRONIC)
		return;
	if (t->home) {
		entry_literal(e, IMPORT_CWD, t->home);
		entry_carried(e, "folder");
	} else if (p->user.length == 4 && strncmp(p->user.at, "root", 4) == 0) {
		entry_text(e, IMPORT_CWD, "/root");
		entry_carried(e, "folder");
	} else if (p->user.length) {
		entry_tell(e, IMPORT_DIFFERS, place(t, p->user.at), "folder",
			   "cron starts it in the home folder of its user, belfry where belfry "
			   "was started; add \"cwd\" if it matters");
	}
}

static void set_mail(struct tab *t, struct import_entry *e)
{
	if (t->kind == IMPORT_SUPERCRONIC || !t->mail)
		return;
	if (*t->mail)
		entry_tell(e, IMPORT_LEFT, t->mail_at, "mail",
			   "cron mails its output to %s; belfry keeps it as the run's log",
			   text_short(&t->im->arena, t->mail, strlen(t->mail)));
	else
		entry_carried(e, "no mail");
}

static void set_policies(struct tab *t, struct import_entry *e)
{
	bool is_cron = t->kind != IMPORT_SUPERCRONIC;

	if (is_cron && !e->values[IMPORT_OVERLAP])
		entry_text(e, IMPORT_OVERLAP, "allow");
	entry_text(e, IMPORT_CATCHUP, "none");
	if (t->variables.count) {
		if (!t->env_json)
			make_env(t);
		e->values[IMPORT_ENV] = t->env_json;
		entry_carried(e, t->env_topic);
	}
	if (t->delay_ms) {
		entry_duration(e, IMPORT_JITTER, t->delay_ms);
		entry_tell(e, IMPORT_DIFFERS, t->delay_at, "random delay",
			   "RANDOM_DELAY is drawn once when cron starts, the jitter here for "
			   "each run, from the job's name and the instant");
	}
}

static void read_entry(struct tab *t)
{
	const char *first = t->line.text + strspn(t->line.text, " \t");
	struct import_entry *e;
	struct parts p;

	if (!split(t, &p) || !(e = entry_add(t->im, t->kind, place(t, first), first)))
		return;
	const char *command = skip_flags(t, e, p.command);
	entry_name(e, name_of_command(&t->im->arena, command));
	if (t->comment.length) {
		entry_text(e, IMPORT_DESCRIPTION, buf_string(&t->comment));
		entry_carried(e, "comment");
	}
	if (p.is_macro ? !set_macro(t, e, p.fields[0]) : !set_fields(t, e, p.fields, p.count))
		return;
	if (!set_command(t, e, command))
		return;
	if (t->kind == IMPORT_CRONTAB && word_is_account(command, strcspn(command, " \t")))
		entry_tell(e, IMPORT_DIFFERS, place(t, command), "user",
			   "the command begins with the name of an account; if this is a system "
			   "crontab, say --from system-crontab");
	if (!set_user(t, e, &p))
		return;
	set_folder(t, e, &p);
	set_mail(t, e);
	set_policies(t, e);
}

static void read_line(struct tab *t, bool only_settings, bool only_entries)
{
	const char *first = t->line.text + strspn(t->line.text, " \t");
	struct crontab_setting setting;

	if (!*first) {
		buf_clear(&t->comment);
	} else if (*first == '#') {
		if (!only_settings)
			read_comment(t, first);
	} else if (line_setting(&t->line, &t->im->arena, &setting)) {
		if (!only_entries)
			read_setting(t, &setting);
		buf_clear(&t->comment);
	} else if (!only_settings) {
		read_entry(t);
		buf_clear(&t->comment);
	}
}

static void read_lines(struct tab *t, bool only_settings, bool only_entries)
{
	struct line_reader reader = {.source = t->source};

	while (line_next(&reader, &t->im->arena, &t->line))
		read_line(t, only_settings, only_entries);
}

/* What is the same for every entry of a kind. */
static void remark_cron(struct import *im, struct import_place at)
{
	import_remark(im, IMPORT_CARRIED, at, "overlap",
		      "cron starts a job while the one before still runs: kept by \"overlap\": "
		      "\"allow\"; \"forbid\", belfry's usual, would skip it");
	import_remark(im, IMPORT_CARRIED, at, "catch-up",
		      "cron does not make up for what fell due while it was down: kept by "
		      "\"catchup\": \"none\"");
	import_remark(im, IMPORT_CARRIED, at, "daylight saving",
		      "fixed times and those that follow the clock behave as Vixie's cron and its "
		      "descendants have it");
	import_remark(im, IMPORT_DIFFERS, at, "environment",
		      "cron gives its jobs a small environment of its own (PATH=/usr/bin:/bin if "
		      "the crontab has none); here they have belfry's, and what the job sets");
	import_remark(im, IMPORT_LEFT, at, "mail",
		      "cron mails what a job prints; belfry keeps it as the run's log");
}

static void remark_supercronic(struct import *im, struct import_place at)
{
	import_remark(im, IMPORT_CARRIED, at, "overlap",
		      "supercronic does not start a job while the one before runs (but with "
		      "-overlapping): kept by \"overlap\": \"forbid\", belfry's usual");
	import_remark(im, IMPORT_CARRIED, at, "catch-up",
		      "supercronic does not make up for what fell due while it was down: kept by "
		      "\"catchup\": \"none\"");
	import_remark(im, IMPORT_CARRIED, at, "environment",
		      "jobs have belfry's environment and the variables of the crontab, as with "
		      "supercronic");
}

static void remark_zone(struct import *im, enum import_kind kind, struct import_place at)
{
	import_remark(im, IMPORT_CARRIED, at, "time zone",
		      "%s follows the clock of its machine, taken to be %s%s", entry_word(kind),
		      kind_zone(im, kind),
		      im->world.timezone ? "" : "; say --tz if that is another");
}

void crontab_translate(struct import *im, enum import_kind kind, const struct import_source *source)
{
	struct import_place at = {source->path, 0, 0};
	struct tab *tab = mem_alloc(sizeof(*tab));

	*tab = (struct tab){.im = im, .kind = kind, .source = source};
	remark_zone(im, kind, at);
	if (kind == IMPORT_SUPERCRONIC) {
		remark_supercronic(im, at);
		read_lines(tab, true, false);
		read_lines(tab, false, true);
	} else {
		remark_cron(im, at);
		if (kind == IMPORT_CRONTAB)
			import_remark(
				im, IMPORT_DIFFERS, at, "folder",
				"cron starts jobs in the home folder of their user, belfry in "
				"the one that belfry was started in; add \"cwd\" where it "
				"matters");
		read_lines(tab, false, false);
	}
	buf_finish(&tab->comment);
	free(tab);
}
