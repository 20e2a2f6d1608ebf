/*
 * test_texts.c - the exact texts people read: what is wrong with an expression
 * (errors.txt), what one means and how else it can be written (explain.txt).
 *
 *	0 10 * * 8
 *	         ^ day-of-week 8 is out of range 0-7 (0 and 7 are Sunday)
 *
 *	0 10 * * 1
 *	at 10:00 every Monday = {"every":"week","weekday":"monday","time":"10:00"}
 *
 * Named a file of the same shape, it writes that file anew to standard output: for
 * whoever changed a text and is going to read the new ones.
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

static void point_at(const struct schedule_error *error, struct buf *out)
{
	for (size_t i = 1; i < error->column; i++)
		buf_char(out, ' ');
	for (size_t i = 0; i == 0 || i < error->length; i++)
		buf_char(out, '^');
	buf_format(out, " %s", error->message);
}

static void put_into_words(const struct schedule *schedule, struct buf *out)
{
	schedule_explain(schedule, out);
	buf_text(out, " = ");
	if (!schedule_equivalent(schedule, out))
		buf_text(out, "no other form");
}

/* The line below the expression. */
static void describe(const char *expression, struct buf *out)
{
	struct zoneinfo *zones = zoneinfo_create(NULL);
	struct schedule_context context = {.job_name = "job", .zones = zoneinfo_source(zones)};
	struct schedule_error error = {0};
	const struct schedule *schedule;
	struct arena arena = {0};

	if (schedule_parse_cron(&arena, expression, strlen(expression), &context, &schedule, &error,
				1))
		point_at(&error, out);
	else
		put_into_words(schedule, out);
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
	FILE *file = fopen(*state, "re");
	char expression[LINE_MAX_BYTES], expected[LINE_MAX_BYTES];
	int rows = 0;

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
	static char errors[] = TEST_DIRECTORY "/schedule/errors.txt",
		    explain[] = TEST_DIRECTORY "/schedule/explain.txt";
	const struct CMUnitTest tests[] = {
		{"errors", texts_are_exact, NULL, NULL, errors},
		{"explain", texts_are_exact, NULL, NULL, explain},
	};

	return argc > 1 ? write_anew(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
