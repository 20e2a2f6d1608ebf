/* fly_calls.c - requests to Fly; see fly_calls.h. */
#include "fly_calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "buf.h"
#include "http_address.h"
#include "mem.h"
#include "str.h"

enum {
	BURST = 3,
	SPACING_MS = 1150,  /* of the same kind, once the burst is used up: a second, and some for
			       what the way to Fly takes now and then */
	TIMEOUT_MS = 30000, /* of one try */
	PAUSE_MS = 500,     /* before the second try; doubles */
	PAUSE_MOST_MS = 10000,
	RETRY_AFTER_MOST_MS = 300000,
	TRIES = 6,
	EAGER_TRIES = 2,
	TOKEN_MAX = 64 << 10,
};

/* ---- where Fly is ---- */

static bool is_macaroon(const char *token)
{
	static const char *const prefixes[] = {"fm1r_", "fm1a_", "fm2_"};

	for (const char *at = token; at; at = strchr(at, ',')) {
		at += *at == ',';
		at += strspn(at, " ");
		for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
			if (strncmp(at, prefixes[i], strlen(prefixes[i])) == 0)
				return true;
	}
	return false;
}

char *fly_authorization(const char *token)
{
	static const char *const schemes[] = {"FlyV1 ", "Bearer "};
	struct buf value = {0};
	size_t length;

	token += strspn(token, " \t\r\n");
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(token, schemes[i], strlen(schemes[i])) == 0)
			token += strlen(schemes[i]);
	length = strcspn(token, "\r\n");
	buf_format(&value, "%s %.*s", is_macaroon(token) ? "FlyV1" : "Bearer", (int)length, token);
	return value.data;
}

static char *without_slash(const char *url)
{
	size_t length = strlen(url);

	while (length > 0 && url[length - 1] == '/')
		length--;
	return strndup(url, length);
}

/* A bare host, as older documents have it: a token goes nowhere in the clear but within
 * Fly's own network, or this machine. */
static char *with_scheme(const char *url)
{
	struct buf text = {0};

	if (strstr(url, "://"))
		return without_slash(url);
	bool is_near = strncmp(url, "_api.internal", 13) == 0 || http_url_is_loopback(url);
	buf_format(&text, "%s://%s", is_near ? "http" : "https", url);
	char *whole = without_slash(buf_string(&text));
	buf_finish(&text);
	return whole;
}

static const char *variable(const char *name)
{
	const char *text = getenv(name);

	return str_empty(text) ? NULL : text;
}

static bool read_token(struct fly_place *place, struct err *err)
{
	const char *token = variable("FLY_API_TOKEN"), *path = variable("FLY_API_TOKEN_FILE");
	char text[TOKEN_MAX];

	if (!token && path) {
		FILE *file = fopen(path, "re");

		if (!file)
			return err_errno(err, errno, "FLY_API_TOKEN_FILE: %s", path);
		size_t length = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
		text[length] = '\0';
		token = text;
	}
	if (token && token[strspn(token, " \t\r\n")])
		place->authorization = fly_authorization(token);
	return true;
}

static bool is_fly(const char *url)
{
	static const char *const hosts[] = {"api.machines.dev", "_api.internal", ".fly.io"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (strstr(url, hosts[i]))
			return true;
	return false;
}

bool fly_place_read(struct fly_place *place, struct err *err)
{
	const char *machines = variable("FLY_FLAPS_BASE_URL");
	const char *api = variable("FLY_API_BASE_URL");

	*place = (struct fly_place){0};
	if (!machines)
		machines = variable("FLY_API_HOSTNAME");
	/* Inside of Fly its own network is nearer. */
	if (!machines)
		machines = variable("FLY_PRIVATE_IP") ? "http://_api.internal:4280"
						      : "https://api.machines.dev";
	place->machines = with_scheme(machines);
	/* Whoever stands in for the one stands in for the other, unless it is said otherwise. */
	if (!api)
		api = is_fly(place->machines) ? "https://api.fly.io" : place->machines;
	place->api = without_slash(api);
	return read_token(place, err);
}

void fly_place_finish(struct fly_place *place)
{
	free(place->machines);
	free(place->api);
	free(place->authorization);
	*place = (struct fly_place){0};
}

/* ---- calls ---- */

struct fly_call {
	struct fly_call *next;
	struct fly_calls *calls;
	char *method, *url, *path, *body, *app;
	enum fly_limit limit;
	int32_t priority;
	uint64_t number; /* age */
	bool is_once, is_eager;
	int tries;
	int64_t due_ms;         /* monotonic; not before */
	struct http_sent *sent; /* while it is under way */
	http_answered_fn *answered;
	void *context;
};

/* A token bucket: one action on one app. */
struct bucket {
	struct bucket *next;
	enum fly_limit limit;
	char *app;
	int64_t full_ms; /* when all of the burst is there again */
};

struct fly_calls {
	struct loop *loop;
	struct http_requests *requests;
	const struct fly_place *place;
	struct fly_call *first;
	struct bucket *buckets;
	struct loop_timer *timer;
	uint64_t count;
	fly_notice_fn *notice;
	void *context;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void free_call(struct fly_call *call)
{
	if (call->sent)
		http_requests_cancel(call->calls->requests, call->sent);
	free(call->method);
	free(call->url);
	free(call->path);
	free(call->body);
	free(call->app);
	free(call);
}

static void remove_call(struct fly_call *call)
{
	struct fly_call **link = &call->calls->first;

	while (*link != call)
		link = &(*link)->next;
	*link = call->next;
	free_call(call);
}

static struct bucket *bucket_of(struct fly_calls *calls, const struct fly_call *call)
{
	struct bucket *bucket = calls->buckets;

	while (bucket && (bucket->limit != call->limit || strcmp(bucket->app, call->app) != 0))
		bucket = bucket->next;
	if (bucket)
		return bucket;
	bucket = mem_alloc(sizeof(*bucket));
	*bucket = (struct bucket){
		.next = calls->buckets, .limit = call->limit, .app = mem_copy_text(call->app)};
	calls->buckets = bucket;
	return bucket;
}

/* When the bucket gives the next one. */
static int64_t bucket_due(const struct bucket *bucket)
{
	return bucket->full_ms - (int64_t)(BURST - 1) * SPACING_MS;
}

static void bucket_take(struct bucket *bucket, int64_t now)
{
	bucket->full_ms = (bucket->full_ms > now ? bucket->full_ms : now) + SPACING_MS;
}

/* ---- answers ---- */

static bool is_worth_another(const struct fly_call *call, const struct http_answer *answer)
{
	if (answer->status == 429 || (answer->status == 0 && answer->is_unsent))
		return true; /* it was certainly not carried out */
	if (call->is_once)
		return false;
	return answer->status == 0 || answer->status == 408 || answer->status >= 500;
}

static int64_t pause_of(const struct fly_call *call, const struct http_answer *answer)
{
	int64_t pause = PAUSE_MS;

	for (int i = 1; i < call->tries && pause < PAUSE_MOST_MS; i++)
		pause *= 2;
	if (pause > PAUSE_MOST_MS)
		pause = PAUSE_MOST_MS;
	if (answer->retry_after_s * 1000 > pause)
		pause = answer->retry_after_s * 1000;
	return pause < RETRY_AFTER_MOST_MS ? pause : RETRY_AFTER_MOST_MS;
}

static void tell(const struct fly_call *call, const struct http_answer *answer, const char *then)
{
	struct buf text = {0};

	buf_format(&text, "Fly: %s %s: ", call->method, call->path);
	if (answer->status)
		buf_format(&text, "%d", answer->status);
	else
		buf_text(&text, answer->failure);
	if (answer->request_id)
		buf_format(&text, " (fly-request-id %s)", answer->request_id);
	buf_text(&text, then);
	call->calls->notice(call->calls->context, buf_string(&text));
	buf_finish(&text);
}

static void pump(struct fly_calls *calls);

static void on_answered(void *context, const struct http_answer *answer)
{
	struct fly_call *call = context;
	struct fly_calls *calls = call->calls;
	/* Too many is no fault of the request: it waits as long as it takes. */
	int most = call->is_eager ? EAGER_TRIES : TRIES;
	call->tries++;
	bool may_wait = call->tries < most || (answer->status == 429 && !call->is_eager);

	call->sent = NULL;
	if (is_worth_another(call, answer) && may_wait) {
		tell(call, answer, ", tried again");
		call->due_ms = now_ms() + pause_of(call, answer);
		pump(calls);
		return;
	}
	if (answer->status == 0 || answer->status >= 500 || answer->status == 401 ||
	    answer->status == 403)
		tell(call, answer, "");
	call->answered(call->context, answer);
	remove_call(call);
	pump(calls);
}

/* ---- sending ---- */

static void give(struct fly_call *call)
{
	call->sent = http_requests_send(
		call->calls->requests,
		&(struct http_order){.method = call->method,
				     .url = call->url,
				     .authorization = call->calls->place->authorization,
				     .body = call->body,
				     .length = call->body ? strlen(call->body) : 0,
				     .timeout_ms = TIMEOUT_MS,
				     .answered = on_answered,
				     .context = call});
}

static bool goes_before(const struct fly_call *a, const struct fly_call *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

/* When it may go, by itself and by its bucket. */
static int64_t due_of(struct fly_calls *calls, const struct fly_call *call)
{
	int64_t due = call->due_ms;

	if (call->limit != FLY_LIMIT_NONE) {
		int64_t at = bucket_due(bucket_of(calls, call));

		due = at > due ? at : due;
	}
	return due;
}

/* The first to go of those that may; *next is when another one may. */
static struct fly_call *choose(struct fly_calls *calls, int64_t now, int64_t *next)
{
	struct fly_call *chosen = NULL;

	*next = INT64_MAX;
	for (struct fly_call *call = calls->first; call; call = call->next) {
		if (call->sent)
			continue;
		int64_t due = due_of(calls, call);

		if (due > now)
			*next = due < *next ? due : *next;
		else if (!chosen || goes_before(call, chosen))
			chosen = call;
	}
	return chosen;
}

static void pump(struct fly_calls *calls)
{
	int64_t now = now_ms(), next;
	struct fly_call *call;

	while ((call = choose(calls, now, &next))) {
		if (call->limit != FLY_LIMIT_NONE)
			bucket_take(bucket_of(calls, call), now);
		give(call);
	}
	if (next != INT64_MAX)
		loop_timer_start(calls->timer, next - now);
}

static void on_timer(void *context)
{
	pump(context);
}

struct fly_call *fly_calls_send(struct fly_calls *calls, const struct fly_request *request)
{
	struct fly_call *call = mem_alloc(sizeof(*call));
	const char *base = request->is_of_api ? calls->place->api : calls->place->machines;
	struct buf url = {0};

	buf_format(&url, "%s%s", base, request->path);
	*call = (struct fly_call){
		.next = calls->first,
		.calls = calls,
		.method = mem_copy_text(request->method),
		.url = url.data,
		.path = mem_copy_text(request->path),
		.body = request->body ? mem_copy_text(request->body) : NULL,
		.app = mem_copy_text(request->app ? request->app : ""),
		.limit = request->limit,
		.priority = request->priority,
		.number = ++calls->count,
		.is_once = request->is_once,
		.is_eager = request->is_eager,
		.tries = 0,
		.answered = request->answered,
		.context = request->context,
	};
	calls->first = call;
	/* From the loop, so that many that come at once go by priority. */
	loop_timer_start(calls->timer, 0);
	return call;
}

bool fly_call_is_sent(const struct fly_call *call)
{
	return call->sent || call->tries > 0;
}

void fly_calls_cancel(struct fly_calls *calls, struct fly_call *call)
{
	(void)calls;
	remove_call(call);
}

struct fly_calls *fly_calls_create(struct loop *loop, const struct fly_place *place,
				   fly_notice_fn *notice, void *context, struct err *err)
{
	struct fly_calls *calls = mem_alloc(sizeof(*calls));

	*calls = (struct fly_calls){
		.loop = loop, .place = place, .notice = notice, .context = context};
	calls->requests = http_requests_create(loop, err);
	if (!calls->requests) {
		free(calls);
		return NULL;
	}
	calls->timer = loop_timer_create(loop, on_timer, calls);
	return calls;
}

void fly_calls_destroy(struct fly_calls *calls)
{
	if (!calls)
		return;
	for (struct fly_call *call = calls->first, *next; call; call = next) {
		next = call->next;
		free_call(call);
	}
	http_requests_destroy(calls->requests);
	for (struct bucket *bucket = calls->buckets, *next; bucket; bucket = next) {
		next = bucket->next;
		free(bucket->app);
		free(bucket);
	}
	loop_timer_destroy(calls->timer);
	free(calls);
}
