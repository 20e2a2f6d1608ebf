/*
 * logs.c - a run's output: as it was written, or as JSON Lines; followed or not.
 *
 * Read from the store in pages, so that no log is ever whole in memory. One that is
 * followed goes on until the end of its run has been committed: output is committed
 * before it or with it, so nothing comes later.
 */
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
	call->response->status = 200;
	call->response->content_type =
		view->query.is_jsonl ? "application/jsonl" : "text/plain; charset=utf-8";
	call->response->stream =
		(struct http_stream){.next = next_page, .context = view, .topic = run->id};
}
