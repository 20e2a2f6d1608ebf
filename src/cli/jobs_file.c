/* jobs_file.c - a schedules.json as a verb reads it; see jobs_file.h. */
#include "jobs_file.h"

#include <stdlib.h>
#include <string.h>

#include "caret.h"
#include "say.h"
#include "str.h"
#include "when.h"

static const char *environment(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

bool jobs_file_load(struct jobs_file *file, const char *path, struct err *err)
{
	char *text = NULL;
	size_t length;

	*file = (struct jobs_file){.path = path, .zones = zoneinfo_create(NULL)};
	file->findings.arena = &file->arena;
	if (!config_read(path, &text, &length, err))
		return false;
	struct config_world world = {.zones = zoneinfo_source(file->zones),
				     .environment = environment,
				     .now = when_now()};
	file->config = config_parse(text, length, &world, &file->findings);
	free(text);
	return true;
}

void jobs_file_finish(struct jobs_file *file)
{
	config_destroy(file->config);
	arena_finish(&file->arena);
	zoneinfo_destroy(file->zones);
	*file = (struct jobs_file){0};
}

const char *jobs_file_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

static void add_place(struct buf *out, enum output output, const char *path,
		      const struct finding *finding)
{
	struct buf place = {0};

	buf_text(&place, jobs_file_name(path));
	if (finding->line)
		buf_format(&place, ":%u:%u", finding->line, finding->column);
	buf_text(&place, ": ");
	terminal_add(out, output, STYLE_BOLD, buf_string(&place));
	buf_finish(&place);
}

void jobs_file_add_finding(struct buf *out, enum output output, const char *path,
			   const struct finding *finding)
{
	bool is_error = finding->severity == SEVERITY_ERROR;
	enum style style = is_error ? STYLE_BAD : STYLE_WARN;
	struct buf lead = {0};

	add_place(out, output, path, finding);
	terminal_add(out, output, style, is_error ? "error:" : "warning:");
	buf_char(out, ' ');
	if (!str_empty(finding->path)) {
		terminal_add(out, output, STYLE_PLAIN, finding->path);
		buf_text(out, ": ");
	}
	terminal_add(out, output, STYLE_PLAIN, finding->message);
	buf_char(out, '\n');
	if (!finding->excerpt)
		return;
	buf_format(&lead, "    %s%s", finding->job ? finding->job : "", finding->job ? ": " : "");
	caret_add(out, output,
		  &(struct caret){.lead = buf_string(&lead),
				  .text = finding->excerpt,
				  .column = finding->excerpt_column,
				  .length = finding->length,
				  .style = style});
	buf_finish(&lead);
}

static int say_errors(const struct jobs_file *file)
{
	struct buf out = {0};

	for (size_t i = 0; i < file->findings.count; i++)
		if (file->findings.items[i].severity == SEVERITY_ERROR)
			jobs_file_add_finding(&out, OUTPUT_STDERR, file->path,
					      &file->findings.items[i]);
	terminal_write(OUTPUT_STDERR, buf_string(&out), out.length);
	buf_finish(&out);
	return CLI_USAGE;
}

int jobs_file_open(struct jobs_file *file, const struct args *args, const char *path)
{
	struct err err;

	if (!jobs_file_load(file, path, &err)) {
		say_failed(args, &err);
		return CLI_USAGE;
	}
	return file->config ? CLI_OK : say_errors(file);
}

const struct job *jobs_file_find(const struct jobs_file *file, const struct args *args,
				 const char *name)
{
	const struct config *config = file->config;
	const struct job *job = config_find(config, name);
	struct err err;

	if (job)
		return job;
	const char **names = mem_alloc((config->job_count + 1) * sizeof(*names));
	for (size_t i = 0; i < config->job_count; i++)
		names[i] = config->jobs[i].name;
	const char *near = str_nearest(name, names, config->job_count);
	err_set(&err, "%s has no job '%s'%s%s%s", jobs_file_name(file->path), name,
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	free(names);
	say_failed(args, &err);
	return NULL;
}
