/*
 * doctor.c - `belfry doctor`: what may be wrong with this machine, and what to do.
 */
#include "doctor.h"

#include <stdarg.h>

#include "jobs_file.h"
#include "say.h"
#include "usual_state.h"
#include "verbs.h"

static const char *const words[HEALTH_COUNT] = {
	[HEALTH_OK] = "ok",           [HEALTH_INFO] = "info",   [HEALTH_UNKNOWN] = "unknown",
	[HEALTH_WARNING] = "warning", [HEALTH_ERROR] = "error",
};
static const enum style styles[HEALTH_COUNT] = {
	[HEALTH_OK] = STYLE_GOOD,      [HEALTH_INFO] = STYLE_DIM,  [HEALTH_UNKNOWN] = STYLE_DIM,
	[HEALTH_WARNING] = STYLE_WARN, [HEALTH_ERROR] = STYLE_BAD,
};

/* In the order they are told. */
static void (*const checks[])(struct doctor *doctor) = {
	doctor_config, doctor_state, doctor_database, doctor_disk,  doctor_runner,
	doctor_port,   doctor_clock, doctor_zones,    doctor_files, doctor_cgroup,
};

void doctor_say(struct doctor *doctor, const char *check, enum health health, const char *remedy,
		const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	if (doctor->count == SYMPTOMS_MAX)
		return;
	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	doctor->symptoms[doctor->count++] = (struct symptom){
		.check = check,
		.health = health,
		.found = arena_text(&doctor->arena, buf_string(&text)),
		.remedy = remedy ? arena_text(&doctor->arena, remedy) : NULL,
	};
	buf_finish(&text);
}

/* ---- what is told ---- */

static void add_padded(struct buf *out, enum style style, const char *text, size_t width)
{
	terminal_add(out, OUTPUT_STDOUT, style, text);
	for (size_t n = terminal_columns(text); n < width; n++)
		buf_char(out, ' ');
}

/* A line each, and what to do below it: a table would have no room for sentences. */
static void add_text(struct buf *out, const struct doctor *doctor)
{
	enum { WORD = 9, CHECK = 17 };

	for (size_t i = 0; i < doctor->count; i++) {
		const struct symptom *s = &doctor->symptoms[i];

		add_padded(out, styles[s->health], words[s->health], WORD);
		add_padded(out, STYLE_BOLD, s->check, CHECK);
		terminal_add(out, OUTPUT_STDOUT, STYLE_PLAIN, s->found);
		buf_char(out, '\n');
		if (!s->remedy)
			continue;
		buf_format(out, "%*s> ", WORD + CHECK - 2, "");
		terminal_add(out, OUTPUT_STDOUT, STYLE_PLAIN, s->remedy);
		buf_char(out, '\n');
	}
}

static void add_json(struct buf *out, const struct doctor *doctor)
{
	buf_json_open(out, NULL, '[');
	for (size_t i = 0; i < doctor->count; i++) {
		const struct symptom *s = &doctor->symptoms[i];

		buf_json_open(out, NULL, '{');
		buf_json_text(out, "check", s->check);
		buf_json_text(out, "result", words[s->health]);
		buf_json_text(out, "found", s->found);
		buf_json_text(out, "remedy", s->remedy);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
	buf_char(out, '\n');
}

/* ---- the verb ---- */

static const char *or_else(const char *value, const char *otherwise)
{
	return value ? value : otherwise;
}

static int examine(struct doctor *doctor)
{
	const struct args *args = doctor->args;
	struct buf out = {0};
	bool has_error = false;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](doctor);
	for (size_t i = 0; i < doctor->count; i++)
		has_error |= doctor->symptoms[i].health == HEALTH_ERROR;
	if (args_has(args, "json"))
		add_json(&out, doctor);
	else
		add_text(&out, doctor);
	int code = args_has(args, "json") ? say_print(args, &out) : say_text(args, &out);
	return has_error ? CLI_FAILED : code;
}

static int run(const struct args *args)
{
	struct doctor doctor = {.args = args};

	doctor.config = or_else(args_value(args, "config"), JOBS_FILE_DEFAULT);
	doctor.listen = or_else(args_value(args, "listen"), "127.0.0.1:7420");
	doctor.state = or_else(args_value(args, "state"), usual_state(&doctor.arena));
	int code = args_has(args, "repair") ? doctor_repair(&doctor) : examine(&doctor);
	arena_finish(&doctor.arena);
	return code;
}

static const struct option_row options[] = {
	{.name = "config",
	 .letter = 'c',
	 .value = "FILE",
	 .summary = "the jobs (schedules.json)",
	 .complete = COMPLETE_FILE},
	{.name = "state",
	 .value = "DIR",
	 .summary = "the state directory ($BELFRY_STATE)",
	 .complete = COMPLETE_FOLDER},
	{.name = "listen",
	 .value = "ADDR:PORT",
	 .summary = "where serve is to listen (127.0.0.1:7420)"},
	{.name = "repair", .summary = "save what can be read of a damaged database"},
	{0},
};

const struct command command_doctor = {
	.name = "doctor",
	.operands = "",
	.summary = "what may be wrong with this machine, and what to do",
	.description =
		"Give it what you give to belfry serve. Each line is ok, info, unknown, "
		"warning or\n"
		"error; below it, what to do. Exit code 1 if there is an error.\n"
		"\n"
		"With --repair, and belfry stopped: if the database is damaged, what can be\n"
		"read of it goes into a new one. The damaged file is set aside, never\n"
		"removed, and what is lost is told.",
	.examples = "  belfry doctor\n"
		    "  belfry doctor --state /var/lib/belfry --listen 127.0.0.1:7420 --json\n"
		    "  belfry doctor --repair --state /var/lib/belfry",
	.options = options,
	.run = run,
};
