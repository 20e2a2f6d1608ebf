/* query.c - query parameters, parsed and checked; see query.h. */
#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "utf8.h"

#define WORD(name, word) word,
/* By the enum's values; the words that stand for "none" cannot be asked for. */
static const char *const outcomes[] = {OUTCOMES(WORD) NULL};
static const char *const triggers[] = {TRIGGERS(WORD) NULL};
static const char *const streams[] = {STREAMS(WORD) NULL};
static const char *const occurrence_states[] = {OCCURRENCE_STATES(WORD) NULL};
static const char *const open_words[] = {"open", "finished", NULL};
static const char *const formats[] = {"text", "jsonl", NULL};
/* The form of the answer; the last two are JSON with that form of it inside. */
static const char *const plan_formats[] = {"json",      "text",          "markdown",
					   "json_text", "json_markdown", NULL};
static const char *const flags[] = {"false", "true", NULL};

static size_t count_of(const char *const *words)
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

static const char *list_of(struct buf *text, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (words[i][0])
			buf_format(text, "%s%s", text->length ? ", " : "", words[i]);
	return buf_string(text);
}

static bool refuse_name(const char *name, const char *const *known, struct err *err)
{
	const char *nearest = str_nearest(name, known, count_of(known));
	struct buf list = {0};

	if (!known[0])
		err_set(err, "this path takes no parameters, not \"%s\"", name);
	else if (nearest)
		err_set(err, "unknown parameter \"%s\"; did you mean \"%s\"?", name, nearest);
	else
		err_set(err, "unknown parameter \"%s\"; there are %s", name, list_of(&list, known));
	buf_finish(&list);
	return false;
}

static bool only(const struct http_target *target, const char *const *known, struct err *err)
{
	for (size_t i = 0; i < target->query_count; i++) {
		const char *name = target->query[i].name;
		size_t k = 0;

		while (known[k] && strcmp(known[k], name) != 0)
			k++;
		if (!known[k])
			return refuse_name(name, known, err);
		for (size_t j = 0; j < i; j++)
			if (strcmp(target->query[j].name, name) == 0)
				return err_set(err, "parameter \"%s\" is given twice", name);
	}
	return true;
}

/* An absent parameter leaves *index alone. */
static bool word(const struct http_target *target, const char *name, const char *const *words,
		 int *index, struct err *err)
{
	const char *value = http_target_query(target, name);
	struct buf list = {0};

	if (!value)
		return true;
	for (int i = 0; *value && words[i]; i++) {
		if (strcmp(words[i], value) == 0) {
			*index = i;
			return true;
		}
	}
	err_set(err, "%s=%s: %s is one of %s", name, value, name, list_of(&list, words));
	buf_finish(&list);
	return false;
}

static bool page_limit(const struct http_target *target, size_t *limit, struct err *err)
{
	const char *value = http_target_query(target, "limit");
	size_t digits = value ? strspn(value, "0123456789") : 0, number = 0;

	*limit = QUERY_LIMIT_DEFAULT;
	if (!value)
		return true;
	for (size_t i = 0; i < digits && number <= QUERY_LIMIT_MAX; i++)
		number = number * 10 + (size_t)(value[i] - '0');
	if (value[digits] || number < 1 || number > QUERY_LIMIT_MAX)
		return err_set(err, "limit=%s: limit is a number from 1 to %d", value,
			       QUERY_LIMIT_MAX);
	*limit = number;
	return true;
}

static bool run_id(const struct http_target *target, const char *name, uint64_t *id,
		   struct err *err)
{
	const char *value = http_target_query(target, name);

	if (!value || run_id_parse(value, id))
		return true;
	return err_set(err, "%s=%s: %s is the id of a run, 13 characters such as 06nk2v0d80200",
		       name, value, name);
}

static bool instant(const struct http_target *target, const char *name, struct utc *t,
		    struct err *err)
{
	const char *value = http_target_query(target, name);

	*t = UTC_NONE;
	if (!value || utc_parse(value, strlen(value), t))
		return true;
	return err_set(err, "%s=%s: %s is a date and time such as 2026-03-29T01:00:00Z", name,
		       value, name);
}

static bool job_name(const struct http_target *target, const char **name, struct err *err)
{
	*name = http_target_query(target, "job");
	if (*name && !**name)
		return err_set(err, "job is empty; leave it out to ask for all jobs");
	return true;
}

/* Ids begin with the instant of the claim. */
static void claimed_between(struct run_filter *filter, struct utc from, struct utc to)
{
	uint64_t after = utc_is_set(from) ? run_id_first(from) - 1 : 0;
	uint64_t before = utc_is_set(to) ? run_id_first(to) : 0;

	if (after > filter->after)
		filter->after = after;
	if (before && (!filter->before || before < filter->before))
		filter->before = before;
}

bool query_runs(const struct http_target *target, struct runs_query *query, struct err *err)
{
	static const char *const known[] = {"job",   "outcome", "state", "trigger", "before",
					    "after", "from",    "to",    "limit",   NULL};
	struct utc from, to;
	struct run_filter *filter = &query->filter;
	int outcome = OUTCOME_NONE, trigger = -1, state = -1;

	*query = (struct runs_query){0};
	if (!only(target, known, err) || !job_name(target, &filter->job, err) ||
	    !word(target, "outcome", outcomes, &outcome, err) ||
	    !word(target, "state", open_words, &state, err) ||
	    !word(target, "trigger", triggers, &trigger, err) ||
	    !run_id(target, "before", &filter->before, err) ||
	    !run_id(target, "after", &filter->after, err) || !instant(target, "from", &from, err) ||
	    !instant(target, "to", &to, err) || !page_limit(target, &filter->limit, err))
		return false;
	filter->outcome = (enum outcome)outcome;
	filter->has_trigger = trigger >= 0;
	filter->trigger = (enum trigger)(trigger >= 0 ? trigger : 0);
	filter->only_open = state == 0;
	query->only_finished = state == 1;
	claimed_between(filter, from, to);
	return true;
}

bool query_log(const struct http_target *target, struct log_query *query, struct err *err)
{
	static const char *const known[] = {"stream", "format", "follow", NULL};
	int stream = -1, format = 0, follow = 0;

	*query = (struct log_query){0};
	if (!only(target, known, err) || !word(target, "stream", streams, &stream, err) ||
	    !word(target, "format", formats, &format, err) ||
	    !word(target, "follow", flags, &follow, err))
		return false;
	query->has_stream = stream >= 0;
	query->stream = (enum stream)(stream >= 0 ? stream : 0);
	query->is_jsonl = format == 1;
	query->follows = follow == 1;
	return true;
}

bool query_occurrences(const struct http_target *target, struct occurrence_filter *filter,
		       struct err *err)
{
	static const char *const known[] = {"job", "state", "from", "to", "limit", NULL};
	int state = -1;

	*filter = (struct occurrence_filter){.from = UTC_NONE, .to = UTC_NONE};
	if (!only(target, known, err) || !job_name(target, &filter->job, err) ||
	    !word(target, "state", occurrence_states, &state, err) ||
	    !instant(target, "from", &filter->from, err) ||
	    !instant(target, "to", &filter->to, err) || !page_limit(target, &filter->limit, err))
		return false;
	filter->has_state = state >= 0;
	filter->state = (enum occurrence_state)(state >= 0 ? state : 0);
	return true;
}

bool query_downtimes(const struct http_target *target, const char **job, size_t *limit,
		     struct err *err)
{
	static const char *const known[] = {"job", "limit", NULL};

	return only(target, known, err) && job_name(target, job, err) &&
	       page_limit(target, limit, err);
}

bool query_limit(const struct http_target *target, size_t *limit, struct err *err)
{
	static const char *const known[] = {"limit", NULL};

	return only(target, known, err) && page_limit(target, limit, err);
}

bool query_nothing(const struct http_target *target, struct err *err)
{
	static const char *const known[] = {NULL};

	return only(target, known, err);
}

/* A revision's number; an absent one leaves it alone. */
static bool revision_number(const struct http_target *target, const char *name, int64_t *number,
			    struct err *err)
{
	const char *value = http_target_query(target, name);

	return !value || query_revision(value, number) ||
	       err_set(err, "%s=%s: %s is the number of a revision", name, value, name);
}

bool query_revision(const char *text, int64_t *number)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 18 || text[digits])
		return false;
	*number = strtoll(text, NULL, 10);
	return true;
}

bool query_plan(const struct http_target *target, bool takes_from, struct deploy_query *query,
		struct err *err)
{
	const char *const known[] = {"format", takes_from ? "from" : NULL, NULL};
	static const enum api_format forms[] = {API_FORMAT_JSON, API_FORMAT_TEXT,
						API_FORMAT_MARKDOWN, API_FORMAT_TEXT,
						API_FORMAT_MARKDOWN};
	enum { FIRST_RENDERED = 3 };
	int format = 0;

	*query = (struct deploy_query){.expect = -1};
	if (!only(target, known, err) || !word(target, "format", plan_formats, &format, err) ||
	    !revision_number(target, "from", &query->from, err))
		return false;
	query->format = forms[format];
	query->is_rendered = format >= FIRST_RENDERED;
	return true;
}

static bool brief_text(const struct http_target *target, const char *name, const char **text,
		       struct err *err)
{
	*text = http_target_query(target, name);
	return !*text || utf8_is_line(*text, QUERY_TEXT_MAX) ||
	       err_set(err, "%s is one line of 1 to %d characters", name, QUERY_TEXT_MAX);
}

bool query_apply(const struct http_target *target, struct deploy_query *query, struct err *err)
{
	static const char *const known[] = {"author", "expect", "message", "source", NULL};

	*query = (struct deploy_query){.expect = -1};
	return only(target, known, err) && brief_text(target, "author", &query->author, err) &&
	       brief_text(target, "message", &query->message, err) &&
	       brief_text(target, "source", &query->source, err) &&
	       revision_number(target, "expect", &query->expect, err);
}

bool query_audits(const struct http_target *target, struct audit_filter *filter, struct err *err)
{
	static const char *const known[] = {"before", "limit", NULL};
	const char *before = http_target_query(target, "before");

	*filter = (struct audit_filter){0};
	if (!only(target, known, err) || !page_limit(target, &filter->limit, err))
		return false;
	return !before || (query_revision(before, &filter->before) && filter->before > 0) ||
	       err_set(err, "before=%s: before is the number of an entry", before);
}

bool query_cron(const struct http_target *target, bool *is_dry_run, struct err *err)
{
	static const char *const known[] = {"dryRun", NULL};
	int flag = 0;

	if (!only(target, known, err) || !word(target, "dryRun", flags, &flag, err))
		return false;
	*is_dry_run = flag;
	return true;
}

/* What is not given is so long before and after now. */
static bool window(struct utc now, int64_t before_ms, int64_t after_ms, struct utc *from,
		   struct utc *to, struct err *err)
{
	if (!utc_is_set(*from))
		*from = (struct utc){now.ms - before_ms};
	if (!utc_is_set(*to))
		*to = (struct utc){now.ms + after_ms};
	return from->ms < to->ms || err_set(err, "from is not before to");
}

bool query_timeline(const struct http_target *target, struct utc now, struct timeline_query *query,
		    struct err *err)
{
	static const char *const known[] = {"from", "job", "limit", "to", NULL};
	enum { HOUR_MS = 3600000 };

	*query = (struct timeline_query){0};
	if (!only(target, known, err) || !job_name(target, &query->job, err) ||
	    !instant(target, "from", &query->from, err) ||
	    !instant(target, "to", &query->to, err) || !page_limit(target, &query->limit, err))
		return false;
	return window(now, HOUR_MS, HOUR_MS, &query->from, &query->to, err);
}

bool query_window(const struct http_target *target, struct utc now, struct utc *from,
		  struct utc *to, struct err *err)
{
	static const char *const known[] = {"from", "to", NULL};
	enum { DAY_MS = 86400000 };

	return only(target, known, err) && instant(target, "from", from, err) &&
	       instant(target, "to", to, err) && window(now, DAY_MS, 0, from, to, err);
}

bool query_events(const struct http_target *target, bool *follows, struct err *err)
{
	static const char *const known[] = {"follow", NULL};
	int flag = 1;

	if (!only(target, known, err) || !word(target, "follow", flags, &flag, err))
		return false;
	*follows = flag;
	return true;
}
