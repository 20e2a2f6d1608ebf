/* not_ran.c - skipped and missed due instants; see not_ran.h. */
#include "not_ran.h"

#include <string.h>

#include "client.h"
#include "table.h"

static json_t *ask(const struct args *args, const char *job, const char *state, size_t limit,
		   struct err *err)
{
	struct buf target = {0};

	buf_format(&target, "/api/v1/occurrences?limit=%zu&state=%s", limit, state);
	client_query(&target, "job", job);
	json_t *answer = client_get(args, buf_string(&target), err);
	buf_finish(&target);
	if (!answer)
		return NULL;
	json_t *list = client_list(answer, "occurrences");
	json_decref(answer);
	return list;
}

/* Both lists come newest first. */
static json_t *merge(const json_t *skipped, const json_t *missed, size_t limit)
{
	json_t *all = json_array();
	size_t i = 0, j = 0;

	while (json_array_size(all) < limit) {
		json_t *a = json_array_get(skipped, i), *b = json_array_get(missed, j);

		if (!a && !b)
			break;
		bool is_a = a && (!b || client_time(a, "scheduled_at").ms >
						client_time(b, "scheduled_at").ms);
		json_array_append(all, is_a ? a : b);
		i += is_a;
		j += !is_a;
	}
	return all;
}

json_t *not_ran_ask(const struct args *args, const char *job, size_t limit, struct err *err)
{
	json_t *skipped = ask(args, job, "skipped", limit, err);
	json_t *missed = skipped ? ask(args, job, "missed", limit, err) : NULL;
	json_t *all = missed ? merge(skipped, missed, limit) : NULL;

	json_decref(skipped);
	json_decref(missed);
	return all;
}

static const char *in_words(const char *reason)
{
	static const struct {
		const char *reason, *words;
	} rows[] = {
		{"overlap", "overlap: the run before went on still"},
		{"down", "down: belfry did not run, or the machine slept"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].reason, reason) == 0)
			return rows[i].words;
	return reason;
}

static void add_row(struct table *table, const json_t *occurrence)
{
	int64_t count = client_int(occurrence, "count", 1);
	struct buf why = {0};

	buf_text(&why, in_words(client_text(occurrence, "reason")));
	if (count > 1)
		buf_format(&why, " (%lld instants, the last at %s)", (long long)count,
			   client_text(occurrence, "last_at"));
	table_add(table, STYLE_PLAIN, client_text(occurrence, "scheduled_at"));
	table_add(table, STYLE_WARN, client_text(occurrence, "state"));
	table_add(table, STYLE_PLAIN, buf_string(&why));
	buf_finish(&why);
}

void not_ran_show(struct buf *out, const json_t *occurrences)
{
	static const struct table_column columns[] = {
		{.title = "DUE (UTC)"},
		{.title = "DID NOT RUN"},
		{.title = "WHY", .wraps = true},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(occurrences); i++)
		add_row(&table, json_array_get(occurrences, i));
	table_write(&table, out);
	table_finish(&table);
}
