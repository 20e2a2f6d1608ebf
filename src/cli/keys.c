/*
 * keys.c - `belfry keys`: every key of schedules.json.
 */
#include <fnmatch.h>
#include <string.h>

#include "config.h"
#include "say.h"
#include "table.h"
#include "verbs.h"

/* A piece of the path, or a pattern for the whole of it. */
static bool is_meant(const struct key_info *key, const char *pattern)
{
	return !pattern || strcasestr(key->path, pattern) ||
	       fnmatch(pattern, key->path, FNM_NOESCAPE) == 0;
}

static void add_json(struct buf *out, const struct key_info *key)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "path", key->path);
	buf_json_text(out, "type", key->type);
	buf_json_text(out, "default", key->default_text);
	buf_json_bool(out, "required", key->required);
	buf_json_text(out, "summary", key->summary);
	buf_json_close(out, '}');
}

static void add_row(struct table *table, const struct key_info *key)
{
	table_add(table, STYLE_BOLD, key->path);
	table_add(table, STYLE_PLAIN, key->type);
	table_add(table, STYLE_PLAIN, key->required ? "required" : key->default_text);
	table_add(table, STYLE_PLAIN, key->summary);
}

static int refuse(const struct args *args, const char *pattern)
{
	struct err err;

	err_set(&err, "no key is like '%s'; belfry keys shows all", pattern);
	return say_failed(args, &err);
}

static int run(const struct args *args)
{
	static const struct table_column columns[] = {
		{.title = "KEY"},
		{.title = "TYPE", .may_go = true, .rank = 2},
		{.title = "DEFAULT", .may_go = true, .rank = 1},
		{.title = "MEANS", .wraps = true, .rank = 3},
	};
	const char *pattern = args_operand(args, 0);
	bool in_json = args_has(args, "json");
	const struct key_info *rows;
	size_t count = config_keys(&rows), meant = 0;
	struct buf out = {0};
	struct table table;

	table_init(&table, columns, 4);
	buf_json_open(&out, NULL, '[');
	for (size_t i = 0; i < count; i++) {
		if (!is_meant(&rows[i], pattern))
			continue;
		meant++;
		if (in_json)
			add_json(&out, &rows[i]);
		else
			add_row(&table, &rows[i]);
	}
	buf_json_close(&out, ']');
	buf_char(&out, '\n');
	if (!in_json) {
		buf_clear(&out);
		table_write(&table, &out);
	}
	table_finish(&table);
	if (meant)
		return say_print(args, &out);
	buf_finish(&out);
	return refuse(args, pattern);
}

const struct command command_keys = {
	.name = "keys",
	.operands = "[PATTERN]",
	.operands_max = 1,
	.summary = "every key of schedules.json",
	.description = "With PATTERN, those whose path has it in them (\"retry\") or matches it\n"
		       "(\"jobs[[]].*\").",
	.examples = "  belfry keys\n"
		    "  belfry keys retry",
	.run = run,
};
