/*
 * query.h - query parameters, parsed and checked. Pure.
 *
 * A parameter that is not known, comes twice or has a bad value is an error that
 * says what would be right.
 */
#ifndef BELFRY_QUERY_H
#define BELFRY_QUERY_H

#include "api.h"
#include "err.h"
#include "http_target.h"
#include "store.h"

enum {
	QUERY_LIMIT_DEFAULT = 50,
	QUERY_LIMIT_MAX = 1000,
	QUERY_TEXT_MAX = 500,
	QUERY_NAME_MAX = 100
};

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
struct deploy_query {
	enum api_format format;
	bool is_rendered;                      /* JSON, with that format inside */
	int64_t from;                          /* revision to plan from; 0: what is in force */
	int64_t expect;                        /* -1: any */
	const char *author, *message, *source; /* NULL: not given */
};
/* takes_from: it may be against another revision than the one in force. */
bool query_plan(const struct http_target *target, bool takes_from, struct deploy_query *query,
		struct err *err);
bool query_apply(const struct http_target *target, struct deploy_query *query, struct err *err);
bool query_audits(const struct http_target *target, struct audit_filter *filter, struct err *err);
/* follow: whether to stay for what is to come. */
bool query_events(const struct http_target *target, bool *follows, struct err *err);
/* [from, to); usually the 24 hours before now. */
bool query_window(const struct http_target *target, struct utc now, struct utc *from,
		  struct utc *to, struct err *err);
/* dryRun, in the spelling of /api/cron. */
bool query_cron(const struct http_target *target, bool *is_dry_run, struct err *err);
struct timeline_query {
	struct utc from, to; /* [from, to); usually an hour before and after now */
	const char *job;     /* NULL: all */
	size_t limit;        /* of runs, and of fires */
};
bool query_timeline(const struct http_target *target, struct utc now, struct timeline_query *query,
		    struct err *err);
/* The number of a revision. */
bool query_revision(const char *text, int64_t *number);

/* job: NULL for all. */
bool query_downtimes(const struct http_target *target, const char **job, size_t *limit,
		     struct err *err);
/* For lists that take nothing but a limit. */
bool query_limit(const struct http_target *target, size_t *limit, struct err *err);
/* For what takes no parameters. */
bool query_nothing(const struct http_target *target, struct err *err);

#endif
