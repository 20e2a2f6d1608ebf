/* target.c - fuzzes http_target_parse: what is parsed is whole, and escaping undoes it. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target with the same segments and parameters, each escaped. */
static void rebuild(const struct http_target *target, struct buf *out)
{
	if (target->segment_count == 0)
		buf_char(out, '/');
	for (size_t i = 0; i < target->segment_count; i++) {
		buf_char(out, '/');
		http_escape(out, target->segments[i]);
	}
	/* An empty last segment shows only by the "/" behind it. */
	if (target->segment_count && !*target->segments[target->segment_count - 1])
		buf_char(out, '/');
	for (size_t i = 0; i < target->query_count; i++) {
		buf_char(out, i == 0 ? '?' : '&');
		http_escape(out, target->query[i].name);
		buf_char(out, '=');
		http_escape(out, target->query[i].value);
	}
}

static void check_same(const struct http_target *a, const struct http_target *b)
{
	assert(a->segment_count == b->segment_count && a->query_count == b->query_count);
	for (size_t i = 0; i < a->segment_count; i++)
		assert(strcmp(a->segments[i], b->segments[i]) == 0);
	for (size_t i = 0; i < a->query_count; i++) {
		assert(strcmp(a->query[i].name, b->query[i].name) == 0);
		assert(strcmp(a->query[i].value, b->query[i].value) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	const char *raw = arena_copy(&arena, (const char *)data, size);
	struct http_target target, again;
	struct buf out = {0};

	if (http_target_parse(&arena, raw, &target)) {
		rebuild(&target, &out);
		bool is_parsed = http_target_parse(&arena, buf_string(&out), &again);
		assert(is_parsed);
		check_same(&target, &again);
	}
	buf_finish(&out);
	arena_finish(&arena);
	return 0;
}
