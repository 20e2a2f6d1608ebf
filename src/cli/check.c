/*
 * check.c - `belfry check`: everything that is wrong or doubtful in schedules.json.
 */
#include <string.h>

#include "jobs_file.h"
#include "say.h"
#include "verbs.h"

/* What all files together come to. */
struct tally {
	struct buf out;
	size_t errors, warnings;
};

static void add_count(struct buf *out, size_t count, const char *what)
{
	if (count)
		buf_format(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
	else
		buf_format(out, "no %ss", what);
}

/* ---- for people ---- */

/* "schedules.json: 3 jobs, no errors, no warnings" */
static void add_summary(struct buf *out, const struct jobs_file *file, size_t errors,
			size_t warnings)
{
	enum style style = errors ? STYLE_BAD : warnings ? STYLE_WARN : STYLE_GOOD;
	struct buf line = {0};

	buf_format(&line, "%s: ", jobs_file_name(file->path));
	if (file->config) {
		add_count(&line, file->config->job_count, "job");
		buf_text(&line, ", ");
	}
	add_count(&line, errors, "error");
	buf_text(&line, ", ");
	add_count(&line, warnings, "warning");
	if (file->findings.suppressed)
		buf_format(&line, " (%zu not shown)", file->findings.suppressed);
	terminal_add(out, OUTPUT_STDOUT, style, buf_string(&line));
	buf_char(out, '\n');
	buf_finish(&line);
}

static void add_text(struct buf *out, const struct jobs_file *file)
{
	for (size_t i = 0; i < file->findings.count; i++)
		jobs_file_add_finding(out, OUTPUT_STDOUT, file->path, &file->findings.items[i]);
}

/* ---- for programs ---- */

static void add_json(struct buf *out, const struct jobs_file *file)
{
	for (size_t i = 0; i < file->findings.count; i++) {
		buf_json_open(out, NULL, '{');
		buf_json_text(out, "file", jobs_file_name(file->path));
		finding_add_json(out, &file->findings.items[i]);
		buf_json_close(out, '}');
	}
}

/* ---- the verb ---- */

/* A file that cannot be read has one finding, about the whole of it. Each finding
 * names the file in front; the error need not do it again. */
static void add_unreadable(struct jobs_file *file, const struct err *err)
{
	struct finding *finding = arena_new(&file->arena, struct finding);
	size_t length = strlen(file->path);
	bool is_named = strncmp(err->text, file->path, length) == 0 &&
			strncmp(err->text + length, ": ", 2) == 0;

	*finding = (struct finding){
		.severity = SEVERITY_ERROR,
		.length = 1,
		.path = "",
		.message = arena_text(&file->arena, err->text + (is_named ? length + 2 : 0))};
	file->findings.items = finding;
	file->findings.count = file->findings.errors = 1;
}

static void check_file(struct tally *tally, const char *path, bool in_json)
{
	struct jobs_file file;
	struct err err;

	if (!jobs_file_load(&file, path, &err))
		add_unreadable(&file, &err);
	size_t errors = file.findings.errors;
	size_t warnings = file.findings.count + file.findings.suppressed - errors;
	if (in_json) {
		add_json(&tally->out, &file);
	} else {
		add_text(&tally->out, &file);
		add_summary(&tally->out, &file, errors, warnings);
	}
	tally->errors += errors;
	tally->warnings += warnings;
	jobs_file_finish(&file);
}

static int run(const struct args *args)
{
	bool in_json = args_has(args, "json");
	struct tally tally = {0};

	if (in_json)
		buf_json_open(&tally.out, NULL, '[');
	for (size_t i = 0; i < args->operand_count; i++)
		check_file(&tally, args_operand(args, i), in_json);
	if (args->operand_count == 0)
		check_file(&tally, JOBS_FILE_DEFAULT, in_json);
	if (in_json) {
		buf_json_close(&tally.out, ']');
		buf_char(&tally.out, '\n');
	}
	bool is_strict = args_has(args, "strict");
	bool is_bad = tally.errors || (tally.warnings && is_strict);
	int code = in_json ? say_print(args, &tally.out) : say_text(args, &tally.out);
	if (is_strict && tally.warnings && !tally.errors)
		say_note("belfry check: warnings count as errors (--strict)");
	return is_bad ? CLI_USAGE : code;
}

static const struct option_row options[] = {
	{.name = "strict", .summary = "warnings count as errors"},
	{0},
};

const struct command command_check = {
	.name = "check",
	.operands = "[FILE]...",
	.operands_max = SIZE_MAX,
	.complete = COMPLETE_FILE,
	.summary = "finds everything wrong in schedules.json",
	.description = "Reads each FILE (schedules.json; \"-\" is standard input) as the daemon "
		       "would and\n"
		       "tells all that is wrong or doubtful, with line, column and remedy. Exit "
		       "code 2 if\n"
		       "there is an error.",
	.examples = "  belfry check\n"
		    "  belfry check --strict deploy/*.json\n"
		    "  belfry check --json - < schedules.json",
	.options = options,
	.run = run,
};
