/*
 * verify.c - `belfry verify`: whether an app is up, asked until it is or the time is over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "progress.h"
#include "say.h"
#include "str.h"
#include "terminal.h"
#include "verbs.h"
#include "verify_verdict.h"
#include "when.h"

/* A try waits so long for its answer at most, and the longest pause between two. */
enum { TRY_MS = 10000, PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 2000, LAST_TRY_MS = 200 };
enum { BODY_MAX = 1 << 20 }; /* a text is looked for in so much of an answer */

struct watch {
	struct verify_wanted wanted;
	const char *address; /* what is asked, its target apart */
	const char *target;
	const char *cacert;
	int64_t within_ms;  /* 0: one try */
	int64_t started_ms; /* of a clock that only goes forward */
	struct verify_seen seen;
	struct http_reply reply; /* that `seen` borrows from */
	struct buf body;         /* of the try that is under way */
	bool has_text;
	struct progress progress;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t elapsed_ms(const struct watch *watch)
{
	return now_ms() - watch->started_ms;
}

/* ---- who waits at a terminal ---- */

static void show_progress(void *context)
{
	struct watch *watch = context;
	struct buf text = {0};

	buf_format(&text, "%s ", watch->wanted.url);
	if (watch->seen.tries)
		verify_short(&watch->wanted, &watch->seen, &text);
	else
		buf_text(&text, "is asked");
	buf_text(&text, "; ");
	when_took(&text, elapsed_ms(watch));
	if (watch->within_ms) {
		buf_text(&text, " of ");
		when_took(&text, watch->within_ms);
	}
	progress_show(&watch->progress, buf_string(&text));
	buf_finish(&text);
}

/* ---- one try ---- */

/* The status says all, unless a text is looked for. */
static bool on_body(void *context, const char *data, size_t length)
{
	struct watch *watch = context;
	const char *text = watch->wanted.text;

	if (!text)
		return false;
	size_t from = watch->body.length > strlen(text) ? watch->body.length - strlen(text) : 0;
	buf_add(&watch->body, data, length);
	watch->has_text = memmem(watch->body.data + from, watch->body.length - from, text,
				 strlen(text)) != NULL;
	return !watch->has_text && watch->body.length < BODY_MAX;
}

/* A try that was cut short by the end of all says less than the one before it. */
static bool is_cut_short(const struct watch *watch, const struct http_reply *reply,
			 int64_t timeout_ms)
{
	bool is_late = reply->failure == HTTP_NO_ANSWER || reply->failure == HTTP_NO_CONNECTION ||
		       reply->failure == HTTP_NO_NAME;

	return is_late && watch->seen.tries > 0 && timeout_ms < TRY_MS;
}

static void try_once(struct watch *watch, int64_t timeout_ms)
{
	struct http_call call = {.server = watch->address,
				 .target = watch->target,
				 .cacert = watch->cacert,
				 .method = "GET",
				 .timeout_ms = timeout_ms,
				 .data = on_body,
				 .takes_any = true,
				 .tick = show_progress,
				 .context = watch};
	struct http_reply reply;
	struct err err; /* the reply says more */

	buf_clear(&watch->body);
	watch->has_text = false;
	http_client_send(&call, &reply, &err);
	if (is_cut_short(watch, &reply, timeout_ms)) {
		http_reply_finish(&reply);
	} else {
		http_reply_finish(&watch->reply);
		watch->reply = reply;
		watch->seen.failure = reply.failure;
		watch->seen.status = reply.status;
		watch->seen.location = buf_string(&watch->reply.location);
		watch->seen.why = watch->reply.why;
		watch->seen.has_text = watch->has_text;
	}
	watch->seen.tries++;
	watch->seen.elapsed_ms = elapsed_ms(watch);
}

/* ---- until it is up ---- */

static void wait_ms(int64_t ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, &pause) != 0)
		continue;
}

static int64_t least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void ask(struct watch *watch)
{
	int64_t pause_ms = PAUSE_FIRST_MS, left_ms = watch->within_ms;

	watch->started_ms = now_ms();
	try_once(watch, left_ms ? least_of(left_ms, TRY_MS) : TRY_MS);
	while (verify_judge(&watch->wanted, &watch->seen) != VERIFY_UP &&
	       watch->seen.failure != HTTP_BAD_ADDRESS) {
		left_ms = watch->within_ms - elapsed_ms(watch);
		if (left_ms < LAST_TRY_MS)
			break;
		show_progress(watch);
		wait_ms(least_of(pause_ms, left_ms / 2));
		pause_ms = least_of(pause_ms * 2, PAUSE_MAX_MS);
		left_ms = watch->within_ms - elapsed_ms(watch);
		if (left_ms <= 0)
			break;
		try_once(watch, least_of(left_ms, TRY_MS));
	}
	progress_hide(&watch->progress);
}

/* ---- what is told ---- */

/* For belfry, where a job of its own asks: the run's message (belfry-schedules(5)). */
static void add_result(const struct buf *line, struct buf *out)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "event", "result");
	buf_json_text(out, "message", buf_string(line));
	buf_json_close(out, '}');
	buf_char(out, '\n');
}

static int tell(const struct args *args, const struct watch *watch)
{
	bool is_up = verify_judge(&watch->wanted, &watch->seen) == VERIFY_UP;
	struct buf out = {0}, line = {0};
	int code;

	verify_line(&watch->wanted, &watch->seen, &line);
	if (args_has(args, "json")) {
		buf_json_open(&out, NULL, '{');
		verify_json_members(&watch->wanted, &watch->seen, &out);
		buf_json_close(&out, '}');
	} else {
		terminal_add(&out, OUTPUT_STDOUT, is_up ? STYLE_GOOD : STYLE_BAD,
			     buf_string(&line));
	}
	buf_char(&out, '\n');
	if (args_has(args, "result"))
		add_result(&line, &out);
	buf_finish(&line);
	code = args_has(args, "json") ? say_print(args, &out) : say_text(args, &out);
	return is_up ? code : CLI_FAILED;
}

/* ---- the verb ---- */

/* The address without its name and password, which are nobody's business. */
static void add_told(const char *url, struct buf *out)
{
	const char *host = strstr(url, "://") + 3;
	const char *user = memrchr(host, '@', strcspn(host, "/?#"));

	buf_add(out, url, (size_t)(host - url));
	host = user ? user + 1 : host;
	buf_add(out, host, strcspn(host, "#"));
}

static bool is_address(const char *url)
{
	const char *host = strstr(url, "://");
	bool is_http = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;

	return is_http && host[3] && !strchr("/?#", host[3]);
}

static bool read_options(const struct args *args, struct watch *watch, struct err *err)
{
	const char *url = args_operand(args, 0), *name = args_value(args, "as");
	const char *status = args_value(args, "expect-status");

	watch->wanted.hides_url = name != NULL;
	watch->wanted.text = args_value(args, "expect-text");
	watch->cacert = args_value(args, "cacert");
	if (!verify_status_parse(status ? status : "200", &watch->wanted.least,
				 &watch->wanted.most))
		return err_set(err,
			       "--expect-status takes a status such as 204, or a class such as "
			       "2xx, not '%s'",
			       status);
	if (!is_address(url) && name)
		return err_set(err, "%s is no address with http:// or https://", name);
	if (!is_address(url))
		return strstr(url, "://")
			       ? err_set(err, "'%s' is no address with http:// or https://", url)
			       : err_set(err,
					 "'%s' is no address with http:// or https://; is it "
					 "http://%s?",
					 url, url);
	return args_duration(args, "within", 0, &watch->within_ms, err);
}

static int run(const struct args *args)
{
	struct watch watch = {0};
	struct buf told = {0}, address = {0}, target = {0};
	struct err err;
	int code;

	if (!read_options(args, &watch, &err))
		return say_usage(args, &err);
	const char *url = args_operand(args, 0), *host = strstr(url, "://") + 3;
	const char *path = host + strcspn(host, "/?#");

	add_told(url, &told);
	buf_add(&address, url, (size_t)(path - url));
	buf_add(&target, path, strcspn(path, "#"));
	watch.wanted.url = watch.wanted.hides_url ? args_value(args, "as") : buf_string(&told);
	watch.address = buf_string(&address);
	watch.target = buf_string(&target);
	progress_init(&watch.progress);
	ask(&watch);
	if (watch.seen.failure == HTTP_BAD_ADDRESS) {
		err_set(&err, "%s is no address that could be asked", watch.wanted.url);
		code = say_usage(args, &err);
	} else {
		code = tell(args, &watch);
	}
	http_reply_finish(&watch.reply);
	buf_finish(&watch.body);
	buf_finish(&told);
	buf_finish(&address);
	buf_finish(&target);
	return code;
}

static const struct option_row options[] = {
	{.name = "expect-status",
	 .value = "STATUS",
	 .summary = "the status that is right (200), or a class such as 2xx"},
	{.name = "expect-text", .value = "TEXT", .summary = "what the answer has to contain"},
	{.name = "within",
	 .value = "DURATION",
	 .summary = "asks again and again until it is up, for so long; else once"},
	{.name = "cacert",
	 .value = "FILE",
	 .summary = "PEM file of who vouches for its certificate",
	 .complete = COMPLETE_FILE},
	{.name = "as",
	 .value = "NAME",
	 .summary = "what is told instead of the URL, where that holds a secret"},
	{.name = "result",
	 .summary = "prints the result line of a job, too, so that its run tells it"},
	{0},
};

const struct command command_verify = {
	.name = "verify",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.summary = "whether an app is up, with what to do if not; for CI and as a job",
	.description =
		"Asks the URL (GET, http or https) and says in one line whether the app is up:\n"
		"whether it answers with the status, and the text, that are expected. If not,\n"
		"the line says what is wrong and what to do. With --within it is asked until it\n"
		"is up or the time is over, with pauses that grow to 2 s. A try waits at most\n"
		"10 s for its answer. Redirects are told, not followed.\n"
		"\n"
		"Exit code 0 if it is up, 1 if not. No server of belfry's is asked; with\n"
		"\"verify\" in schedules.json belfry does the same on a schedule.",
	.examples = "  belfry verify https://app.example.org/health\n"
		    "  belfry verify http://127.0.0.1:3000 --expect-status 2xx --within 60s\n"
		    "  belfry verify https://app.example.org --expect-text 'Sign in' --json",
	.options = options,
	.run = run,
};
