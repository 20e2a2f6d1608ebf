/* seen.c - lateness, downtime, and belfry as a whole; see seen.h. */
#include "seen.h"

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "downtime.h"
#include "say.h"
#include "str.h"
#include "terminal.h"
#include "when.h"

static void add_ms(struct buf *out, const char *before, const json_t *lateness, const char *key)
{
	char text[DURATION_TEXT_MAX];

	buf_format(out, "%s%s", before, str_duration_format(client_int(lateness, key, 0), text));
}

void seen_lateness(struct buf *out, const json_t *lateness)
{
	int64_t runs = client_int(lateness, "runs", 0);

	if (runs == 0)
		return;
	add_ms(out, "p50 ", lateness, "p50_ms");
	add_ms(out, ", p99 ", lateness, "p99_ms");
	add_ms(out, ", most ", lateness, "max_ms");
	if (runs == 1)
		buf_text(out, ", of the latest scheduled run");
	else
		buf_format(out, ", of the latest %lld scheduled runs", (long long)runs);
}

void seen_downtime(struct buf *out, const json_t *json)
{
	const json_t *exact = json_object_get(json, "is_exact");
	struct downtime downtime = {
		.since = client_time(json, "since"),
		.until = client_time(json, "until"),
		.is_exact = !json_is_false(exact),
		.counts = {.caught_up = client_int(json, "caught_up", 0),
			   .skipped = client_int(json, "skipped", 0),
			   .missed = client_int(json, "missed", 0),
			   .too_old = client_int(json, "too_old", 0),
			   .superseded = client_int(json, "superseded", 0),
			   .not_wanted = client_int(json, "not_wanted", 0),
			   .window_ms = client_int(json, "window_ms", -1)},
	};

	if (utc_is_set(downtime.since) && utc_is_set(downtime.until) &&
	    absence_from_word(client_text(json, "kind"), &downtime.kind))
		downtime_describe(out, &downtime);
}

/* ---- belfry as a whole ---- */

/* Adds the line and empties the text. */
static void add_line(struct buf *out, const char *name, struct buf *text)
{
	char label[32];

	snprintf(label, sizeof(label), "%-14s", name);
	terminal_add(out, OUTPUT_STDOUT, STYLE_DIM, label);
	buf_format(out, "%s\n", text->length ? buf_string(text) : "-");
	buf_clear(text);
}

static void add_up(struct buf *text, const json_t *status)
{
	struct utc at = client_time(status, "started_at");

	if (!utc_is_set(at))
		return;
	buf_format(text, "%s  (", client_text(status, "started_at"));
	when_relative(text, at, when_now());
	buf_char(text, ')');
}

/* The state, and what is wrong where something is. */
static void add_health(struct buf *text, const json_t *health)
{
	static const char *const parts[] = {"store", "config", "zones"};

	buf_text(text, client_text(health, "status"));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *message = client_text(json_object_get(health, parts[i]), "message");

		if (*message)
			buf_format(text, "; %s: %s", parts[i], message);
	}
}

static int print(const struct args *args, const json_t *status)
{
	const json_t *health = json_object_get(status, "health");
	struct buf out = {0}, text = {0};

	buf_format(&text, "belfry %s", client_text(health, "version"));
	terminal_add(&out, OUTPUT_STDOUT, STYLE_BOLD, buf_string(&text));
	buf_char(&out, '\n');
	buf_clear(&text);
	add_up(&text, status);
	add_line(&out, "up since", &text);
	add_health(&text, health);
	add_line(&out, "health", &text);
	buf_format(&text, "%lld", (long long)client_int(health, "revision", 0));
	add_line(&out, "revision", &text);
	buf_format(&text, "%lld", (long long)client_int(health, "jobs", 0));
	add_line(&out, "jobs", &text);
	buf_format(&text, "%lld running, %lld waiting", (long long)client_int(health, "running", 0),
		   (long long)client_int(health, "waiting", 0));
	add_line(&out, "runs", &text);
	seen_lateness(&text, json_object_get(status, "lateness"));
	add_line(&out, "lateness", &text);
	seen_downtime(&text, json_object_get(status, "downtime"));
	if (text.length == 0)
		buf_text(&text, "none in the last 7 days");
	add_line(&out, "last downtime", &text);
	buf_finish(&text);
	return say_text(args, &out);
}

int seen_status(const struct args *args)
{
	struct err err;
	json_t *status = client_get(args, "/api/v1/status", &err);
	int code;

	if (!status)
		return say_failed(args, &err);
	bool is_failing =
		strcmp(client_text(json_object_get(status, "health"), "status"), "failing") == 0;
	code = args_has(args, "json") ? say_json(args, json_incref(status)) : print(args, status);
	json_decref(status);
	return is_failing ? CLI_FAILED : code;
}
