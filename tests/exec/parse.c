/* parse.c - what the process executor reads: result lines and env files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "env_file.h"
#include "result_line.h"
#include "utf8.h"

/* ---- result lines ---- */

static struct result_line feed(const char *text, size_t length, size_t piece)
{
	struct result_line result = {0};

	for (size_t at = 0; at < length; at += piece) {
		size_t left = length - at;

		result_line_feed(&result, text + at, left < piece ? left : piece);
	}
	result_line_end(&result);
	return result;
}

static void cut_anywhere(void **state)
{
	static const char text[] = "begin\n"
				   "{\"event\":\"result\",\"processed\":1}\n"
				   "{\"event\":\"log\",\"processed\":7}\n"
				   "\t{\"event\":\"result\",\"processed\":120,\"failed\":2,"
				   "\"message\":\"2 \xc3\xa9\"}\r\n"
				   "end";

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct result_line result = feed(text, sizeof(text) - 1, piece);

		assert_true(result.has_result);
		assert_int_equal(120, result.processed);
		assert_int_equal(2, result.failed);
		assert_string_equal("2 \xc3\xa9", result.message);
		result_line_finish(&result);
	}
}

static void none_of_these(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"{}",
		"\"result\"",
		"[{\"event\":\"result\"}]",
		"{\"event\":\"result\"",
		"{\"event\":\"result\"} x",
		"{\"event\":[\"result\"]}",
		"{\"Event\":\"result\"}",
		"{\"event\":\"result\",\"processed\":99999999999999999999999999}",
		"{\"event\":\n\"result\"}",
		"{\"event\":\"result\",\"message\":\"\xff\xfe\"}",
		"{\"event\":\"result\",\"message\":\"\\ud800\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct result_line result = feed(texts[i], strlen(texts[i]), 3);

		assert_false(result.has_result);
		result_line_finish(&result);
	}
}

static void memory_is_bounded(void **state)
{
	struct result_line result = {0};
	char data[4096];

	(void)state;
	memset(data, 'x', sizeof(data));
	result_line_feed(&result, "{\"result\":", 10);
	for (int i = 0; i < 10000; i++) { /* 40 MB without a newline */
		result_line_feed(&result, data, sizeof(data));
		assert_true(result.line.capacity <= 4 * RESULT_LINE_MAX);
	}
	result_line_feed(&result, "\n{\"event\":\"result\"}\n", 20);
	assert_true(result.has_result);
	result_line_finish(&result);
}

static void a_long_message_is_cut_between_characters(void **state)
{
	struct buf buf = {0};
	size_t bad;

	(void)state;
	buf_text(&buf, "{\"event\":\"result\",\"message\":\"x");
	for (int i = 0; i < 2000; i++)
		buf_text(&buf, "\xc3\xa9");
	buf_text(&buf, "\"}\n");
	struct result_line result = feed(buf.data, buf.length, 100);
	assert_true(result.has_result);
	assert_int_equal(RESULT_MESSAGE_MAX - 1, strlen(result.message));
	assert_true(utf8_valid(result.message, strlen(result.message), &bad));
	result_line_finish(&result);
	buf_finish(&buf);
}

/* ---- env files ---- */

static void collect(void *context, const char *name, const char *value)
{
	buf_format(context, "%s=<%s>", name, value);
}

static void assert_reads(const char *text, const char *expected)
{
	struct arena arena = {0};
	struct buf got = {0};
	struct err err = {""};

	if (!env_file_parse(text, strlen(text), &arena, collect, &got, &err)) {
		buf_clear(&got);
		buf_format(&got, "! %s", err.text);
	}
	assert_string_equal(expected, buf_string(&got));
	buf_finish(&got);
	arena_finish(&arena);
}

static void env_files(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"\n  # all comment\n\t\n", ""},
		{"A=1", "A=<1>"},
		{"A=1\r\nB=2\r\n", "A=<1>B=<2>"},
		{"export A=1\nexport=2", "A=<1>export=<2>"},
		{"  A = b c  # d", "A=<b c>"},
		{"A=b#c", "A=<b#c>"},
		{"A=#c", "A=<#c>"},
		{"A=\nB=\"\"\nC=''", "A=<>B=<>C=<>"},
		{"A='a \\n $B \"'", "A=<a \\n $B \">"},
		{"A=\"a\\n\\t\\\"\\\\\\$B\\x\"  # c", "A=<a\n\t\"\\$B\\x>"},
		{"A=$HOME", "A=<$HOME>"},
		{"A=1\nA=2", "A=<1>A=<2>"},
		{"_a9=\xc3\xa9", "_a9=<\xc3\xa9>"},
		{"A", "! line 1: not NAME=value; names are letters, digits and _"},
		{"\n=x", "! line 2: not NAME=value; names are letters, digits and _"},
		{"A-B=x", "! line 1: not NAME=value; names are letters, digits and _"},
		{"9=x", "! line 1: not NAME=value; names are letters, digits and _"},
		{"A=\"x\nB=\"", "! line 1: the quote is not closed on this line"},
		{"A=\"x\\\"", "! line 1: the quote is not closed on this line"},
		{"A='x'y", "! line 1: something follows the closing quote"},
		{"A='x'#y", "! line 1: something follows the closing quote"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_reads(rows[i][0], rows[i][1]);
}

static void nul_in_an_env_file(void **state)
{
	struct arena arena = {0};
	struct buf got = {0};
	struct err err;

	(void)state;
	assert_false(env_file_parse("A=1\nB=\0\n", 8, &arena, collect, &got, &err));
	assert_string_equal("line 2: has a NUL byte", err.text);
	buf_finish(&got);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(none_of_these),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(a_long_message_is_cut_between_characters),
		cmocka_unit_test(env_files),
		cmocka_unit_test(nul_in_an_env_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
