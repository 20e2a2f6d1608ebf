/*
 * follow.c - the output of a run, as it comes, and its end; see follow.h.
 *
 * The job's own output goes to standard output byte by byte, belfry's notes in the
 * log go to standard error. Bytes exactly as written come as text, but there the
 * streams cannot be told apart; so text is taken where it has no notes, and JSON
 * Lines (which replace what is no UTF-8) where it has, or may still get some.
 *
 * A server that goes away is waited for: it may be a restart, and the run goes on. A
 * log only grows, so the next server's answer is passed over as far as it was had.
 */
#include "follow.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "client.h"
#include "http_target.h"
#include "say.h"
#include "show.h"
#include "terminal.h"

/* Of an end that the log told before the runs do. */
enum { POLL_MS = 100, LINE_MAX = 4 << 20, HELD_MORE = 1 << 20 };
/* A server that went away may take so long to come back. */
enum { AGAIN_MS = 250, PATIENCE_MS = 60 * 1000 };

struct log_reader {
	struct buf line; /* of JSON, not whole yet */
	int failure;     /* errno of a write that failed */
	bool is_silent;
	bool has_data;
	struct buf held;          /* with tail: the last lines of what is there already */
	size_t hold_more_at;      /* held may grow so long until it is cut */
	int64_t tail;             /* 0: nothing is held */
	http_data_fn *take;       /* what is done with the bytes */
	size_t received, arrived; /* in all; of this answer */
};

/* ---- the last lines ---- */

/* Where the last `lines` lines begin. */
static size_t tail_of(const struct buf *text, int64_t lines)
{
	size_t at = text->length;

	if (at > 0 && text->data[at - 1] == '\n')
		at--;
	while (at > 0 && (text->data[at - 1] != '\n' || --lines > 0))
		at--;
	return at;
}

static void hold(struct log_reader *reader, const char *data, size_t length)
{
	buf_add(&reader->held, data, length);
	if (reader->held.length <= reader->hold_more_at)
		return;
	buf_drop_front(&reader->held, tail_of(&reader->held, reader->tail));
	reader->hold_more_at = reader->held.length + HELD_MORE;
}

/* Output of the job: shown, or held. */
static bool put(struct log_reader *reader, const char *data, size_t length)
{
	if (!reader->tail)
		return terminal_write(OUTPUT_STDOUT, data, length);
	hold(reader, data, length);
	return true;
}

static void show_held(struct log_reader *reader)
{
	size_t from = tail_of(&reader->held, reader->tail);

	reader->tail = 0;
	if (!terminal_write(OUTPUT_STDOUT, buf_string(&reader->held) + from,
			    reader->held.length - from))
		reader->failure = errno;
	buf_finish(&reader->held);
}

/* ---- as they come ---- */

static bool pass_on(void *context, const char *data, size_t length)
{
	struct log_reader *reader = context;

	reader->has_data = true;
	if (!reader->is_silent && !put(reader, data, length))
		reader->failure = errno;
	return reader->failure == 0;
}

/* A note is a line of its own wherever the cursor is. */
static bool write_note(const char *text)
{
	struct buf line = {0}, out = {0};

	buf_add(&line, text, strcspn(text, "\n"));
	buf_text(&out, "belfry: ");
	terminal_add(&out, OUTPUT_STDERR, STYLE_DIM, buf_string(&line));
	buf_char(&out, '\n');
	bool ok = terminal_write(OUTPUT_STDERR, out.data, out.length);
	buf_finish(&line);
	buf_finish(&out);
	return ok;
}

static void show_line(struct log_reader *reader, const char *line, size_t length)
{
	json_t *json = json_loadb(line, length, JSON_ALLOW_NUL, NULL);
	const json_t *value = json_object_get(json, "text");
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);
	bool ok = true;

	if (text && strcmp(client_text(json, "stream"), "belfry") == 0)
		ok = reader->tail || write_note(text);
	else if (text)
		ok = put(reader, text, size);
	if (!ok)
		reader->failure = errno;
	json_decref(json);
}

static bool take_apart(void *context, const char *data, size_t length)
{
	struct log_reader *reader = context;
	const char *end;

	buf_add(&reader->line, data, length);
	while (reader->failure == 0 && reader->line.length > 0 &&
	       (end = memchr(reader->line.data, '\n', reader->line.length))) {
		size_t size = (size_t)(end - reader->line.data);

		if (!reader->is_silent)
			show_line(reader, reader->line.data, size);
		buf_drop_front(&reader->line, size + 1);
	}
	return reader->failure == 0 && reader->line.length < LINE_MAX;
}

static void make_target(struct buf *target, const struct log_wish *wish, const char *stream,
			bool is_jsonl)
{
	buf_clear(target);
	buf_text(target, "/api/v1/runs/");
	http_escape(target, wish->run);
	buf_text(target, "/log");
	client_query(target, "format", is_jsonl ? "jsonl" : "text");
	client_query(target, "stream", stream);
	client_query(target, "follow", wish->is_following ? "true" : NULL);
}

/* Whether the log of a run that is not followed has notes of belfry in it. */
static bool has_notes(const struct args *args, const struct log_wish *wish, bool *has,
		      struct err *err)
{
	struct log_reader reader = {.is_silent = true};
	struct buf target = {0};
	int status;

	make_target(&target, wish, "belfry", false);
	bool ok = client_stream(args, buf_string(&target), pass_on, &reader, &status, err);
	buf_finish(&target);
	*has = reader.has_data;
	return ok;
}

static bool take_new(void *context, const char *data, size_t length)
{
	struct log_reader *reader = context;
	size_t old = reader->received - reader->arrived;

	if (old > length)
		old = length;
	reader->arrived += length;
	reader->received += length - old;
	return old == length || reader->take(reader, data + old, length - old);
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* Streams the log; where it is followed, over as many servers as it takes. */
static bool stream_log(const struct args *args, const char *target, bool is_following,
		       struct log_reader *reader, struct err *err)
{
	struct err lost;
	int status, waited = 0;

	while (!client_stream(args, target, take_new, reader, &status, err)) {
		bool is_cut = status >= 200 && status <= 299;

		if (!is_following || (!is_cut && (status || !waited)))
			return false;
		if (is_cut) {
			lost = *err;
			waited = 0;
			write_note("the server went away; waiting for it to come back");
		}
		if ((waited += AGAIN_MS) > PATIENCE_MS) {
			*err = lost;
			return false;
		}
		pause_ms(AGAIN_MS);
		reader->arrived = 0;
	}
	return true;
}

/* The last lines of what is there; what is streamed after them begins behind it. */
static bool stream_tail(const struct args *args, const struct log_wish *wish, bool is_jsonl,
			struct log_reader *reader, struct err *err)
{
	struct log_wish there = *wish;
	struct buf target = {0};

	there.is_following = false;
	reader->tail = wish->tail;
	make_target(&target, &there, wish->stream, is_jsonl);
	bool ok = stream_log(args, buf_string(&target), false, reader, err);
	buf_finish(&target);
	show_held(reader);
	reader->arrived = 0;
	return ok;
}

bool follow_log(const struct args *args, const struct log_wish *wish, struct err *err)
{
	struct log_reader reader = {.is_silent = wish->is_silent};
	bool is_apart = !wish->is_json && !wish->stream;
	struct buf target = {0};

	if (is_apart && !wish->is_following && !has_notes(args, wish, &is_apart, err))
		return false;
	bool is_jsonl = wish->is_json || is_apart, ok = true;
	make_target(&target, wish, wish->stream, is_jsonl);
	reader.take = is_apart ? take_apart : pass_on;
	if (wish->tail > 0)
		ok = stream_tail(args, wish, is_jsonl, &reader, err);
	if (ok && reader.failure == 0 && (wish->tail == 0 || wish->is_following))
		ok = stream_log(args, buf_string(&target), wish->is_following, &reader, err);
	buf_finish(&target);
	buf_finish(&reader.line);
	if (ok && reader.failure == EPIPE)
		return true; /* nobody reads any more */
	if (ok && reader.failure)
		return err_errno(err, reader.failure, "cannot write to standard output");
	return ok;
}

/* ---- to the end ---- */

json_t *follow_to_end(const struct args *args, const char *run, struct err *err)
{
	struct buf target = {0};
	json_t *now;

	buf_text(&target, "/api/v1/runs/");
	http_escape(&target, run);
	while ((now = client_get(args, buf_string(&target), err)) &&
	       strcmp(client_text(now, "state"), "finished") != 0) {
		json_decref(now);
		pause_ms(POLL_MS);
	}
	buf_finish(&target);
	return now;
}

json_t *follow_run(const struct args *args, const json_t *run, struct err *err)
{
	struct log_wish wish = {.run = client_text(run, "id"),
				.is_following = true,
				.is_silent = args_has(args, "json")};

	return follow_log(args, &wish, err) ? follow_to_end(args, wish.run, err) : NULL;
}

int follow_exit_code(const json_t *run)
{
	const char *outcome = client_text(run, "outcome");

	return strcmp(outcome, "succeeded") == 0 || strcmp(outcome, "partial") == 0 ? CLI_OK
										    : CLI_FAILED;
}

void follow_say_end(const json_t *run)
{
	struct buf why = {0};

	show_why(&why, run);
	show_say_verdict(&(struct verdict_text){show_outcome(run), buf_string(&why),
						client_int(run, "duration_ms", -1)});
	buf_finish(&why);
}
