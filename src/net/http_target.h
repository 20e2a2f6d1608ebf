/*
 * http_target.h - the target of an HTTP request: path segments and query, decoded.
 *
 * Pure. The path is split at "/" before it is decoded, so that "%2F" stays part
 * of a segment. Text with a broken escape or an escaped NUL is refused.
 */
#ifndef BELFRY_HTTP_TARGET_H
#define BELFRY_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "mem.h"

enum { HTTP_SEGMENTS_MAX = 16, HTTP_QUERY_MAX = 32 };

struct http_target {
	const char *path; /* as it came, without the query */
	const char *segments[HTTP_SEGMENTS_MAX];
	size_t segment_count;
	struct {
		const char *name, *value;
	} query[HTTP_QUERY_MAX];
	size_t query_count;
};

/* Everything lives in arena. False for what is no origin-form target ("/path?query"),
 * has a broken escape, or too many segments or parameters. */
bool http_target_parse(struct arena *arena, const char *raw, struct http_target *target);

/* The first value of that name, NULL if it is absent. */
const char *http_target_query(const struct http_target *target, const char *name);

/* Adds text with everything but unreserved characters escaped (RFC 3986). */
void http_escape(struct buf *out, const char *text);

#endif
