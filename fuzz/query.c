/* query.c - fuzzes the API's query parameters: a filter within its bounds, or an error
 * that says something. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_page(size_t limit)
{
	return limit >= 1 && limit <= QUERY_LIMIT_MAX;
}

static void ask_all(const struct http_target *target)
{
	struct runs_query runs;
	struct log_query log;
	struct occurrence_filter occurrences;
	size_t limit;
	struct err err = {""};

	if (query_runs(target, &runs, &err))
		assert(is_page(runs.filter.limit) && runs.filter.outcome < OUTCOME_COUNT &&
		       runs.filter.trigger < TRIGGER_COUNT &&
		       !(runs.filter.only_open && runs.only_finished));
	else
		assert(err.text[0]);
	err.text[0] = '\0';
	if (query_log(target, &log, &err))
		assert(log.stream < STREAM_COUNT);
	else
		assert(err.text[0]);
	err.text[0] = '\0';
	if (query_occurrences(target, &occurrences, &err))
		assert(is_page(occurrences.limit) && occurrences.state < OCCURRENCE_STATE_COUNT);
	else
		assert(err.text[0]);
	err.text[0] = '\0';
	if (!query_limit(target, &limit, &err))
		assert(err.text[0]);
	assert(query_nothing(target, &err) == (target->query_count == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct buf raw = {0};
	struct http_target target;

	buf_text(&raw, "/?");
	buf_add(&raw, data, size);
	if (http_target_parse(&arena, buf_string(&raw), &target))
		ask_all(&target);
	buf_finish(&raw);
	arena_finish(&arena);
	return 0;
}
