/* cli.c - tests of src/cli: arguments, tables, text for terminals, times for people. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "args.h"
#include "table.h"
#include "terminal.h"
#include "when.h"
#include "wrap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { WORDS_MAX = 40 };

static const char *const colours[] = {"red", "green", NULL};
static const struct option_row options[] = {
	{.name = "limit", .letter = 'n', .value = "N"},
	{.name = "follow", .letter = 'f'},
	{.name = "quiet", .letter = 'q'},
	{.name = "wait", .value = "DURATION"},
	{.name = "colour", .value = "COLOUR", .complete = COMPLETE_WORDS, .words = colours},
	{0},
};
static const struct command paint = {
	.name = "paint",
	.operands = "[WALL] [WALL]",
	.operands_max = 2,
	.options = options,
	.asks_server = true,
};

/* Splits at blanks; '' is an empty word. */
static size_t split(char *line, const char *words[WORDS_MAX])
{
	size_t count = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		words[count++] = strcmp(word, "''") == 0 ? "" : word;
	return count;
}

struct parsed {
	char line[512];
	const char *words[WORDS_MAX];
	struct args args;
	struct err err;
	bool ok;
};

static void parse(struct parsed *parsed, const char *line)
{
	size_t count;

	assert_true(strlen(line) < sizeof(parsed->line));
	strcpy(parsed->line, line);
	count = split(parsed->line, parsed->words);
	parsed->ok = args_parse(&parsed->args, &paint, parsed->words, count, &parsed->err);
}

static void test_words_taken(void **state)
{
	static const struct {
		const char *line, *limit, *colour, *first, *second;
		bool follow, quiet;
	} rows[] = {
		{"", NULL, NULL, NULL, NULL, false, false},
		{"north", NULL, NULL, "north", NULL, false, false},
		{"--limit 5 north", "5", NULL, "north", NULL, false, false},
		{"--limit=5 north", "5", NULL, "north", NULL, false, false},
		{"north -n5", "5", NULL, "north", NULL, false, false},
		{"north -n 5 south", "5", NULL, "north", "south", false, false},
		{"-fqn5", "5", NULL, NULL, NULL, true, true},
		{"-qf north", NULL, NULL, "north", NULL, true, true},
		{"-n -5", "-5", NULL, NULL, NULL, false, false},
		{"--limit=", "", NULL, NULL, NULL, false, false},
		{"--limit ''", "", NULL, NULL, NULL, false, false},
		{"--limit --follow", "--follow", NULL, NULL, NULL, false, false},
		{"-n1 --limit 2 -n3", "3", NULL, NULL, NULL, false, false},
		{"--colour green", NULL, "green", NULL, NULL, false, false},
		{"-- --limit -f", NULL, NULL, "--limit", "-f", false, false},
		{"-f -- -", NULL, NULL, "-", NULL, true, false},
		{"- ''", NULL, NULL, "-", "", false, false},
		{"-- --", NULL, NULL, "--", NULL, false, false},
		{"--limit=a=b", "a=b", NULL, NULL, NULL, false, false},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		parse(&p, rows[i].line);
		if (!p.ok)
			fail_msg("\"%s\": %s", rows[i].line, p.err.text);
		const char *found[] = {args_value(&p.args, "limit"), args_value(&p.args, "colour"),
				       args_operand(&p.args, 0), args_operand(&p.args, 1)};
		const char *expected[] = {rows[i].limit, rows[i].colour, rows[i].first,
					  rows[i].second};

		for (size_t k = 0; k < COUNT(found); k++) {
			assert_int_equal(!found[k], !expected[k]);
			if (found[k])
				assert_string_equal(found[k], expected[k]);
		}
		assert_int_equal(args_has(&p.args, "follow"), rows[i].follow);
		assert_int_equal(args_has(&p.args, "quiet"), rows[i].quiet);
	}
}

static void test_words_refused(void **state)
{
	static const struct {
		const char *line, *message;
	} rows[] = {
		{"a b c", "'c' is too much: belfry paint [WALL] [WALL]"},
		{"--limits 3", "there is no option --limits; did you mean --limit?"},
		{"--sever x", "there is no option --sever; did you mean --server?"},
		{"--zzzzzzzzz", "there is no option --zzzzzzzzz"},
		{"--=x", "there is no option --"},
		{"-x", "there is no option -x"},
		{"-fx", "there is no option -x"},
		{"--limit", "--limit needs a value: --limit N"},
		{"-n", "-n needs a value: -n N"},
		{"-fn", "-n needs a value: -n N"},
		{"--follow=1", "--follow takes no value"},
		{"--colour blue", "--colour takes one of red, green, not 'blue'"},
		{"--colour ''", "--colour takes one of red, green, not ''"},
		{"-f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f -f "
		 "-f "
		 "-f -f -f -f -f",
		 "too many options"},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		parse(&p, rows[i].line);
		assert_false(p.ok);
		assert_string_equal(p.err.text, rows[i].message);
	}
}

static void test_help_is_heard_whatever_else_is_wrong(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "-h a b c d");
	assert_true(p.ok && p.args.wants_help);
	parse(&p, "a --help");
	assert_true(p.ok && p.args.wants_help);
	parse(&p, "-- --help");
	assert_true(p.ok && !p.args.wants_help);
}

static void test_values_read(void **state)
{
	struct parsed p;
	int64_t value;

	(void)state;
	parse(&p, "-n 10 --wait 1m30s");
	assert_true(args_number(&p.args, "limit", 1, 10, 3, &value, &p.err));
	assert_int_equal(value, 10);
	assert_false(args_number(&p.args, "limit", 1, 9, 3, &value, &p.err));
	assert_string_equal(p.err.text, "--limit takes a whole number from 1 to 9, not '10'");
	assert_true(args_duration(&p.args, "wait", 7, &value, &p.err));
	assert_int_equal(value, 90000);
	parse(&p, "--wait 1h90m -n 1x");
	assert_false(args_number(&p.args, "limit", 1, 9, 3, &value, &p.err));
	parse(&p, "--wait soon");
	assert_false(args_duration(&p.args, "wait", 7, &value, &p.err));
	assert_true(args_number(&p.args, "limit", 1, 9, 3, &value, &p.err));
	assert_int_equal(value, 3);
	parse(&p, "");
	assert_true(args_duration(&p.args, "wait", 7, &value, &p.err));
	assert_int_equal(value, 7);
}

/* ---- terminal ---- */

static void test_text_is_made_harmless(void **state)
{
	static const struct {
		const char *text, *shown;
		size_t columns;
	} rows[] = {
		{"", "", 0},
		{"plain", "plain", 5},
		{"a\tb\nc\033[2J", "a?b?c?[2J", 9},
		{"\177", "?", 1},
		{"\xc2\x9b"
		 "2J",
		 "?2J", 3},
		{"é…", "é…", 2},
		{"\xff\xc3", "??", 2},
		{"\xed\xa0\x80", "???", 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out = {0};

		terminal_add(&out, OUTPUT_STDOUT, STYLE_PLAIN, rows[i].text);
		assert_string_equal(buf_string(&out), rows[i].shown);
		assert_int_equal(terminal_columns(rows[i].text), rows[i].columns);
		buf_finish(&out);
	}
}

static void test_text_is_cut(void **state)
{
	static const struct {
		const char *text;
		size_t most;
		const char *shown;
		size_t columns;
	} rows[] = {
		{"Glocke", 6, "Glocke", 6},
		{"Glocke", 5, "Gloc…", 5},
		{"Glocke", 1, "…", 1},
		{"ééé", 2, "é…", 2},
		{"", 1, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out = {0};

		assert_int_equal(terminal_add_cut(&out, OUTPUT_STDOUT, STYLE_PLAIN, rows[i].text,
						  rows[i].most),
				 rows[i].columns);
		assert_string_equal(buf_string(&out), rows[i].shown);
		buf_finish(&out);
	}
}

/* ---- tables ---- */

static void test_table(void **state)
{
	static const struct table_column columns[] = {
		{.title = "NAME"}, {.title = "N", .is_right = true}, {.title = ""}};
	struct buf out = {0};
	struct table table;

	(void)state;
	table_init(&table, columns, COUNT(columns));
	table_write(&table, &out);
	assert_string_equal(buf_string(&out), "NAME  N\n");
	table_add(&table, STYLE_GOOD, "é");
	table_format(&table, STYLE_PLAIN, "%d", 1000);
	table_add(&table, STYLE_PLAIN, "");
	table_add(&table, STYLE_PLAIN, "longest");
	table_add(&table, STYLE_PLAIN, NULL);
	table_add(&table, STYLE_BAD, "why\n");
	assert_int_equal(table_rows(&table), 2);
	buf_clear(&out);
	table_write(&table, &out);
	assert_string_equal(buf_string(&out), "NAME        N\n"
					      "é        1000\n"
					      "longest     -  why?\n");
	table_finish(&table);
	buf_finish(&out);
}

static void test_large_table(void **state)
{
	static const struct table_column columns[] = {{.title = "A"}};
	struct buf out = {0};
	struct table table;

	(void)state;
	table_init(&table, columns, 1);
	for (int i = 0; i < 5000; i++)
		table_format(&table, STYLE_PLAIN, "%d", i % 10);
	table_write(&table, &out);
	assert_int_equal(out.length, 2 * 5001);
	table_finish(&table);
	buf_finish(&out);
}

/* One of each kind of column, for every width that it may have to fit. */
static void test_narrow_table(void **state)
{
	static const struct table_column columns[] = {
		{.title = "ID"},
		{.title = "NAME", .least = 10, .rank = 1},
		{.title = "INSTANT", .brief = "AT", .may_go = true, .rank = 1},
		{.title = "", .wraps = true, .rank = 2}};
	static const struct {
		size_t room;
		const char *text;
	} rows[] = {
		{0, "ID   NAME              INSTANT\n"
		    "123  a-very-long-name  2026-11-23  some words that say why\n"
		    "4    b                 -           -\n"},
		{50, "ID   NAME         INSTANT\n"
		     "123  a-very-lon…  2026-11-23  some words that say\n"
		     "                              why\n"
		     "4    b            -           -\n"},
		{30, "ID   NAME              AT\n"
		     "123  a-very-long-name  11-23\n"
		     "    some words that say why\n"
		     "4    b                 -\n"},
		{25, "ID   NAME           AT\n"
		     "123  a-very-long-…  11-23\n"
		     "    some words that say\n"
		     "    why\n"
		     "4    b              -\n"},
		{16, "ID   NAME\n"
		     "123  a-very-lon…\n"
		     "    some words\n"
		     "    that say why\n"
		     "4    b\n"},
		{12, "ID   NAME\n"
		     "123  a-very…\n"
		     "    some\n"
		     "    words\n"
		     "    that say\n"
		     "    why\n"
		     "4    b\n"},
	};
	struct buf out = {0};
	struct table table;

	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	table_init(&table, columns, COUNT(columns));
	table_add(&table, STYLE_PLAIN, "123");
	table_add(&table, STYLE_PLAIN, "a-very-long-name");
	table_add_brief(&table, STYLE_PLAIN, "2026-11-23", "11-23");
	table_add(&table, STYLE_PLAIN, "some words that say why");
	table_add(&table, STYLE_PLAIN, "4");
	table_add(&table, STYLE_PLAIN, "b");
	table_add(&table, STYLE_PLAIN, NULL);
	table_add(&table, STYLE_PLAIN, NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		table_write_to(&table, rows[i].room, &out);
		assert_string_equal(buf_string(&out), rows[i].text);
	}
	table_finish(&table);
	buf_finish(&out);
}

static void test_wrapped_text(void **state)
{
	static const struct {
		size_t width;
		const char *text, *wrapped;
	} rows[] = {
		{0, "one two three four", "one two three four"},
		{20, "one two three four", "one two three four"},
		{13, "one two three four\n", "one two three\n    four\n"},
		{12, "one two three four", "one two\n    three\n    four"},
		{9, "abcdefghijklmnop", "abcdefghi\n    jklmn\n    op"},
		{20, "  -a  does this and that\nok", "  -a  does this and\n      that\nok"},
		{12, "\033[1mone\033[0m two \033[2mthree four\033[0m",
		 "\033[1mone\033[0m two\033[2m\n    three\n    four\033[0m"},
		{9, "éé éé éé éé", "éé éé éé\n    éé"},
	};

	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf text = {0};

		buf_text(&text, rows[i].text);
		wrap_text(&text, rows[i].width);
		assert_string_equal(buf_string(&text), rows[i].wrapped);
		buf_finish(&text);
	}
}

/* ---- times ---- */

static void test_relative_times(void **state)
{
	static const struct {
		int64_t ago_s;
		const char *text;
	} rows[] = {
		{0, "just now"},      {1, "1s ago"},      {59, "59s ago"},     {60, "1m ago"},
		{3599, "59m ago"},    {3600, "1h ago"},   {172799, "47h ago"}, {172800, "2d ago"},
		{-12 * 60, "in 12m"}, {-86400, "in 24h"},
	};
	struct utc now = {INT64_C(1774746000000)};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out = {0};

		when_relative(&out, utc_add(now, -rows[i].ago_s * 1000), now);
		assert_string_equal(buf_string(&out), rows[i].text);
		buf_finish(&out);
	}
}

static void test_durations(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{-5, "0.0s"},       {0, "0.0s"},         {249, "0.2s"},        {9999, "9.9s"},
		{10000, "10s"},     {59999, "59s"},      {60000, "1m00s"},     {185000, "3m05s"},
		{7800000, "2h10m"}, {86400000, "1d00h"}, {273600000, "3d04h"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out = {0};

		when_took(&out, rows[i].ms);
		assert_string_equal(buf_string(&out), rows[i].text);
		buf_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_taken),
		cmocka_unit_test(test_words_refused),
		cmocka_unit_test(test_help_is_heard_whatever_else_is_wrong),
		cmocka_unit_test(test_values_read),
		cmocka_unit_test(test_text_is_made_harmless),
		cmocka_unit_test(test_text_is_cut),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_large_table),
		cmocka_unit_test(test_narrow_table),
		cmocka_unit_test(test_wrapped_text),
		cmocka_unit_test(test_relative_times),
		cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
