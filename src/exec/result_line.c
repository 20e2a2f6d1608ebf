/* result_line.c - the result a job reports on its output; see result_line.h. */
#include "result_line.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "utf8.h"

static int64_t count_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
									: -1;
}

/* At most RESULT_MESSAGE_MAX bytes, cut between two characters. */
static char *message_of(const json_t *object)
{
	const json_t *value = json_object_get(object, "message");
	size_t length = 0, next;

	if (!json_is_string(value))
		return NULL;
	const char *text = json_string_value(value);
	size_t whole = json_string_length(value);
	while (length < whole && (next = utf8_length(text + length, whole - length)) > 0 &&
	       length + next <= RESULT_MESSAGE_MAX)
		length += next;
	char *message = mem_alloc(length + 1);
	memcpy(message, text, length);
	return message;
}

static void take(struct result_line *result, const json_t *object)
{
	result->has_result = true;
	result->processed = count_of(object, "processed");
	result->failed = count_of(object, "failed");
	free(result->message);
	result->message = message_of(object);
}

static void judge(struct result_line *result)
{
	static const char word[] = "\"result\"";
	const struct buf *line = &result->line;

	/* Most lines are not it; they are not worth a parser. */
	if (!line->length || !memmem(line->data, line->length, word, sizeof(word) - 1))
		return;
	json_t *object = json_loadb(line->data, line->length, 0, NULL);
	const char *event = json_string_value(json_object_get(object, "event"));

	if (event && strcmp(event, "result") == 0)
		take(result, object);
	json_decref(object);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A piece of one line. */
static void add(struct result_line *result, const char *data, size_t length)
{
	if (result->line.length == 0)
		while (length > 0 && is_blank(*data))
			data++, length--;
	if (result->is_passed_over || length == 0)
		return;
	if ((result->line.length == 0 && *data != '{') ||
	    result->line.length + length > RESULT_LINE_MAX) {
		result->is_passed_over = true;
		buf_clear(&result->line);
		return;
	}
	buf_add(&result->line, data, length);
}

void result_line_feed(struct result_line *result, const char *data, size_t length)
{
	while (length > 0) {
		const char *newline = memchr(data, '\n', length);
		size_t piece = newline ? (size_t)(newline - data) : length;

		add(result, data, piece);
		if (!newline)
			return;
		result_line_end(result);
		data += piece + 1;
		length -= piece + 1;
	}
}

void result_line_end(struct result_line *result)
{
	judge(result);
	buf_clear(&result->line);
	result->is_passed_over = false;
}

void result_line_finish(struct result_line *result)
{
	buf_finish(&result->line);
	free(result->message);
	*result = (struct result_line){0};
}
