/*
 * test_files.c - every file in bad/ and good/ has exactly the findings written in the
 * text file beside it:  LINE:COLUMN+LENGTH PATH SEVERITY [JOB]: MESSAGE
 *
 * To write the text files anew after a change of wording, run this test with
 * BELFRY_REGENERATE=1 and read the difference by eye: it says what users will see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "world.h"
#include "zoneinfo.h"

static struct zoneinfo *zones;

static void write_findings(const struct findings *findings, struct buf *out)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->items[i];

		buf_format(out, "%u:%u+%u %s %s", f->line, f->column, f->length,
			   *f->path ? f->path : "-",
			   f->severity == SEVERITY_ERROR ? "error" : "warning");
		if (f->job)
			buf_format(out, " [%s]", f->job);
		buf_format(out, ": %s\n", f->message);
		if (f->excerpt)
			buf_format(out, "    %s\n    %*s^\n", f->excerpt,
				   (int)f->excerpt_column - 1, "");
	}
}

/* Whether the file was accepted. */
static bool findings_of(const char *path, struct buf *out)
{
	struct config_world world = stub_world(zoneinfo_source(zones));
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};
	char *text;
	size_t length;
	struct err err;

	if (!config_read(path, &text, &length, &err))
		fail_msg("%s", err.text);
	struct config *config = config_parse(text, length, &world, &findings);
	bool ok = config != NULL;
	assert_int_equal(ok, findings.errors == 0);
	write_findings(&findings, out);
	config_destroy(config);
	arena_finish(&arena);
	free(text);
	return ok;
}

static void write_expected(const char *path, const struct buf *text)
{
	FILE *stream = fopen(path, "we");

	assert_non_null(stream);
	fputs(buf_string(text), stream);
	assert_int_equal(fclose(stream), 0);
}

static int compare(const char *path, bool is_good)
{
	struct buf found = {0};
	char expected_path[1024];
	char *expected;
	size_t length;
	struct err err;

	snprintf(expected_path, sizeof(expected_path), "%.*s.txt", (int)(strlen(path) - 5), path);
	bool ok = findings_of(path, &found);
	if (getenv("BELFRY_REGENERATE"))
		write_expected(expected_path, &found);
	if (!config_read(expected_path, &expected, &length, &err))
		fail_msg("%s", err.text);
	bool is_same = strcmp(expected, buf_string(&found)) == 0;
	if (!is_same)
		print_error("%s: expected\n%s\nfound\n%s\n", path, expected, buf_string(&found));
	if (ok != is_good)
		print_error("%s: %s\n", path, ok ? "was accepted" : "was refused");
	/* Nothing that came from the environment may ever show. */
	bool is_leak = strstr(buf_string(&found), SECRET) != NULL;
	free(expected);
	buf_finish(&found);
	return !is_same || ok != is_good || is_leak;
}

static int compare_all(const char *folder, bool is_good, int *files)
{
	char directory[512], path[1024];
	int mistakes = 0;

	snprintf(directory, sizeof(directory), "%s/%s", TEST_CONFIG, folder);
	DIR *dir = opendir(directory);
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		size_t length = strlen(entry->d_name);

		if (length < 5 || strcmp(entry->d_name + length - 5, ".json") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		mistakes += compare(path, is_good);
		(*files)++;
	}
	closedir(dir);
	return mistakes;
}

static void bad_files_have_exact_findings(void **state)
{
	int files = 0;

	(void)state;
	assert_int_equal(compare_all("bad", false, &files), 0);
	assert_true(files >= 40);
}

static void good_files_have_exact_warnings(void **state)
{
	int files = 0;

	(void)state;
	assert_int_equal(compare_all("good", true, &files), 0);
	assert_true(files >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files_have_exact_findings),
		cmocka_unit_test(good_files_have_exact_warnings),
	};

	zones = zoneinfo_create(NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	zoneinfo_destroy(zones);
	return failed;
}
