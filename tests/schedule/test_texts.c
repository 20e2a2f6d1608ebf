/*
 * test_texts.c - the exact texts people read: what is wrong with an expression
 * (errors.txt), what one means and how else it can be written (explain.txt), what is
 * legal but likely unmeant, in Europe/Paris in the year from 2026-11-25 (lints.txt).
 *
 *	0 10 * * 8
 *	         ^ day-of-week 8 is out of range 0-7 (0 and 7 are Sunday)
 *
 *	0 10 * * 1
 *	at 10:00 every Monday = {"every":"week","weekday":"monday","time":"10:00"}
 *
 * Named what to tell (errors, explain, lints) and a file of the same shape, it writes that
 * file anew to standard output: for whoever changed a text and is going to read the new
 * ones.
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

enum { LINE_MAX_BYTES = 2048 };
#define NOW ((struct utc){INT64_C(1795600800000)}) /* 2026-11-25T10:00:00Z */

/* ---- what is told of a schedule: the line below the expression ---- */

static void mark(const struct schedule_error *where, struct buf *out)
{
	for (size_t i = 1; i < where->column; i++)
		buf_char(out, ' ');
	for (size_t i = 0; i == 0 || i < where->length; i++)
		buf_char(out, '^');
	buf_format(out, " %s", where->message);
}

static void tell_error(const struct schedule *schedule, const struct schedule_error *error,
		       struct buf *out)
{
	if (schedule)
		buf_text(out, "fires");
	else
		mark(error, out);
}

static void tell_words(const struct schedule *schedule, const struct schedule_error *error,
		       struct buf *out)
{
	if (!schedule) {
		mark(error, out);
		return;
	}
	schedule_explain(schedule, out);
	buf_text(out, " = ");
	if (!schedule_equivalent(schedule, out))
		buf_text(out, "no other form");
}

static void add_lint(void *context, const struct schedule_error *warning)
{
	struct buf *out = context;

	if (out->length)
		buf_text(out, " | ");
	mark(warning, out);
}

static void tell_lints(const struct schedule *schedule, const struct schedule_error *error,
		       struct buf *out)
{
	if (schedule)
		schedule_lint(schedule, NOW, add_lint, out);
	else
		mark(error, out);
	if (!out->length)
		buf_text(out, "nothing to say");
}

static const struct telling {
	const char *name;
	void (*tell)(const struct schedule *, const struct schedule_error *, struct buf *);
	const char *zone;
	int least; /* rows */
} tellings[] = {
	{"errors", tell_error, "UTC", 120},
	{"explain", tell_words, "UTC", 200},
	{"lints", tell_lints, "Europe/Paris", 30},
};
enum { TELLINGS = sizeof(tellings) / sizeof(tellings[0]) };

static void tell(const struct telling *telling, const char *expression, struct buf *out)
{
	struct zoneinfo *zones = zoneinfo_create(NULL);
	const struct zone_source *source = zoneinfo_source(zones);
	struct schedule_context context = {.job_name = "job", .zones = source};
	struct schedule_error error = {0};
	const struct schedule *schedule = NULL;
	struct arena arena = {0};

	context.zone = source->get(source->context, telling->zone, NULL);
	size_t errors = schedule_parse_cron(&arena, expression, strlen(expression), &context,
					    &schedule, &error, 1);
	telling->tell(errors ? NULL : schedule, &error, out);
	arena_finish(&arena);
	zoneinfo_destroy(zones);
}

/* ---- the files ---- */

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
	const struct telling *telling = *state;
	char path[256];
	char expression[LINE_MAX_BYTES], expected[LINE_MAX_BYTES];
	int rows = 0;

	snprintf(path, sizeof(path), "%s/schedule/%s.txt", TEST_DIRECTORY, telling->name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (read_line(file, expression)) {
		struct buf found = {0};

		if (is_between(expression))
			continue;
		assert_true(read_line(file, expected));
		tell(telling, expression, &found);
		if (strcmp(buf_string(&found), expected) != 0)
			fail_msg("%s\nexpected %s\nfound    %s", expression, expected,
				 buf_string(&found));
		buf_finish(&found);
		rows++;
	}
	fclose(file);
	assert_true(rows >= telling->least);
}

static int write_anew(const struct telling *telling, const char *path)
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
		tell(telling, line, &found);
		puts(buf_string(&found));
		buf_finish(&found);
	}
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[TELLINGS];

	for (size_t i = 0; i < TELLINGS; i++) {
		if (argc > 2 && strcmp(argv[1], tellings[i].name) == 0)
			return write_anew(&tellings[i], argv[2]);
		tests[i] = (struct CMUnitTest){tellings[i].name, texts_are_exact, NULL, NULL,
					       (void *)(uintptr_t)&tellings[i]};
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
