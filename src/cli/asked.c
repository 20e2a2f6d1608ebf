/* asked.c - the schedule that `next` and `explain` are asked about; see asked.h. */
#include "asked.h"

#include <stdio.h>
#include <string.h>

#include "calendar_text.h"
#include "caret.h"
#include "moment.h"
#include "say.h"
#include "str.h"
#include "zone_offer.h"

/* ---- saying what is wrong ---- */

static void add_json_error(struct buf *out, const char *where, const struct schedule_error *error)
{
	buf_json_open(out, NULL, '{');
	buf_json_open(out, "error", '{');
	buf_json_text(out, "message", error->message);
	buf_json_text(out, "where", where);
	buf_json_int(out, "column", (int64_t)error->column);
	buf_json_int(out, "length", (int64_t)error->length);
	buf_json_close(out, '}');
	buf_json_close(out, '}');
	buf_char(out, '\n');
}

int asked_refuse(const struct args *args, const char *where, const char *text,
		 const struct schedule_error *error)
{
	struct buf out = {0}, lead = {0};

	if (args_has(args, "json")) {
		add_json_error(&out, where, error);
		terminal_print(&out);
	} else {
		buf_format(&lead, "belfry %s: ", args->command->name);
		if (strcmp(where, "expr") != 0)
			buf_format(&lead, "%s ", where);
		caret_add(&out, OUTPUT_STDERR,
			  &(struct caret){.lead = buf_string(&lead),
					  .text = text,
					  .column = error->column,
					  .length = error->length,
					  .message = error->message,
					  .style = STYLE_BAD});
		terminal_write(OUTPUT_STDERR, buf_string(&out), out.length);
	}
	buf_finish(&out);
	buf_finish(&lead);
	return CLI_USAGE;
}

static int refuse_whole(const struct args *args, const char *where, const char *text,
			const char *message)
{
	struct schedule_error error = {.column = 1, .length = strlen(text)};

	snprintf(error.message, sizeof(error.message), "%.255s", message);
	return asked_refuse(args, where, text, &error);
}

/* ---- an expression ---- */

static const struct zone *find_zone(const struct zone_source *zones, const char *name,
				    struct err *err)
{
	struct err why;
	const struct zone *zone = zones->get(zones->context, name, &why);

	if (!zone)
		zone_unknown(zones, name, &why, err->text, sizeof(err->text));
	return zone;
}

static int parse_cron(struct asked *asked, const struct args *args,
		      const struct schedule_context *context)
{
	struct schedule_error error = {0};
	const char *text = asked->text;

	if (!schedule_parse_cron(&asked->arena, text, strlen(text), context, &asked->schedule,
				 &error, 1))
		return CLI_OK;
	/* A lone word is more likely meant to be a job. */
	bool is_word = *text && *text != '@' && !strpbrk(text, " \t");
	size_t length = strlen(error.message);
	if (is_word && !args_has(args, "json"))
		snprintf(error.message + length, sizeof(error.message) - length,
			 "; for the job of that name write --job %.60s", text);
	return asked_refuse(args, "expr", text, &error);
}

static int parse_calendar(struct asked *asked, const struct args *args,
			  const struct schedule_context *context)
{
	struct schedule_error error = {0};
	struct calendar_form form;
	struct err err;

	if (!calendar_text_read(&asked->arena, asked->text, &form, &err))
		return refuse_whole(args, "expr", asked->text, err.text);
	if (!schedule_parse_calendar(&asked->arena, &form, context, &asked->schedule, &error, 1))
		return CLI_OK;
	return asked_refuse(args, calendar_text_key(error.part), calendar_text_value(&form, &error),
			    &error);
}

static int init_expression(struct asked *asked, const struct args *args)
{
	const char *tz = args_value(args, "tz"), *name = args_value(args, "name");
	struct schedule_context context = {.job_name = name ? name : ""};
	struct err err;

	asked->zones = zoneinfo_create(NULL);
	context.zones = zoneinfo_source(asked->zones);
	context.zone = find_zone(context.zones, tz ? tz : "UTC", &err);
	if (!context.zone)
		return refuse_whole(args, "tz", tz ? tz : "UTC", err.text);
	asked->text = args_operand(args, 0);
	int code = calendar_text_is(asked->text) ? parse_calendar(asked, args, &context)
						 : parse_cron(asked, args, &context);
	if (code == CLI_OK)
		asked->timezone = zone_name(schedule_zone(asked->schedule));
	return code;
}

/* ---- a job ---- */

static int init_job(struct asked *asked, const struct args *args)
{
	const char *path = args_value(args, "config");
	int code = jobs_file_open(&asked->file, args, path ? path : JOBS_FILE_DEFAULT);

	if (code != CLI_OK)
		return code;
	const struct job *job = jobs_file_find(&asked->file, args, args_value(args, "job"));
	if (!job)
		return CLI_USAGE;
	asked->job = job->name;
	asked->schedule = job->schedule;
	asked->text = job->schedule_text;
	asked->timezone = job->timezone;
	return CLI_OK;
}

int asked_init(struct asked *asked, const struct args *args)
{
	bool has_job = args_has(args, "job"), has_text = args_operand(args, 0) != NULL;
	struct err err;

	*asked = (struct asked){0};
	if (has_job == has_text)
		err_set(&err, has_job ? "give either a schedule or --job, not both"
				      : "give a schedule, or --job JOB");
	else if (has_job && (args_has(args, "tz") || args_has(args, "name")))
		err_set(&err, "--tz and --name are for a schedule given here; a job has its own");
	else if (has_text && args_has(args, "config"))
		err_set(&err, "--config says where --job is looked for");
	else
		return has_job ? init_job(asked, args) : init_expression(asked, args);
	return say_usage(args, &err);
}

void asked_finish(struct asked *asked)
{
	jobs_file_finish(&asked->file);
	zoneinfo_destroy(asked->zones);
	arena_finish(&asked->arena);
}

bool asked_instant(const struct asked *asked, const char *text, struct utc *instant)
{
	struct moment moment;

	if (utc_parse(text, strlen(text), instant))
		return true;
	if (!moment_parse(text, strlen(text), &moment))
		return false;
	instant->ms = moment_instant_ms(&moment, schedule_zone(asked->schedule));
	return true;
}
