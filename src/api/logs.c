/*
 * logs.c - a run's output: as it was written, or as JSON Lines; followed or not.
 *
 * Read from the store in pages, so that no log is ever whole in memory. One that is
 * followed goes on until the end of its run has been committed: output is committed
 * before it or with it, so nothing comes later.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "log_lines.h"
#include "query.h"

enum { PAGE_BYTES = 64 << 10 };

struct log_view {
	struct api *api;
	struct log_query query;
	struct log_filter filter; /* with the cursor */
	struct log_lines lines;
	struct buf *out; /* during a page */
	bool has_read;   /* the page had something */
};

static bool on_chunk(void *context, const struct log_chunk *chunk)
{
	struct log_view *view = context;

	if (view->query.is_jsonl)
		log_lines_add(&view->lines, chunk, view->out);
	else
		buf_add(view->out, chunk->data, chunk->length);
	view->filter.after_attempt = chunk->attempt;
	view->filter.after_position = chunk->position;
	view->has_read = true;
	return view->out->length < PAGE_BYTES;
}

/* Whether the store has all there will ever be. */
static bool is_over(struct log_view *view, bool *over, struct err *err)
{
	struct arena arena = {0};
	const struct run *run = NULL;
	bool is_read = runs_read(view->api, &arena, view->filter.run, &run, err);

	*over = !run || run->state == RUN_FINISHED;
	arena_finish(&arena);
	return is_read;
}

static enum http_flow next_page(void *context, struct buf *out)
{
	struct log_view *view = context;
	bool over = true;
	struct err err;

	/* Asked first: what is committed after the answer does not count as read. */
	if (view->query.follows && !is_over(view, &over, &err))
		return HTTP_FAIL;
	view->out = out;
	do {
		view->has_read = false;
		if (!store_log(view->api->world->store, &view->filter, on_chunk, view, &err))
			return HTTP_FAIL;
	} while (view->has_read && out->length == 0);
	if (view->has_read)
		return HTTP_MORE;
	if (!over)
		return HTTP_WAIT;
	log_lines_end(&view->lines, out);
	return HTTP_END;
}

/* ---- a piece of it: Range (RFC 9110, 14.2) ---- */

/* One range of bytes, clamped to what there is. False: nothing of it is there. */
static bool clamp(const char *range, size_t length, size_t *first, size_t *last)
{
	char *end;
	bool is_suffix = range[0] == '-';
	unsigned long long a = strtoull(range + is_suffix, &end, 10);

	if (is_suffix) {
		*first = a < length ? length - (size_t)a : 0;
		*last = length - 1;
		return a > 0 && length > 0;
	}
	unsigned long long b = end[0] == '-' && end[1] ? strtoull(end + 1, NULL, 10) : ULLONG_MAX;
	*first = (size_t)a;
	*last = b < length ? (size_t)b : length - 1;
	return a < length && a <= b;
}

/* "bytes=0-99", "bytes=100-", "bytes=-50"; anything else is passed over, as several
 * ranges are: then all of it is the answer. */
static const char *one_range(const char *header)
{
	static const char unit[] = "bytes=";

	if (!header || strncmp(header, unit, sizeof(unit) - 1) != 0)
		return NULL;
	header += sizeof(unit) - 1;
	size_t digits = strspn(header, "0123456789"), after;
	if (header[digits] != '-')
		return NULL;
	after = strspn(header + digits + 1, "0123456789");
	return header[digits + 1 + after] == '\0' && digits + after > 0 ? header : NULL;
}

/* What is kept of a run is a few MiB at most, so that it may be gathered. */
static void answer_range(struct api_call *call, struct log_view *view, const char *range)
{
	struct arena *arena = call->request->arena;
	struct buf all = {0};
	size_t first, last;
	enum http_flow flow;

	do
		flow = next_page(view, &all);
	while (flow == HTTP_MORE);
	if (flow == HTTP_FAIL) {
		http_problem(call->response, 503, "the store cannot be read");
	} else if (clamp(range, all.length, &first, &last)) {
		call->response->status = 206;
		call->response->content_type = "text/plain; charset=utf-8";
		buf_add(&call->response->body, all.data + first, last - first + 1);
		http_response_header(
			call->response, "Content-Range",
			arena_format(arena, "bytes %zu-%zu/%zu", first, last, all.length));
	} else {
		http_problem(call->response, 416, "there are %zu bytes", all.length);
		http_response_header(call->response, "Content-Range",
				     arena_format(arena, "bytes */%zu", all.length));
	}
	buf_finish(&all);
}

void logs_get(struct api_call *call)
{
	struct log_view *view = arena_new(call->request->arena, struct log_view);
	struct err err;
	const struct run *run = runs_of_path(call);

	if (!run)
		return;
	if (!query_log(call->request->target, &view->query, &err)) {
		answer_refused(call, &err);
		return;
	}
	view->api = call->api;
	view->filter = (struct log_filter){.run = run->id,
					   .after_position = -1,
					   .has_stream = view->query.has_stream,
					   .stream = view->query.stream};
	const char *range = one_range(http_request_header(call->request, "Range"));
	if (range && !view->query.is_jsonl && !view->query.follows) {
		answer_range(call, view, range);
		return;
	}
	call->response->status = 200;
	call->response->content_type =
		view->query.is_jsonl ? "application/jsonl" : "text/plain; charset=utf-8";
	call->response->stream =
		(struct http_stream){.next = next_page, .context = view, .topic = run->id};
}
