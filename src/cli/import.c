/*
 * import.c - `belfry import`: other schedulers' files as schedules.json, with a report
 * of what carried over, what means something else here and what was left.
 */
#include "import.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "machine_zone.h"
#include "new_file.h"
#include "say.h"
#include "state_db.h"
#include "terminal.h"
#include "units_read.h"
#include "verbs.h"
#include "when.h"
#include "zoneinfo.h"

struct importing {
	const struct args *args;
	struct zoneinfo *zones;
	struct arena arena;
	struct import import;
	enum import_kind from; /* said by --from, else IMPORT_UNKNOWN */
	bool has_history;
};

/* ---- reading ---- */

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool read_folder(struct importing *in, const char *folder, const char *only, struct err *err)
{
	struct import_source *sources;
	size_t count;

	if (in->from != IMPORT_UNKNOWN && in->from != IMPORT_SYSTEMD)
		return err_set(err, "%s is a folder; only systemd's units are read from one",
			       folder);
	if (!units_read(folder, &in->arena, &sources, &count, err))
		return false;
	import_translate(&in->import, IMPORT_SYSTEMD, sources, count, only);
	return true;
}

/* A timer is read with all that lies beside it. */
static bool read_timer(struct importing *in, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	const char *folder = !slash ? "." : length ? arena_copy(&in->arena, path, length) : "/";

	return read_folder(in, folder, slash ? slash + 1 : path, err);
}

static void remark_history(struct importing *in, const char *path, const struct history_count *n)
{
	struct import_place at = {arena_text(&in->arena, path), 0, 0};

	import_remark_history(&in->import, at, n);
	in->has_history = true;
}

static bool read_database(struct importing *in, const char *path, struct err *err)
{
	const char *state = args_value(in->args, "state");
	struct state_db *db = state_db_open(path, err);
	struct history_count count = {0};

	if (!db)
		return false;
	bool ok = state_db_schedules(db, &in->import, err);
	if (ok && state && !in->import.faults_told) {
		ok = state_db_history(db, &in->import, state, &count, err);
		if (ok)
			remark_history(in, path, &count);
	}
	state_db_close(db);
	return ok;
}

static bool read_text(struct importing *in, const char *path, struct err *err)
{
	char *text;
	size_t length;

	if (!config_read(path, &text, &length, err))
		return false;
	struct import_source *source = arena_new(&in->arena, struct import_source);
	*source = (struct import_source){
		.path = strcmp(path, "-") == 0 ? "<stdin>" : arena_text(&in->arena, path),
		.text = arena_copy(&in->arena, text, length),
		.length = length};
	free(text);
	if (length > IMPORT_SIZE_MAX)
		return err_set(err, "%s: more than %d MiB", source->path, IMPORT_SIZE_MAX >> 20);
	enum import_kind kind = in->from != IMPORT_UNKNOWN ? in->from : import_recognise(source);
	if (kind == IMPORT_SYSTEMD && strcmp(path, "-") != 0)
		return read_timer(in, path, err);
	import_translate(&in->import, kind, source, 1, NULL);
	return true;
}

static bool read_path(struct importing *in, const char *path, struct err *err)
{
	if (is_folder(path))
		return read_folder(in, path, NULL, err);
	if (state_db_is(path))
		return read_database(in, path, err);
	return read_text(in, path, err);
}

/* ---- what is said ---- */

static void say_faults(const struct import *im)
{
	struct buf out = {0}, place = {0};

	for (size_t i = 0; i < im->fault_count; i++) {
		const struct import_fault *fault = &im->faults[i];

		buf_clear(&place);
		buf_text(&place, fault->at.file);
		if (fault->at.line)
			buf_format(&place, ":%u:%u", fault->at.line, fault->at.column);
		buf_text(&place, ": ");
		terminal_add(&out, OUTPUT_STDERR, STYLE_BOLD, buf_string(&place));
		terminal_add(&out, OUTPUT_STDERR, STYLE_BAD, "error:");
		buf_char(&out, ' ');
		terminal_add(&out, OUTPUT_STDERR, STYLE_PLAIN, fault->message);
		if (fault->excerpt) {
			buf_text(&out, "\n    ");
			terminal_add_cut(&out, OUTPUT_STDERR, STYLE_DIM, fault->excerpt, 100);
		}
		buf_char(&out, '\n');
	}
	if (im->faults_told > im->fault_count)
		buf_format(&out, "(%zu more errors)\n", im->faults_told - im->fault_count);
	terminal_write(OUTPUT_STDERR, buf_string(&out), out.length);
	buf_finish(&out);
	buf_finish(&place);
}

/* Jobs and what concerns all of them stand out. */
static void say_report(const char *report)
{
	struct buf out = {0};

	while (*report) {
		size_t length = strcspn(report, "\n");
		struct buf line = {0};

		buf_add(&line, report, length);
		terminal_add(&out, OUTPUT_STDERR, *report == ' ' ? STYLE_PLAIN : STYLE_BOLD,
			     buf_string(&line));
		buf_char(&out, '\n');
		buf_finish(&line);
		report += length + (report[length] == '\n');
	}
	terminal_write(OUTPUT_STDERR, buf_string(&out), out.length);
	buf_finish(&out);
}

static void add_faults_json(const struct import *im, struct buf *out)
{
	buf_json_open(out, "errors", '[');
	for (size_t i = 0; i < im->fault_count; i++) {
		const struct import_fault *fault = &im->faults[i];

		buf_json_open(out, NULL, '{');
		buf_json_text(out, "file", fault->at.file);
		buf_json_int(out, "line", fault->at.line);
		buf_json_int(out, "column", fault->at.column);
		buf_json_text(out, "message", fault->message);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
}

/* ---- writing ---- */

/* What belfry itself says of the result. An error in it is ours, not the user's. */
static bool check_result(struct importing *in, const struct buf *json, struct err *err)
{
	struct config_world world = {.zones = zoneinfo_source(in->zones), .now = when_now()};
	struct findings findings = {.arena = &in->arena};
	struct config *config = config_parse(buf_string(json), json->length, &world, &findings);
	bool ok = config != NULL;

	for (size_t i = 0; i < findings.count && !ok; i++) {
		const struct finding *f = &findings.items[i];

		if (f->severity != SEVERITY_ERROR)
			continue;
		err_set(err,
			"the result is not accepted, which is a fault of this program: %s: %s: %s",
			f->job ? f->job : "", f->path, f->message);
		break;
	}
	config_destroy(config);
	return ok;
}

static int write_report(struct importing *in, const char *report_path, bool in_json)
{
	bool is_forced = args_has(in->args, "force");
	struct buf report = {0};
	struct err err;
	int code = CLI_OK;

	if (in_json)
		import_report_json(&in->import, NULL, &report);
	else
		import_report_text(&in->import, &report);
	if (in_json)
		buf_char(&report, '\n');
	if (!report_path)
		say_report(buf_string(&report));
	else if (!new_file_write(report_path, is_forced, buf_string(&report), report.length, &err))
		code = say_failed(in->args, &err);
	buf_finish(&report);
	return code;
}

/* --json: the file and the report as one object. */
static int print_json(struct importing *in, const struct buf *json)
{
	struct buf out = {0};

	buf_json_open(&out, NULL, '{');
	if (json) {
		buf_json_raw(&out, "config", buf_string(json));
		/* Without the line break at its end. */
		out.data[--out.length] = '\0';
	} else {
		buf_json_null(&out, "config");
	}
	import_report_json(&in->import, "report", &out);
	add_faults_json(&in->import, &out);
	buf_json_close(&out, '}');
	buf_char(&out, '\n');
	return say_print(in->args, &out);
}

static int write_result(struct importing *in, const struct buf *json)
{
	const char *output = args_value(in->args, "output");
	const char *report = args_value(in->args, "report");
	bool in_json = args_has(in->args, "json");
	struct buf copy = {0};
	struct err err;
	int code = CLI_OK;

	if (output && !new_file_write(output, args_has(in->args, "force"), buf_string(json),
				      json->length, &err))
		return say_failed(in->args, &err);
	if (report || !in_json)
		code = write_report(in, report, in_json);
	if (in_json && code == CLI_OK)
		return print_json(in, json);
	if (!output && code == CLI_OK) {
		buf_add(&copy, json->data, json->length);
		code = say_print(in->args, &copy);
	}
	return code;
}

static int finish(struct importing *in)
{
	struct buf json = {0};
	struct err err;
	int code;

	if (in->import.faults_told) {
		say_faults(&in->import);
		if (args_has(in->args, "json"))
			print_json(in, NULL);
		return CLI_USAGE;
	}
	if (import_write(&in->import, &json, &err) && check_result(in, &json, &err))
		code = write_result(in, &json);
	else
		code = say_failed(in->args, &err);
	buf_finish(&json);
	return code == CLI_OK && import_left(&in->import) ? CLI_FAILED : code;
}

/* ---- the verb ---- */

/* What can be told before anything is read. */
static bool is_asked_rightly(struct importing *in, struct err *err)
{
	const char *from = args_value(in->args, "from"), *tz = args_value(in->args, "tz");
	const char *output = args_value(in->args, "output");
	const char *report = args_value(in->args, "report");
	const struct zone_source *zones = zoneinfo_source(in->zones);
	bool is_forced = args_has(in->args, "force");

	if (from && !import_kind_from_word(from, &in->from))
		return err_set(err,
			       "--from is one of crontab, system-crontab, systemd, "
			       "cron-manager, kubernetes and supercronic, not '%s'",
			       from);
	if (tz && !zones->get(zones->context, tz, err))
		return err_wrap(err, "--tz %s", tz);
	if (output && report && strcmp(output, report) == 0)
		return err_set(err, "--output and --report name the same file");
	return (!output || new_file_may(output, is_forced, err)) &&
	       (!report || new_file_may(report, is_forced, err));
}

static int import(struct importing *in)
{
	struct err err;

	if (!is_asked_rightly(in, &err))
		return say_usage(in->args, &err);
	struct import_world world = {.zones = zoneinfo_source(in->zones),
				     .now = when_now(),
				     .timezone = args_value(in->args, "tz"),
				     .machine = machine_zone(&in->arena)};
	import_init(&in->import, &world);
	for (size_t i = 0; i < in->args->operand_count; i++) {
		if (read_path(in, args_operand(in->args, i), &err))
			continue;
		say_failed(in->args, &err);
		return CLI_USAGE;
	}
	if (args_has(in->args, "state") && !in->has_history && !in->import.faults_told) {
		err_set(&err, "--state is for the history in a state.db of cron-manager; none is "
			      "among the files");
		return say_usage(in->args, &err);
	}
	return finish(in);
}

static int run(const struct args *args)
{
	struct importing in = {.args = args, .zones = zoneinfo_create(NULL)};
	int code = import(&in);

	import_finish(&in.import);
	arena_finish(&in.arena);
	zoneinfo_destroy(in.zones);
	return code;
}

static const char *const kinds[] = {"crontab",    "system-crontab", "systemd", "cron-manager",
				    "kubernetes", "supercronic",    NULL};

static const struct option_row options[] = {
	{.name = "from",
	 .value = "KIND",
	 .summary = "what it is, where that is not seen from the file",
	 .words = kinds,
	 .complete = COMPLETE_WORDS},
	{.name = "tz",
	 .value = "ZONE",
	 .summary = "the zone of the machine it comes from",
	 .complete = COMPLETE_ZONE},
	{.name = "output",
	 .letter = 'o',
	 .value = "FILE",
	 .summary = "write schedules.json there, not to standard output",
	 .complete = COMPLETE_FILE},
	{.name = "report",
	 .value = "FILE",
	 .summary = "write the report there, not to standard error",
	 .complete = COMPLETE_FILE},
	{.name = "force", .summary = "write over files that are there"},
	{.name = "state",
	 .value = "DIR",
	 .summary = "take cron-manager's history into this state directory",
	 .complete = COMPLETE_FOLDER},
	{0},
};

const struct command command_import = {
	.name = "import",
	.operands = "PATH...",
	.operands_min = 1,
	.operands_max = SIZE_MAX,
	.complete = COMPLETE_FILE,
	.summary = "other schedulers' jobs as schedules.json",
	.description =
		"PATH is a crontab (a user's, the system's or supercronic's), a folder of systemd\n"
		"timers or one timer, Kubernetes CronJobs as YAML, or cron-manager's\n"
		"schedules.json or state.db; \"-\" is standard input. Prints schedules.json, and "
		"on\n"
		"standard error what carried over, what means something else here, and what was\n"
		"left. Exit code 1 if an entry was left out whole, 2 if the input is wrong.",
	.examples = "  belfry import /etc/crontab /etc/cron.d/* -o schedules.json\n"
		    "  crontab -l | belfry import - > schedules.json\n"
		    "  belfry import --tz Europe/Paris /etc/systemd/system\n"
		    "  belfry import cronjobs.yaml --report report.txt > schedules.json\n"
		    "  belfry import state.db --state /var/lib/belfry > schedules.json",
	.options = options,
	.run = run,
};
