/*
 * test_errors.c - the exact text of errors: errors.txt holds each bad expression, and
 * below it where the error points and what it says.
 *
 *	0 10 * * 8
 *	         ^ day-of-week 8 is out of range 0-7 (0 and 7 are Sunday)
 *
 * With an argument it writes the file's text anew, from the expressions of the file
 * named, to standard output: for whoever changed a message and has read the new ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "schedule.h"
#include "zoneinfo.h"

enum { LINE_MAX_BYTES = 2048, LEAST_ROWS = 120 };

/* The line below the expression; "fires" if there is no error. */
static void describe(const char *expression, struct buf *out)
{
	struct zoneinfo *zones = zoneinfo_create(NULL);
	struct schedule_context context = {.job_name = "job", .zones = zoneinfo_source(zones)};
	struct schedule_error error = {0};
	const struct schedule *schedule;
	struct arena arena = {0};

	if (schedule_parse_cron(&arena, expression, strlen(expression), &context, &schedule, &error,
				1)) {
		for (size_t i = 1; i < error.column; i++)
			buf_char(out, ' ');
		for (size_t i = 0; i == 0 || i < error.length; i++)
			buf_char(out, '^');
		buf_format(out, " %s", error.message);
	} else {
		buf_text(out, "fires");
	}
	arena_finish(&arena);
	zoneinfo_destroy(zones);
}

/* Lines in pairs; an empty line or a comment ("# …") stands between pairs only. */
static bool read_line(FILE *file, char line[LINE_MAX_BYTES])
{
	if (!fgets(line, LINE_MAX_BYTES, file))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static bool is_between(const char *line)
{
	return !*line || strncmp(line, "# ", 2) == 0;
}

static void texts_are_exact(void **state)
{
	FILE *file = fopen(TEST_DIRECTORY "/schedule/errors.txt", "re");
	char expression[LINE_MAX_BYTES], expected[LINE_MAX_BYTES];
	int rows = 0;

	(void)state;
	assert_non_null(file);
	while (read_line(file, expression)) {
		struct buf found = {0};

		if (is_between(expression))
			continue;
		assert_true(read_line(file, expected));
		describe(expression, &found);
		if (strcmp(buf_string(&found), expected) != 0)
			fail_msg("%s\nexpected %s\nfound    %s", expression, expected,
				 buf_string(&found));
		buf_finish(&found);
		rows++;
	}
	fclose(file);
	assert_true(rows >= LEAST_ROWS);
}

static int write_anew(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MAX_BYTES], old[LINE_MAX_BYTES];

	if (!file) {
		perror(path);
		return 1;
	}
	while (read_line(file, line)) {
		struct buf found = {0};

		puts(line);
		if (is_between(line) || !read_line(file, old))
			continue;
		describe(line, &found);
		puts(buf_string(&found));
		buf_finish(&found);
	}
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_exact)};

	return argc > 1 ? write_anew(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
