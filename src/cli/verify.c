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
#include "verify_fly.h"
#include "verify_verdict.h"
#include "when.h"

/* A try waits so long for its answer at most, and the longest pause between two. */
enum { TRY_MS = 10000, PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 2000, LAST_TRY_MS = 200 };
enum { PAUSE_FLY_MS = 1000 }; /* the first one where Fly is asked, which limits that */
enum { BODY_MAX = 1 << 20 };  /* a text is looked for in so much of an answer */

struct watch {
	struct verify_wanted wanted;
	struct verify_fly fly;
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

/* What is not asked is not in the way. */
static bool is_url_up(const struct watch *watch)
{
	return !watch->wanted.url || verify_judge(&watch->wanted, &watch->seen) == VERIFY_UP;
}

static bool is_fly_up(const struct watch *watch)
{
	return !watch->fly.name || verify_fly_is_up(&watch->fly);
}

/* ---- who waits at a terminal ---- */

static void show_progress(void *context)
{
	struct watch *watch = context;
	struct buf text = {0};

	buf_format(&text, "%s ", watch->wanted.url ? watch->wanted.url : watch->fly.name);
	if (!watch->seen.tries)
		buf_text(&text, "is asked");
	else if (is_url_up(watch))
		buf_text(&text, "is not up on Fly");
	else
		verify_short(&watch->wanted, &watch->seen, &text);
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

static void try_url(struct watch *watch, int64_t timeout_ms)
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
}

/* The URL first: a request may be what starts the app. */
static void try_once(struct watch *watch, int64_t timeout_ms)
{
	int64_t before_ms = elapsed_ms(watch), left_ms = timeout_ms;

	if (watch->wanted.url)
		try_url(watch, timeout_ms);
	left_ms -= elapsed_ms(watch) - before_ms;
	if (watch->fly.name)
		verify_fly_ask(&watch->fly, left_ms > LAST_TRY_MS ? left_ms : LAST_TRY_MS,
			       watch->seen.tries > 0 && timeout_ms < TRY_MS);
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

/* Nothing comes of asking again. */
static bool is_over(const struct watch *watch)
{
	return (is_url_up(watch) && is_fly_up(watch)) ||
	       (watch->wanted.url && watch->seen.failure == HTTP_BAD_ADDRESS) ||
	       (watch->fly.name && verify_fly_is_final(&watch->fly));
}

static void ask(struct watch *watch)
{
	int64_t pause_ms = watch->fly.name ? PAUSE_FLY_MS : PAUSE_FIRST_MS;
	int64_t left_ms = watch->within_ms;

	watch->started_ms = now_ms();
	try_once(watch, left_ms ? least_of(left_ms, TRY_MS) : TRY_MS);
	while (!is_over(watch)) {
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

/* Fly's word goes before the URL's where both are wrong, as it is nearer to the cause;
 * not where Fly itself could not be asked. */
static bool fly_tells(const struct watch *watch)
{
	return watch->fly.name && !is_fly_up(watch) &&
	       (is_url_up(watch) || watch->fly.reach == VERIFY_FLY_TOLD);
}

static void add_line(const struct watch *watch, struct buf *line)
{
	bool is_up = is_url_up(watch) && is_fly_up(watch);

	buf_text(line, is_up ? "up: " : "not up: ");
	if (watch->wanted.url && !fly_tells(watch))
		verify_line(&watch->wanted, &watch->seen, line);
	if (is_up && watch->wanted.url && watch->fly.name)
		buf_text(line, ", and ");
	if (watch->fly.name && (is_up || fly_tells(watch)))
		verify_fly_line(&watch->fly, line);
	verify_effort(&watch->seen, line);
}

static const char *verdict_of(const struct watch *watch)
{
	if (fly_tells(watch) || !watch->wanted.url)
		return verify_fly_word(&watch->fly);
	return verify_verdict_word(verify_judge(&watch->wanted, &watch->seen));
}

static void add_object(const struct watch *watch, const struct buf *line, struct buf *out)
{
	buf_json_open(out, NULL, '{');
	verify_json_members(&watch->wanted, &watch->seen,
			    &(struct verify_told){.is_up = is_url_up(watch) && is_fly_up(watch),
						  .verdict = verdict_of(watch),
						  .line = buf_string(line)},
			    out);
	if (watch->fly.name)
		verify_fly_json(&watch->fly, out);
	buf_json_close(out, '}');
}

static int tell(const struct args *args, const struct watch *watch)
{
	bool is_up = is_url_up(watch) && is_fly_up(watch);
	struct buf out = {0}, line = {0};
	int code;

	add_line(watch, &line);
	if (args_has(args, "json")) {
		add_object(watch, &line, &out);
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

static bool check_url(const char *url, const char *name, struct err *err)
{
	if (is_address(url))
		return true;
	if (name)
		return err_set(err, "%s is no address with http:// or https://", name);
	if (strstr(url, "://"))
		return err_set(err, "'%s' is no address with http:// or https://", url);
	return err_set(err, "'%s' is no address with http:// or https://; is it http://%s?", url,
		       url);
}

/* What is said of an answer wants a URL. */
static bool check_without_url(const struct args *args, struct err *err)
{
	static const char *const names[] = {"expect-status", "expect-text", "cacert", "as"};

	if (!args_has(args, "fly"))
		return err_set(err, "needs a URL: belfry verify URL, or --fly APP, or both");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (args_has(args, names[i]))
			return err_set(err, "--%s wants a URL, too: belfry verify --fly APP URL",
				       names[i]);
	return true;
}

static bool check_app(const char *app, struct err *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

	if (!app || (*app && strspn(app, letters) == strlen(app)))
		return true;
	return err_set(err, "--fly takes the name of an app on Fly, not '%s'", app);
}

static bool read_options(const struct args *args, struct watch *watch, struct err *err)
{
	const char *url = args_operand(args, 0), *name = args_value(args, "as");
	const char *status = args_value(args, "expect-status");

	watch->wanted.hides_url = name != NULL;
	watch->wanted.text = args_value(args, "expect-text");
	watch->cacert = args_value(args, "cacert");
	watch->fly.name = args_value(args, "fly");
	if (!verify_status_parse(status ? status : "200", &watch->wanted.least,
				 &watch->wanted.most))
		return err_set(err,
			       "--expect-status takes a status such as 204, or a class such as "
			       "2xx, not '%s'",
			       status);
	if (!(url ? check_url(url, name, err) : check_without_url(args, err)) ||
	    !check_app(watch->fly.name, err))
		return false;
	return args_duration(args, "within", 0, &watch->within_ms, err);
}

/* The URL in its parts, of which `watch` borrows. */
struct parts {
	struct buf told, address, target;
};

static void take_apart(const char *url, const char *name, struct parts *parts, struct watch *watch)
{
	const char *host = strstr(url, "://") + 3;
	const char *path = host + strcspn(host, "/?#");

	add_told(url, &parts->told);
	buf_add(&parts->address, url, (size_t)(path - url));
	buf_add(&parts->target, path, strcspn(path, "#"));
	watch->wanted.url = watch->wanted.hides_url ? name : buf_string(&parts->told);
	watch->address = buf_string(&parts->address);
	watch->target = buf_string(&parts->target);
}

static int ask_and_tell(const struct args *args, struct watch *watch)
{
	struct err err;

	if (watch->fly.name && !fly_place_read(&watch->fly.place, &err))
		return say_failed(args, &err);
	progress_init(&watch->progress);
	ask(watch);
	if (watch->wanted.url && watch->seen.failure == HTTP_BAD_ADDRESS) {
		err_set(&err, "%s is no address that could be asked", watch->wanted.url);
		return say_usage(args, &err);
	}
	return tell(args, watch);
}

static int run(const struct args *args)
{
	struct watch watch = {0};
	struct parts parts = {0};
	struct err err;
	int code;

	if (!read_options(args, &watch, &err))
		return say_usage(args, &err);
	if (args_operand(args, 0))
		take_apart(args_operand(args, 0), args_value(args, "as"), &parts, &watch);
	code = ask_and_tell(args, &watch);
	http_reply_finish(&watch.reply);
	verify_fly_finish(&watch.fly);
	buf_finish(&watch.body);
	buf_finish(&parts.told);
	buf_finish(&parts.address);
	buf_finish(&parts.target);
	return code;
}

static const struct option_row options[] = {
	{.name = "fly",
	 .value = "APP",
	 .summary = "asks Fly for the app's Machines, too, or instead of a URL"},
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
	.operands = "[URL]",
	.operands_min = 0,
	.operands_max = 1,
	.summary = "whether an app is up, with what to do if not; for CI and as a job",
	.description =
		"Asks the URL (GET, http or https) and says in one line whether the app is up:\n"
		"whether it answers with the status, and the text, that are expected. If not,\n"
		"the line says what is wrong and what to do. With --within it is asked until it\n"
		"is up or the time is over, with pauses that grow to 2 s. A try waits at most\n"
		"10 s for its answer. Redirects are told, not followed.\n"
		"\n"
		"With --fly, Fly is asked for the app's Machines: whether they are started, end\n"
		"again and again, listen where their services say and pass their checks. With a\n"
		"URL as well, both have to be up. The token is FLY_API_TOKEN.\n"
		"\n"
		"Exit code 0 if it is up, 1 if not. No server of belfry's is asked; with\n"
		"\"verify\" in schedules.json belfry does the same on a schedule.",
	.examples = "  belfry verify https://app.example.org/health\n"
		    "  belfry verify http://127.0.0.1:3000 --expect-status 2xx --within 60s\n"
		    "  belfry verify https://app.example.org --expect-text 'Sign in' --json\n"
		    "  belfry verify --fly shop https://shop.fly.dev/health --within 2m",
	.options = options,
	.run = run,
};
