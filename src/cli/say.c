/* say.c - what every verb says in the same way; see say.h. */
#include "say.h"

#include <errno.h>
#include <stdarg.h>

#include "terminal.h"
#include "wrap.h"

static void say_line(struct buf *line)
{
	buf_char(line, '\n');
	terminal_write(OUTPUT_STDERR, buf_string(line), line->length);
	buf_finish(line);
}

static void add_mistake(struct buf *out, const struct args *args, const struct err *err)
{
	struct buf text = {0};

	if (args)
		buf_format(&text, "belfry %s: %s", args->command->name, err->text);
	else
		buf_format(&text, "belfry: %s", err->text);
	terminal_add(out, OUTPUT_STDERR, STYLE_BAD, buf_string(&text));
	buf_finish(&text);
}

int say_failed(const struct args *args, const struct err *err)
{
	struct buf line = {0};

	add_mistake(&line, args, err);
	say_line(&line);
	return CLI_FAILED;
}

int say_usage(const struct args *args, const struct err *err)
{
	struct buf lines = {0};

	add_mistake(&lines, args, err);
	if (args)
		buf_format(&lines, "\nSee 'belfry %s --help'.", args->command->name);
	else
		buf_text(&lines, "\nSee 'belfry help'.");
	say_line(&lines);
	return CLI_USAGE;
}

void say_note(const char *format, ...)
{
	struct buf text = {0}, line = {0};
	va_list args;

	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	terminal_add(&line, OUTPUT_STDERR, STYLE_PLAIN, buf_string(&text));
	buf_finish(&text);
	say_line(&line);
}

int say_print(const struct args *args, struct buf *out)
{
	bool ok = terminal_print(out);
	int number = errno;
	struct err err;

	buf_finish(out);
	if (ok)
		return CLI_OK;
	if (number == EPIPE)
		return CLI_FAILED;
	err_errno(&err, number, "cannot write to standard output");
	return say_failed(args, &err);
}

int say_text(const struct args *args, struct buf *out)
{
	wrap_text(out, terminal_width());
	return say_print(args, out);
}

static int add_json(const char *data, size_t length, void *out)
{
	buf_add(out, data, length);
	return 0;
}

int say_json(const struct args *args, json_t *json)
{
	size_t flags =
		JSON_ENCODE_ANY | (terminal_is(OUTPUT_STDOUT) ? JSON_INDENT(2) : JSON_COMPACT);
	struct buf out = {0};

	json_dump_callback(json, add_json, &out, flags);
	json_decref(json);
	buf_char(&out, '\n');
	return say_print(args, &out);
}
