/* log.c - log lines, one JSON object a line; see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* One write a line, so that lines of several threads and processes do not mix. */
static void write_line(FILE *stream, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (text == NULL)
		return;
	flockfile(stream);
	fputs(text, stream);
	putc_unlocked('\n', stream);
	fflush(stream);
	funlockfile(stream);
	free(text);
}

static json_t *begin_line(const char *level, const char *msg)
{
	char time_text[32];
	struct tm utc;
	time_t now = time(NULL);
	gmtime_r(&now, &utc);
	strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_pack("{s:s, s:s, s:s}", "time", time_text, "level", level, "msg", msg);
}

static void log_with(const char *level, const char *msg, const char *format, va_list args)
{
	json_t *line = begin_line(level, msg);
	if (format != NULL) {
		json_t *fields = json_vpack_ex(NULL, 0, format, args);
		if (fields == NULL) /* text that is not UTF-8: the line goes out all the same */
			json_object_set_new(line, "fields_lost", json_true());
		else
			json_object_update(line, fields);
		json_decref(fields);
	}
	write_line(stdout, line);
}

void log_info(const char *msg, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_with("info", msg, format, args);
	va_end(args);
}

void log_warn(const char *msg, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_with("warn", msg, format, args);
	va_end(args);
}

void log_problem(const char *msg, const char *name, const struct problem *problem)
{
	json_t *line = begin_line("error", msg);
	json_object_set_new(line, "name", json_string(name));
	json_object_set_new(line, "cause", json_string(problem->cause));
	json_object_set_new(line, "remedy", json_string(problem->remedy));
	write_line(stderr, line);
}

void log_json(json_t *object)
{
	write_line(stdout, object);
}
