/*
 * query.h - query parameters, parsed and checked. Pure.
 *
 * A parameter that is not known, comes twice or has a bad value is an error that
 * says what would be right.
 */
#ifndef BELFRY_QUERY_H
#define BELFRY_QUERY_H

#include "err.h"
#include "http_target.h"
#include "store.h"

enum { QUERY_LIMIT_DEFAULT = 50, QUERY_LIMIT_MAX = 1000 };

struct runs_query {
	struct run_filter filter; /* its limit is the page's */
	bool only_finished;
};
bool query_runs(const struct http_target *target, struct runs_query *query, struct err *err);

struct log_query {
	bool has_stream;
	enum stream stream;
	bool is_jsonl;
	bool follows;
};
bool query_log(const struct http_target *target, struct log_query *query, struct err *err);

bool query_occurrences(const struct http_target *target, struct occurrence_filter *filter,
		       struct err *err);
/* job: NULL for all. */
bool query_downtimes(const struct http_target *target, const char **job, size_t *limit,
		     struct err *err);
/* For lists that take nothing but a limit. */
bool query_limit(const struct http_target *target, size_t *limit, struct err *err);
/* For what takes no parameters. */
bool query_nothing(const struct http_target *target, struct err *err);

#endif
