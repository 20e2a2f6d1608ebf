/* token.c - `belfry token`: access tokens of the server: create, list, revoke. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "http_target.h"
#include "listing.h"
#include "say.h"
#include "verbs.h"
#include "when.h"

/* ---- create ---- */

static json_t *wish_of(const struct args *args, int64_t expires_ms)
{
	const char *scope = args_value(args, "scope"), *name = args_value(args, "name");
	const char *jobs = args_value(args, "job");
	json_t *wish = json_object();

	json_object_set_new(wish, "scope", json_string(scope));
	json_object_set_new(wish, "name", json_string(name ? name : scope));
	if (jobs)
		json_object_set_new(wish, "jobs", json_string(jobs));
	if (expires_ms)
		json_object_set_new(wish, "expires_in_s", json_integer(expires_ms / 1000));
	return wish;
}

static int say_created(const struct args *args, const json_t *token)
{
	struct buf out = {0};

	/* The token alone on standard output: TOKEN=$(belfry token create …). */
	buf_format(&out, "%s\n", client_text(token, "token"));
	int code = say_print(args, &out);
	say_note("token %s may %s%s%s; it is shown this once. From now on every request needs one: "
		 "export BELFRY_TOKEN=…",
		 client_text(token, "id"), client_text(token, "scope"),
		 *client_text(token, "jobs") ? ", for the jobs " : "", client_text(token, "jobs"));
	return code;
}

static int create(const struct args *args)
{
	int64_t expires_ms;
	struct err err;

	if (!args_has(args, "scope")) {
		err_set(&err, "--scope view, operate or admin says what it may do");
		return say_usage(args, &err);
	}
	if (!args_duration(args, "expires", 0, &expires_ms, &err))
		return say_usage(args, &err);
	json_t *wish = wish_of(args, expires_ms);
	char *body = json_dumps(wish, JSON_COMPACT);
	json_decref(wish);
	json_t *token = client_post(args, "/api/v1/tokens", body, &err);
	free(body);
	if (!token)
		return say_failed(args, &err);
	if (args_has(args, "json"))
		return say_json(args, token);
	int code = say_created(args, token);
	json_decref(token);
	return code;
}

/* ---- list ---- */

static void add_end(struct table *table, const json_t *token, struct utc now)
{
	struct utc expires = client_time(token, "expires_at");
	struct buf text = {0};

	if (utc_is_set(client_time(token, "revoked_at"))) {
		table_add(table, STYLE_DIM, "revoked");
		return;
	}
	if (!utc_is_set(expires)) {
		table_add(table, STYLE_PLAIN, "never");
		return;
	}
	when_relative(&text, expires, now);
	table_add(table, expires.ms <= now.ms ? STYLE_DIM : STYLE_PLAIN, buf_string(&text));
	buf_finish(&text);
}

static void add_row(struct table *table, const json_t *token, struct utc now)
{
	const char *jobs = client_text(token, "jobs");

	table_add(table, STYLE_BOLD, client_text(token, "id"));
	table_add(table, STYLE_PLAIN, client_text(token, "name"));
	table_add(table, STYLE_PLAIN, client_text(token, "scope"));
	table_add(table, STYLE_PLAIN, *jobs ? jobs : "all");
	add_end(table, token, now);
	table_add(table, STYLE_PLAIN, client_text(token, "created_by"));
}

static const struct table_column columns[] = {
	{.title = "ID"},      {.title = "NAME", .least = 8, .rank = 1},
	{.title = "SCOPE"},   {.title = "JOBS", .least = 6, .rank = 2, .may_go = true},
	{.title = "EXPIRES"}, {.title = "CREATED BY", .least = 8, .rank = 3, .may_go = true},
};

static const struct listing listing = {
	.target = "/api/v1/tokens",
	.key = "tokens",
	.none = "no tokens",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add_row = add_row,
};

/* ---- revoke ---- */

static int revoke(const struct args *args)
{
	struct buf target = {0}, out = {0};
	struct err err;

	buf_text(&target, "/api/v1/tokens/");
	http_escape(&target, args_operand(args, 1));
	json_t *answer = client_ask(args,
				    &(struct client_question){.method = "DELETE",
							      .target = buf_string(&target),
							      .timeout_ms = 30000},
				    NULL, &err);
	buf_finish(&target);
	if (!answer)
		return say_failed(args, &err);
	if (args_has(args, "json"))
		return say_json(args, answer);
	buf_format(&out, "token %s is revoked\n", client_text(answer, "id"));
	json_decref(answer);
	return say_print(args, &out);
}

/* ---- the verb ---- */

static int run(const struct args *args)
{
	const char *word = args_operand(args, 0);
	struct err err;

	if (strcmp(word, "create") == 0 && args->operand_count == 1)
		return create(args);
	if (strcmp(word, "list") == 0 && args->operand_count == 1)
		return listing_print(args, &listing);
	if (strcmp(word, "revoke") == 0 && args->operand_count == 2)
		return revoke(args);
	err_set(&err, "it takes \"create\", \"list\" or \"revoke ID\"");
	return say_usage(args, &err);
}

static const char *const words[] = {"create", "list", "revoke", NULL};
static const char *const scopes[] = {"view", "operate", "admin", NULL};

static const struct option_row options[] = {
	{.name = "scope",
	 .letter = 's',
	 .value = "SCOPE",
	 .summary = "what it may: view, operate (and trigger, cancel …) or admin (all)",
	 .complete = COMPLETE_WORDS,
	 .words = scopes},
	{.name = "name", .value = "NAME", .summary = "whose it is, or what for (its scope)"},
	{.name = "expires",
	 .value = "DURATION",
	 .summary = "it ends after this, as in 90d (never)"},
	{.name = "job",
	 .letter = 'j',
	 .value = "PATTERN",
	 .summary = "for these jobs only, as in 'send-*'"},
	{0},
};

const struct command command_token = {
	.name = "token",
	.operands = "create | list | revoke ID",
	.operands_min = 1,
	.operands_max = 2,
	.complete = COMPLETE_WORDS,
	.operand_words = words,
	.summary = "access tokens of the server",
	.description = "`create` prints a new token, once: belfry keeps its hash alone. The first "
		       "one closes "
		       "the\n"
		       "API for who has none. The server's own BELFRY_TOKEN may do all, its "
		       "CRON_SECRET may\n"
		       "operate.",
	.examples = "  belfry token create --scope admin --name ada\n"
		    "  belfry token create --scope operate --job 'send-*' --expires 90d --name ci\n"
		    "  belfry token revoke k3v9x2ma",
	.options = options,
	.asks_server = true,
	.run = run,
};
