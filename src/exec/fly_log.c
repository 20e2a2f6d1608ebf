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
#include "str.h"

enum {
	LIVE_MS = 2000,    /* between two looks while it runs */
	PAUSED_MS = 30000, /* while nothing can be had */
	LAST_MS = 1000,    /* once it has ended */
	SETTLE_MS = 5000,  /* after its end: lines may still be on their way */
	LAST_MOST_MS = 60000,
	EARLIER_MS = 5000, /* clocks differ */
	PAGE_LINES = 50,   /* there is more */
	QUIET_LOOKS = 2,   /* in a row without a line: that was all */
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
	if (stream != STREAM_BELFRY)
		result_line_feed(&ward->result, line.data, line.length);
	bool is_first_beyond = ward->output_bytes <= ORDER_OUTPUT_MAX;
	ward->output_bytes += (int64_t)line.length;
	if (ward->output_bytes <= ORDER_OUTPUT_MAX)
		ward->fly->sink.output(ward->fly->sink.context,
				       &(struct log_chunk){.run = ward->run,
							   .attempt = ward->attempt,
							   .position = ward->log_position,
							   .stream = stream,
							   .at = at,
							   .data = line.data,
							   .length = line.length});
	else if (is_first_beyond)
		fly_say(ward, "what it prints from here on is not kept");
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

/* Pages may overlap at the instant where one ends: what was taken of that is known. */
static bool is_known(struct fly_ward *ward, struct utc at, const char *id, const json_t *message)
{
	struct buf mark = {0};
	uint64_t hash =
		str_hash(STR_HASH_INIT, json_string_value(message), json_string_length(message));

	if (at.ms > ward->log_last_at.ms || !ward->log_marks.length) {
		ward->log_last_at = at;
		buf_clear(&ward->log_marks);
	}
	buf_format(&mark, "\n%s %016llx\n", id ? id : "", (unsigned long long)hash);
	bool is_it = at.ms == ward->log_last_at.ms && ward->log_marks.length &&
		     strstr(buf_string(&ward->log_marks), buf_string(&mark));
	/* Without ids two equal lines of one instant are one. */
	if (!is_it && at.ms == ward->log_last_at.ms)
		buf_text(&ward->log_marks, buf_string(&mark));
	buf_finish(&mark);
	return is_it;
}

/* Fly's last words of a Machine: nothing comes after them. */
static bool is_last_word(const char *text)
{
	return strstr(text, "ain child exited") || strstr(text, "achine exited");
}

static bool take_line(struct fly_ward *ward, const json_t *entry)
{
	const json_t *attributes = json_object_get(entry, "attributes");
	const char *id = json_string_value(json_object_get(entry, "id"));
	const char *time = json_string_value(json_object_get(attributes, "timestamp"));
	const json_t *message = json_object_get(attributes, "message");
	const char *instance = json_string_value(json_object_get(attributes, "instance"));
	struct utc at;

	if (!json_is_string(message) || (instance && strcmp(instance, ward->machine) != 0))
		return false;
	if (!time || !utc_parse(time, strlen(time), &at))
		at = ward->started_at;
	if (is_known(ward, at, id, message))
		return false;
	const char *text = json_string_value(message);
	size_t length = json_string_length(message);
	const char *command = strstr(text, "Preparing to run: ");

	ward->has_last_word |= is_last_word(text);
	/* Fly's init tells the command, with values of the environment in it. */
	if (command)
		length = (size_t)(command - text) + strlen("Preparing to run");
	output(ward, is_of_app(attributes) ? STREAM_STDOUT : STREAM_BELFRY, at, text, length);
	return true;
}

/* The place where the next page begins. True: it is another one. */
static bool take_token(struct fly_ward *ward, const json_t *token)
{
	char number[24];
	const char *text = json_string_value(token);

	if (json_is_integer(token)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(token));
		text = number;
	}
	if (str_empty(text) || (ward->log_token && strcmp(text, ward->log_token) == 0))
		return false;
	free(ward->log_token);
	ward->log_token = mem_copy_text(text);
	return true;
}

struct page {
	bool is_readable, goes_on; /* goes_on: the next page is another one */
	size_t lines;              /* new ones of the Machine */
};

static struct page take_page(struct fly_ward *ward, const struct http_answer *answer)
{
	json_t *json = json_loadb(answer->body, answer->length, JSON_ALLOW_NUL, NULL);
	const json_t *data = json_object_get(json, "data");
	struct page page = {.is_readable = json_is_array(data)};

	for (size_t i = 0; i < json_array_size(data); i++)
		page.lines += take_line(ward, json_array_get(data, i));
	page.goes_on =
		take_token(ward, json_object_get(json_object_get(json, "meta"), "next_token"));
	json_decref(json);
	return page;
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

/* It runs. */
static void go_on(struct fly_ward *ward, const struct page *page, const struct http_answer *answer)
{
	if (!page->is_readable && ++ward->log_failures == FAILURES_MOST)
		tell_missing(ward, answer);
	if (page->is_readable)
		ward->log_failures = 0;
	if (ward->log_failures >= FAILURES_MOST)
		later(ward, PAUSED_MS);
	else
		later(ward, page->goes_on && page->lines >= PAGE_LINES ? 0 : LIVE_MS);
}

/* It has ended. */
static void come_to_an_end(struct fly_ward *ward, const struct page *page,
			   const struct http_answer *answer)
{
	int64_t waited = fly_now_ms() - ward->since_ms;

	if (!page->is_readable && ++ward->log_failures >= FAILURES_MOST) {
		tell_missing(ward, answer);
		fly_log_over(ward);
		return;
	}
	bool is_quiet = page->is_readable && page->lines == 0;
	ward->log_quiet = is_quiet ? ward->log_quiet + 1 : 0;
	bool may_end = ward->has_last_word || waited >= SETTLE_MS;
	if ((may_end && ward->log_quiet >= QUIET_LOOKS) || waited >= LAST_MOST_MS)
		fly_log_over(ward);
	else
		later(ward, page->goes_on && page->lines ? 0 : LAST_MS);
}

static void on_page(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct page page = {0};

	ward->log_call = NULL;
	if (answer->status == 200)
		page = take_page(ward, answer);
	if (ward->step == FLY_STEP_LOG)
		come_to_an_end(ward, &page, answer);
	else
		go_on(ward, &page, answer);
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

/* From its start on: without a token only the latest hundred lines are told. */
static void set_start(struct fly_ward *ward)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld",
		 (long long)(ward->started_at.ms - EARLIER_MS) * 1000000);
	free(ward->log_token);
	ward->log_token = mem_copy_text(text);
}

void fly_log_begin(struct fly_ward *ward)
{
	set_start(ward);
	later(ward, LIVE_MS);
}

void fly_log_finish(struct fly_ward *ward)
{
	if (!ward->log_token)
		set_start(ward);
	ward->log_quiet = ward->log_failures = 0;
	if (!ward->log_call)
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
