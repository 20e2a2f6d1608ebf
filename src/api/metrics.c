/*
 * metrics.c - GET /metrics: what is counted, for Prometheus and its like.
 *
 * OpenMetrics for who asks for it, the older text format for all others, as the
 * specification has it. The text is a stream: many jobs make it long.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

/* ---- which format ---- */

/* A weight of 0 to 1,000; 1,000 where there is none (RFC 9110, 12.4.2). */
static int weight_of(const char *item, size_t length)
{
	for (size_t i = 0; i + 2 < length; i++) {
		if (item[i] != ';')
			continue;
		while (i + 1 < length && (item[i + 1] == ' ' || item[i + 1] == '\t'))
			i++;
		if (i + 3 < length && (item[i + 1] | 0x20) == 'q' && item[i + 2] == '=')
			return (int)(strtod(item + i + 3, NULL) * 1000 + 0.5);
	}
	return 1000;
}

static bool is_type(const char *item, size_t length, const char *type)
{
	size_t n = strlen(type);

	return length >= n && strncasecmp(item, type, n) == 0 &&
	       (length == n || strchr("; \t", item[n]));
}

/* Whether OpenMetrics is wanted, and no less than plain text. */
static bool wants_openmetrics(const char *accept)
{
	int openmetrics = 0, text = 0;

	for (const char *item = accept; item && *item;) {
		item += strspn(item, ", \t");
		size_t length = strcspn(item, ",");
		int weight = weight_of(item, length);

		if (is_type(item, length, "application/openmetrics-text") && weight > openmetrics)
			openmetrics = weight;
		if (is_type(item, length, "text/plain") && weight > text)
			text = weight;
		item += length;
	}
	return openmetrics > 0 && openmetrics >= text;
}

/* ---- the answer ---- */

struct scrape {
	struct api *api;
	struct api_metrics_place place;
	bool is_openmetrics;
};

static enum http_flow next_piece(void *context, struct buf *out)
{
	struct scrape *scrape = context;
	const struct api_doors *doors = &scrape->api->doors;

	/* Jobs of which there is nothing to tell make no text. */
	while (out->length == 0)
		if (!doors->metrics(doors->context, &scrape->place, scrape->is_openmetrics, out))
			return HTTP_END;
	return HTTP_MORE;
}

void metrics_get(struct api_call *call)
{
	struct scrape *scrape = arena_new(call->request->arena, struct scrape);

	if (!takes_no_parameters(call))
		return;
	scrape->api = call->api;
	scrape->is_openmetrics = wants_openmetrics(http_request_header(call->request, "Accept"));
	call->response->status = 200;
	call->response->content_type =
		scrape->is_openmetrics
			? "application/openmetrics-text; version=1.0.0; charset=utf-8"
			: "text/plain; version=0.0.4; charset=utf-8";
	call->response->stream = (struct http_stream){.next = next_piece, .context = scrape};
}
