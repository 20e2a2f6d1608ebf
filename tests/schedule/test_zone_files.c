/*
 * test_zone_files.c - zone files that change under a loader: which changes are
 * noticed, what stays where a file is none any more, and where to watch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zoneinfo.h"

struct scene {
	char folder[64]; /* its "zones" is the loader's directory */
	struct zoneinfo *zoneinfo;
	struct buf news;
	struct arena arena;
};

static int begin(void **state)
{
	struct scene *scene = test_calloc(1, sizeof(*scene));
	char zones[128];

	strcpy(scene->folder, "/tmp/belfry-zone-files-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	snprintf(zones, sizeof(zones), "%s/zones", scene->folder);
	assert_int_equal(mkdir(zones, 0700), 0);
	scene->zoneinfo = zoneinfo_create(zones);
	*state = scene;
	return 0;
}

static int end(void **state)
{
	struct scene *scene = *state;
	char command[128];

	zoneinfo_destroy(scene->zoneinfo);
	buf_finish(&scene->news);
	arena_finish(&scene->arena);
	snprintf(command, sizeof(command), "rm -r %s", scene->folder);
	assert_int_equal(system(command), 0);
	test_free(scene);
	return 0;
}

static const char *path_of(struct scene *scene, const char *name)
{
	return arena_format(&scene->arena, "%s/%s", scene->folder, name);
}

static void write_bytes(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* Puts a file in place by rename, as a package manager does. */
static void put(struct scene *scene, const char *name, const void *bytes, size_t length)
{
	const char *fresh = path_of(scene, "new");

	write_bytes(fresh, bytes, length);
	assert_int_equal(rename(fresh, path_of(scene, name)), 0);
}

/* A zone that is nothing but its footer. */
static void put_zone(struct scene *scene, const char *name, const char *rule)
{
	static const char block[54] = {
		'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4, [50] = 'U', 'T', 'C'};
	struct buf file = {0};

	buf_add(&file, block, sizeof(block));
	buf_add(&file, block, sizeof(block));
	buf_format(&file, "\n%s\n", rule);
	put(scene, name, file.data, file.length);
	buf_finish(&file);
}

static const struct zone *get(struct scene *scene, const char *name)
{
	const struct zone_source *source = zoneinfo_source(scene->zoneinfo);
	struct err err;
	const struct zone *zone = source->get(source->context, name, &err);

	if (!zone)
		fail_msg("%s: %s", name, err.text);
	return zone;
}

static int hours(const struct zone *zone)
{
	return zone_offset(zone, 1767225600) / 3600;
}

static void on_news(void *context, enum zone_news news, const char *name, const char *why)
{
	static const char *const words[] = {"changed", "lost", "found"};
	struct scene *scene = context;

	buf_format(&scene->news, "%s %s%s%s\n", words[news], name, why ? ": " : "", why ? why : "");
}

/* The news of one look; the folder's name, which is another each time, left out. */
static void expect(struct scene *scene, const char *news)
{
	buf_clear(&scene->news);
	size_t changed = zoneinfo_look(scene->zoneinfo, on_news, scene), told = 0;
	char *text = arena_text(&scene->arena, buf_string(&scene->news));

	for (char *at; (at = strstr(text, scene->folder));)
		memmove(at, at + strlen(scene->folder), strlen(at + strlen(scene->folder)) + 1);
	assert_string_equal(text, news);
	for (const char *at = text; (at = strstr(at, "changed ")); at++)
		told++;
	assert_int_equal(changed, told);
}

static void other_rules_take_the_place_of_the_old(void **state)
{
	struct scene *scene = *state;

	put_zone(scene, "zones/One", "<+01>-1");
	put_zone(scene, "zones/Two", "<+02>-2");
	const struct zone *old = get(scene, "One"), *two = get(scene, "Two");
	expect(scene, "");
	put_zone(scene, "zones/One", "<+03>-3");
	assert_ptr_equal(get(scene, "One"), old); /* until somebody looks */
	expect(scene, "changed One\n");
	const struct zone *fresh = get(scene, "One");
	assert_int_equal(hours(fresh), 3);
	assert_ptr_equal(get(scene, "Two"), two);
	assert_int_equal(hours(old), 1); /* lives on while it may be in use */
	assert_true(zone_rules(old) != zone_rules(fresh));
	expect(scene, "");

	zoneinfo_use(scene->zoneinfo, old);
	zoneinfo_use(scene->zoneinfo, fresh);
	zoneinfo_use(scene->zoneinfo, zone_utc());
	zoneinfo_sweep(scene->zoneinfo);
	assert_int_equal(hours(old), 1);
	assert_ptr_equal(get(scene, "One"), fresh);
	zoneinfo_use(scene->zoneinfo, fresh);
	zoneinfo_sweep(scene->zoneinfo);
	assert_ptr_equal(get(scene, "One"), fresh);
}

static void the_same_rules_are_no_news(void **state)
{
	struct scene *scene = *state;

	put_zone(scene, "zones/One", "<+01>-1");
	const struct zone *zone = get(scene, "One");
	put_zone(scene, "zones/One", "<+01>-1"); /* another file */
	expect(scene, "");
	put_zone(scene, "zones/One", "CET-1"); /* another name for the same time */
	expect(scene, "");
	assert_int_equal(chmod(path_of(scene, "zones/One"), 0400), 0);
	expect(scene, "");
	assert_ptr_equal(get(scene, "One"), zone);
	put_zone(scene, "zones/One", "CET-1CEST,J100,J300"); /* the same but in summer */
	expect(scene, "changed One\n");
}

static void a_lost_file_leaves_its_last_rules(void **state)
{
	struct scene *scene = *state;
	struct buf lost = {0};

	put_zone(scene, "zones/One", "<+01>-1");
	const struct zone *zone = get(scene, "One");
	assert_int_equal(unlink(path_of(scene, "zones/One")), 0);
	expect(scene, "lost One: there is no zone of that name in /zones\n");
	expect(scene, "");
	assert_ptr_equal(get(scene, "One"), zone);
	zoneinfo_lost(scene->zoneinfo, 20, &lost);
	assert_non_null(strstr(buf_string(&lost), "One: there is no zone of that name in "));
	put_zone(scene, "zones/One", "<+01>-1");
	expect(scene, "found One\n");
	assert_ptr_equal(get(scene, "One"), zone);
	buf_clear(&lost);
	zoneinfo_lost(scene->zoneinfo, 20, &lost);
	assert_int_equal(lost.length, 0);

	assert_int_equal(rename(path_of(scene, "zones"), path_of(scene, "away")), 0);
	expect(scene, "lost One: there is no zone of that name in /zones\n");
	assert_int_equal(mkdir(path_of(scene, "zones"), 0700), 0);
	expect(scene, "");
	put_zone(scene, "zones/One", "<+04>-4");
	expect(scene, "changed One\n");
	assert_int_equal(hours(get(scene, "One")), 4);
	zoneinfo_lost(scene->zoneinfo, 20, &lost);
	assert_int_equal(lost.length, 0);
	buf_finish(&lost);
}

static void a_hostile_file_is_refused(void **state)
{
	struct scene *scene = *state;
	const char *path = path_of(scene, "zones/One");

	put_zone(scene, "zones/One", "<+01>-1");
	const struct zone *zone = get(scene, "One");
	put(scene, "zones/One", "", 0);
	expect(scene, "lost One: /zones/One: ends inside the header at byte 0\n");
	expect(scene, "");
	put_zone(scene, "zones/One", "XYZ");
	expect(scene, "lost One: /zones/One: the footer's rule is wrong at its byte 4\n");
	expect(scene, "");

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect(scene, "lost One: /zones/One: is no regular file\n");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	expect(scene, ""); /* for the same reason still */
	assert_int_equal(rmdir(path), 0);
	write_bytes(path, "TZif", 4);
	assert_int_equal(truncate(path, 1 << 21), 0);
	expect(scene, "lost One: /zones/One: has 2097152 bytes; no zone is as large\n");
	assert_ptr_equal(get(scene, "One"), zone);
	put_zone(scene, "zones/One", "<+01>-1");
	expect(scene, "found One\n");
}

/* Whoever overwrites a file in place is noticed too. */
static void a_file_written_in_place(void **state)
{
	struct scene *scene = *state;
	FILE *file;

	put_zone(scene, "zones/One", "<+01>-1");
	get(scene, "One");
	file = fopen(path_of(scene, "zones/One"), "r+e");
	assert_non_null(file);
	assert_int_equal(fseek(file, 2 * 54 + 1, SEEK_SET), 0);
	fputs("<+02>-2\n", file); /* as long as before */
	assert_int_equal(fclose(file), 0);
	/* A clock tick may be as long as 10 ms; times are what tells this change. */
	struct stat st;
	struct timespec later[2];
	assert_int_equal(stat(path_of(scene, "zones/One"), &st), 0);
	later[0] = later[1] = (struct timespec){st.st_mtim.tv_sec + 1, 0};
	assert_int_equal(utimensat(AT_FDCWD, path_of(scene, "zones/One"), later, 0), 0);
	expect(scene, "changed One\n");
}

static void zones_out_of_use_are_let_go(void **state)
{
	struct scene *scene = *state;

	put_zone(scene, "zones/One", "<+01>-1");
	put_zone(scene, "zones/Two", "<+02>-2");
	zoneinfo_use(scene->zoneinfo, get(scene, "One"));
	get(scene, "Two");
	zoneinfo_sweep(scene->zoneinfo);
	assert_int_equal(unlink(path_of(scene, "zones/Two")), 0);
	assert_int_equal(unlink(path_of(scene, "zones/One")), 0);
	expect(scene, "lost One: there is no zone of that name in /zones\n");
}

/* The folders to watch, in the order they come, without the scene's own name. */
static void expect_folders(struct scene *scene, const char *name, const char *expected)
{
	struct zone_folders folders = {0};
	struct buf text = {0};

	zone_folders_add(&folders, &scene->arena, path_of(scene, "zones"), name);
	size_t count = folders.count;
	zone_folders_add(&folders, &scene->arena, path_of(scene, "zones"), name);
	assert_int_equal(folders.count, count);
	for (size_t i = 0; i < folders.count; i++) {
		assert_int_equal(strncmp(folders.paths[i], scene->folder, strlen(scene->folder)),
				 0);
		buf_format(&text, "%s ", folders.paths[i] + strlen(scene->folder));
	}
	assert_string_equal(buf_string(&text), expected);
	buf_finish(&text);
}

static void folders_to_watch(void **state)
{
	struct scene *scene = *state;

	put_zone(scene, "zones/One", "<+01>-1");
	expect_folders(scene, "One", "/zones ");
	assert_int_equal(mkdir(path_of(scene, "zones/Area"), 0700), 0);
	put_zone(scene, "zones/Area/Two", "<+02>-2");
	expect_folders(scene, "Area/Two", "/zones /zones/Area ");
	/* a file that is a link, a folder that is one */
	assert_int_equal(symlink("../Area/Two", path_of(scene, "zones/Area/Three")), 0);
	expect_folders(scene, "Area/Three", "/zones /zones/Area ");
	assert_int_equal(symlink("Area/Two", path_of(scene, "zones/Four")), 0);
	expect_folders(scene, "Four", "/zones /zones/Area ");
	assert_int_equal(rename(path_of(scene, "zones"), path_of(scene, "real")), 0);
	assert_int_equal(symlink("real", path_of(scene, "zones")), 0);
	expect_folders(scene, "Area/Two", " /zones /zones/Area /real/Area ");
	/* what is not there may come */
	expect_folders(scene, "Area/None", " /zones /zones/Area ");
	expect_folders(scene, "No/None", " /zones ");
	assert_int_equal(unlink(path_of(scene, "zones")), 0);
	expect_folders(scene, "Area/Two", " ");
}

static void folders_of_all_zones(void **state)
{
	struct scene *scene = *state;
	struct zone_folders folders = {0};

	assert_int_equal(mkdir(path_of(scene, "zones/Area"), 0700), 0);
	put_zone(scene, "zones/Area/Two", "<+02>-2");
	put_zone(scene, "zones/Area/Three", "<+03>-3");
	get(scene, "Area/Two");
	get(scene, "Area/Three");
	zoneinfo_folders(scene->zoneinfo, &scene->arena, &folders);
	assert_int_equal(folders.count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(other_rules_take_the_place_of_the_old),
		TEST(the_same_rules_are_no_news),
		TEST(a_lost_file_leaves_its_last_rules),
		TEST(a_hostile_file_is_refused),
		TEST(a_file_written_in_place),
		TEST(zones_out_of_use_are_let_go),
		TEST(folders_to_watch),
		TEST(folders_of_all_zones),
	};

	return cmocka_run_group_tests_name("zone files", tests, NULL, NULL);
}
