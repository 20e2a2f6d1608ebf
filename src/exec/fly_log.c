/*
 * fly_log.c - a Machine's output, through Fly's log API, into the run's log; see fly.h.
 *
 * GET /api/v1/apps/{app}/logs?instance=ID&next_token=T (docs: monitoring/logs-api-options;
 * fly-go: resource_logs.go). A line stands at its time in the log, so that reading it again
 * after a restart stores it once. The API is a little behind and not promised: a run's end
 * does not wait for it for long, and never depends on it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fly.h"
#include "http_target.h"

enum {
	LIVE_MS = 2000,    /* between two looks while it runs */
	LAST_MS = 1000,    /* and once it has ended */
	EARLIER_MS = 5000, /* clocks differ */
	QUIET_LOOKS = 2,   /* in a row without a line: that was all */
	PAGE_LINES = 50,   /* there is more */
	FAILURES_MOST = 3, /* then what is missing is told */
};

static void ask(struct fly_ward *ward);

static void later(struct fly_ward *ward, int64_t ms)
{
	loop_timer_start(ward->log_timer, ms);
}

/* ---- lines ---- */

static void output(struct fly_ward *ward, enum stream stream, struct utc at, const char *text,
		   size_t length)
{
	struct buf line = {0};

	buf_add(&line, text, length);
	if (length == 0 || text[length - 1] != '\n')
		buf_char(&line, '\n');
	if (at.ms * 1000 > ward->log_position)
		ward->log_position = at.ms * 1000;
	else
		ward->log_position++;
	if (stream != STREAM_BELFRY) {
		ward->output_bytes += (int64_t)line.length;
		result_line_feed(&ward->result, line.data, line.length);
	}
	if (ward->output_bytes <= ORDER_OUTPUT_MAX)
		ward->fly->sink.output(ward->fly->sink.context,
				       &(struct log_chunk){.run = ward->run,
							   .attempt = ward->attempt,
							   .position = ward->log_position,
							   .stream = stream,
							   .at = at,
							   .data = line.data,
							   .length = line.length});
	buf_finish(&line);
}

/* What Fly itself says of the Machine is no output of the job. */
static bool is_of_app(const json_t *attributes)
{
	const json_t *meta = json_object_get(attributes, "meta");
	const char *provider =
		json_string_value(json_object_get(json_object_get(meta, "event"), "provider"));

	return !provider || strcmp(provider, "app") == 0;
}

static bool take_line(struct fly_ward *ward, const json_t *entry)
{
	const json_t *attributes = json_object_get(entry, "attributes");
	const char *id = json_string_value(json_object_get(entry, "id"));
	const char *time = json_string_value(json_object_get(attributes, "timestamp"));
	const json_t *message = json_object_get(attributes, "message");
	const char *instance = json_string_value(json_object_get(attributes, "instance"));
	const char *mark = id ? id : time;
	struct utc at;

	if (!json_is_string(message) || (instance && strcmp(instance, ward->machine) != 0))
		return false;
	if (!time || !utc_parse(time, strlen(time), &at))
		at = ward->started_at;
	if (id && ward->log_last && strcmp(mark, ward->log_last) == 0)
		return false; /* the end of the page before */
	free(ward->log_last);
	ward->log_last = mark ? mem_copy_text(mark) : NULL;
	output(ward, is_of_app(attributes) ? STREAM_STDOUT : STREAM_BELFRY, at,
	       json_string_value(message), json_string_length(message));
	return true;
}

static size_t take_page(struct fly_ward *ward, const struct http_answer *answer, bool *is_readable)
{
	json_t *json = json_loadb(answer->body, answer->length, JSON_ALLOW_NUL, NULL);
	const json_t *data = json_object_get(json, "data");
	const json_t *token = json_object_get(json_object_get(json, "meta"), "next_token");
	size_t lines = 0;

	*is_readable = json_is_array(data);
	for (size_t i = 0; i < json_array_size(data); i++)
		lines += take_line(ward, json_array_get(data, i));
	if (json_is_string(token) && *json_string_value(token)) {
		free(ward->log_token);
		ward->log_token = mem_copy_text(json_string_value(token));
	} else if (json_is_integer(token)) {
		char text[24];

		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(token));
		free(ward->log_token);
		ward->log_token = mem_copy_text(text);
	}
	json_decref(json);
	return lines;
}

/* ---- asking ---- */

static void tell_missing(struct fly_ward *ward, const struct http_answer *answer)
{
	struct buf text = {0};

	buf_text(&text, "the Machine's log cannot be had from here on: ");
	if (answer->status)
		buf_format(&text, "Fly answered %d", answer->status);
	else
		buf_text(&text, answer->failure);
	buf_format(&text, "; Fly keeps it for some days: fly logs --app %s --machine %s", ward->app,
		   ward->machine);
	fly_say(ward, buf_string(&text));
	buf_finish(&text);
}

static void on_page(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	bool is_over = ward->step == FLY_STEP_LOG, is_readable = false;
	size_t lines = 0;

	ward->log_call = NULL;
	if (answer->status == 200)
		lines = take_page(ward, answer, &is_readable);
	if (!is_readable && ++ward->log_failures >= FAILURES_MOST) {
		tell_missing(ward, answer);
		if (is_over)
			fly_log_over(ward);
		return;
	}
	if (is_readable)
		ward->log_failures = 0;
	if (!is_over) {
		later(ward, lines >= PAGE_LINES ? 0 : LIVE_MS);
		return;
	}
	ward->log_quiet = is_readable && lines == 0 ? ward->log_quiet + 1 : 0;
	if (ward->log_quiet >= QUIET_LOOKS)
		fly_log_over(ward);
	else
		later(ward, lines ? 0 : LAST_MS);
}

static void ask(struct fly_ward *ward)
{
	struct buf path = {0};

	buf_text(&path, "/api/v1/apps/");
	http_escape(&path, ward->app);
	buf_text(&path, "/logs?instance=");
	http_escape(&path, ward->machine);
	if (ward->log_token) {
		buf_text(&path, "&next_token=");
		http_escape(&path, ward->log_token);
	}
	ward->log_call =
		fly_calls_send(ward->fly->calls, &(struct fly_request){.method = "GET",
								       .path = buf_string(&path),
								       .app = ward->app,
								       .is_of_api = true,
								       .is_eager = true,
								       .answered = on_page,
								       .context = ward});
	buf_finish(&path);
}

void fly_log_begin(struct fly_ward *ward)
{
	char text[24];

	/* From its start on: without a token only the latest hundred lines are told. */
	snprintf(text, sizeof(text), "%lld",
		 (long long)(ward->started_at.ms - EARLIER_MS) * 1000000);
	free(ward->log_token);
	ward->log_token = mem_copy_text(text);
	later(ward, LIVE_MS);
}

void fly_log_finish(struct fly_ward *ward)
{
	ward->log_quiet = 0;
	if (ward->log_failures >= FAILURES_MOST)
		fly_log_over(ward);
	else if (!ward->log_call)
		later(ward, 0);
}

void fly_log_stop(struct fly_ward *ward)
{
	if (ward->log_call)
		fly_calls_cancel(ward->fly->calls, ward->log_call);
	ward->log_call = NULL;
	loop_timer_stop(ward->log_timer);
}

void fly_on_log_timer(void *context)
{
	ask(context);
}
