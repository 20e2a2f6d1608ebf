/* listing.c - a list of the server's as a table or JSON; see listing.h. */
#include "listing.h"

#include "client.h"
#include "say.h"
#include "when.h"

enum { LIMIT_USUAL = 20, LIMIT_MAX = 1000 };

static int print_table(const struct args *args, const struct listing *listing, const json_t *items)
{
	struct utc now = when_now();
	struct buf out = {0};
	struct table table;

	table_init(&table, listing->columns, listing->column_count);
	for (size_t i = 0; i < json_array_size(items); i++)
		listing->add_row(&table, json_array_get(items, i), now);
	table_write(&table, &out);
	table_finish(&table);
	return say_print(args, &out);
}

int listing_print(const struct args *args, const struct listing *listing)
{
	struct err err;
	int code = CLI_OK;
	json_t *answer = client_get(args, listing->target, &err);

	if (!answer)
		return say_failed(args, &err);
	json_t *items = client_list(answer, listing->key);
	if (args_has(args, "json"))
		code = say_json(args, json_incref(items));
	else if (json_array_size(items) == 0)
		say_note("%s", listing->none);
	else
		code = print_table(args, listing, items);
	json_decref(items);
	json_decref(answer);
	return code;
}

int listing_print_newest(const struct args *args, const struct listing *listing)
{
	struct listing limited = *listing;
	struct buf target = {0};
	struct err err;
	int64_t limit;

	if (!args_number(args, "limit", 1, LIMIT_MAX, LIMIT_USUAL, &limit, &err))
		return say_usage(args, &err);
	buf_format(&target, "%s?limit=%lld", listing->target, (long long)limit);
	limited.target = buf_string(&target);
	int code = listing_print(args, &limited);
	buf_finish(&target);
	return code;
}
