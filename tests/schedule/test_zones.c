/*
 * test_zones.c - every zone of the system against glibc, 1900 to 2100: at every
 * transition, a second before and after, and on a grid between; local readings
 * back to instants; files made fat and slim by zic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "zone_list.h"
#include "zoneinfo.h"

#define FROM_S    INT64_C(-2208988800) /* 1900-01-01 */
#define TO_S      INT64_C(4102444800)  /* 2100-01-01 */
#define SLIM_TO_S INT64_C(2145916800)  /* 2038-01-01 */
#define GRID_S    (INT64_C(40) * 86400 + 7001)

static struct zone_list names;

static const struct zone *zone_of(struct zoneinfo *zoneinfo, const char *name)
{
	const struct zone_source *source = zoneinfo_source(zoneinfo);
	struct err err = {{0}};
	const struct zone *zone = source->get(source->context, name, &err);

	if (!zone)
		fail_msg("%s: %s", name, err.text);
	return zone;
}

static void same_as_glibc(const struct zone *zone, int64_t utc_s)
{
	time_t t = utc_s;
	struct tm tm;

	localtime_r(&t, &tm);
	if (zone_offset(zone, utc_s) != tm.tm_gmtoff)
		fail_msg("%s at %lld: offset %d, glibc has %ld", zone_name(zone), (long long)utc_s,
			 zone_offset(zone, utc_s), tm.tm_gmtoff);
	if (strcmp(zone_abbreviation(zone, utc_s), tm.tm_zone) != 0)
		fail_msg("%s at %lld: %s, glibc has %s", zone_name(zone), (long long)utc_s,
			 zone_abbreviation(zone, utc_s), tm.tm_zone);
}

/* All instants that show a reading, by trying each offset near it. */
static int brute_instants(const struct zone *zone, int64_t local, int64_t found[2])
{
	int count = 0;

	for (int64_t offset = -16 * 3600; offset <= 16 * 3600 && count < 2; offset++) {
		int64_t utc_s = local + offset;

		if (utc_s + zone_offset(zone, utc_s) == local)
			found[count++] = utc_s;
	}
	return count;
}

static void readings_lead_back(const struct zone *zone, const struct zone_transition *t)
{
	const int32_t offsets[] = {t->offset_before, t->offset_after};

	for (int i = 0; i < 2; i++) {
		for (int64_t d = -1; d <= 1; d++) {
			int64_t local = t->utc_s + offsets[i] + d, want[2] = {0}, got[2] = {0};
			int count = zone_instants(zone, local, got);

			assert_int_equal(count, brute_instants(zone, local, want));
			assert_memory_equal(got, want, (size_t)count * sizeof(got[0]));
		}
	}
}

static void zones_agree_with_glibc(void **state)
{
	(void)state;
	struct zoneinfo *zoneinfo = zoneinfo_create(NULL);
	size_t transitions = 0;

	for (size_t i = 0; i < names.count; i++) {
		const struct zone *zone = zone_of(zoneinfo, names.names[i]);
		struct zone_transition t;
		char tz[128];

		snprintf(tz, sizeof(tz), ":%s", names.names[i]);
		setenv("TZ", tz, 1);
		tzset();
		for (int64_t at = FROM_S; zone_next_transition(zone, at, &t) && t.utc_s < TO_S;
		     at = t.utc_s) {
			assert_true(t.utc_s > at);
			assert_int_not_equal(t.offset_before, t.offset_after);
			same_as_glibc(zone, t.utc_s - 1);
			same_as_glibc(zone, t.utc_s);
			same_as_glibc(zone, t.utc_s + 1);
			transitions++;
		}
		for (int64_t at = FROM_S; at < TO_S; at += GRID_S)
			same_as_glibc(zone, at);
	}
	print_message("# %zu zones, %zu transitions\n", names.count, transitions);
	assert_true(names.count > 500 && transitions > 40000);
	zoneinfo_destroy(zoneinfo);
}

static void readings_lead_to_instants(void **state)
{
	(void)state;
	static const char *const some[] = {
		"America/New_York", "Europe/Paris",      "Australia/Lord_Howe", "America/Sao_Paulo",
		"Pacific/Apia",     "Africa/Casablanca", "Africa/Monrovia",     "Asia/Kolkata"};
	struct zoneinfo *zoneinfo = zoneinfo_create(NULL);

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		const struct zone *zone = zone_of(zoneinfo, some[i]);
		struct zone_transition t;
		int checked = 0;

		for (int64_t at = INT64_C(0); zone_next_transition(zone, at, &t) && checked < 12;
		     at = t.utc_s + INT64_C(86400) * 250, checked++)
			readings_lead_back(zone, &t);
	}
	zoneinfo_destroy(zoneinfo);
}

/* A directory of zones made by zic; left empty where it cannot. */
static struct zoneinfo *make_zones(const char *directory, const char *bloat)
{
	char command[1024];

	snprintf(command, sizeof(command), "%s -b %s -d %s/%s %s/tzdata.zi", ZIC, bloat, directory,
		 bloat, "/usr/share/zoneinfo");
	if (system(command) != 0)
		fail_msg("%s fails", command);
	snprintf(command, sizeof(command), "%s/%s", directory, bloat);
	return zoneinfo_create(command);
}

/* To 2038: zic of 2022 leaves out transitions of the far future (Asia/Gaza has some
 * listed to 2086) from slim files. */
static void fat_and_slim_files_agree(void **state)
{
	(void)state;
	char directory[] = "/tmp/belfry-zones-XXXXXX", command[256];

	assert_non_null(mkdtemp(directory));
	struct zoneinfo *fat = make_zones(directory, "fat"), *slim = make_zones(directory, "slim");
	for (size_t i = 0; i < names.count; i++) {
		const struct zone *a = zone_of(fat, names.names[i]);
		const struct zone *b = zone_of(slim, names.names[i]);
		struct zone_transition x, y;

		for (int64_t at = FROM_S; zone_next_transition(a, at, &x) && x.utc_s < SLIM_TO_S;
		     at = x.utc_s) {
			if (!zone_next_transition(b, at, &y))
				fail_msg("%s: slim file ends at %lld", names.names[i],
					 (long long)at);
			if (x.utc_s != y.utc_s || x.offset_before != y.offset_before ||
			    x.offset_after != y.offset_after)
				fail_msg("%s: fat file changes at %lld, slim one at %lld",
					 names.names[i], (long long)x.utc_s, (long long)y.utc_s);
			assert_string_equal(zone_abbreviation(a, x.utc_s),
					    zone_abbreviation(b, x.utc_s));
		}
	}
	zoneinfo_destroy(fat);
	zoneinfo_destroy(slim);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

/* What a zone is compared by when its file was replaced. */
static void rules_are_told_apart(void **state)
{
	(void)state;
	static const char *const some[] = {"Europe/Paris",        "America/New_York", "Asia/Tokyo",
					   "Australia/Lord_Howe", "Africa/Monrovia",  "Etc/GMT+5"};
	char directory[] = "/tmp/belfry-zones-XXXXXX", command[256];

	assert_non_null(mkdtemp(directory));
	struct zoneinfo *fat = make_zones(directory, "fat"), *slim = make_zones(directory, "slim");
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		assert_true(zone_rules(zone_of(fat, some[i])) ==
			    zone_rules(zone_of(slim, some[i])));
		for (size_t j = 0; j < i; j++)
			assert_true(zone_rules(zone_of(fat, some[i])) !=
				    zone_rules(zone_of(fat, some[j])));
	}
	assert_true(zone_rules(zone_of(fat, "Asia/Calcutta")) ==
		    zone_rules(zone_of(fat, "Asia/Kolkata")));
	zoneinfo_destroy(fat);
	zoneinfo_destroy(slim);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

static void far_times_are_safe(void **state)
{
	(void)state;
	static const int64_t far[] = {INT64_MIN,           INT64_MIN + 1,
				      -(INT64_C(1) << 59), INT64_C(-62135596800),
				      INT64_C(7258118400), INT64_C(253402300799),
				      INT64_C(1) << 50,    INT64_C(1) << 60,
				      INT64_MAX - 1,       INT64_MAX};
	struct zoneinfo *zoneinfo = zoneinfo_create(NULL);
	const struct zone *zone = zone_of(zoneinfo, "Europe/Paris");
	struct zone_transition t;

	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		int64_t instants[2];
		int32_t offset = zone_offset(zone, far[i]);

		assert_true(offset > -90000 && offset < 90000);
		zone_instants(zone, far[i], instants);
		zone_next_transition(zone, far[i], &t);
	}
	/* The year 9999 follows the footer: CET in winter, CEST in summer. */
	assert_int_equal(zone_offset(zone, INT64_C(253402300799)), 3600);
	assert_int_equal(zone_offset(zone, INT64_C(253387000000)), 7200);
	zoneinfo_destroy(zoneinfo);
}

static void names_are_judged(void **state)
{
	(void)state;
	static const char *const good[] = {
		"UTC",       "Europe/Paris", "America/Argentina/Buenos_Aires",
		"Etc/GMT+5", "GMT+0",        "GMT-0",
		"EST5EDT",   "GB-Eire",      "America/Port-au-Prince",
		"W-SU",      "NZ-CHAT"};
	static const char *const bad[] = {
		"",           "/etc/localtime", "../x",      "Europe//Paris",
		"UTC+5",      "CET-1CEST",      "<+03>-3",   ":UTC",
		"posixrules", "Factory",        "localtime", "right/UTC",
		"posix/UTC",  "Europe/Paris ",  "zone.tab",  "EST5EDT,M3.2.0,M11.1.0",
		"Europe/",    "+05:00"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!zone_name_is_plausible(good[i]))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (zone_name_is_plausible(bad[i]))
			fail_msg("\"%s\" is accepted", bad[i]);
}

static void near_names_are_offered(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"Europe/Londno", "Europe/London"},
					       {"America/new_york", "America/New_York"},
					       {"utc", "UTC"},
					       {"Paris", "Europe/Paris"},
					       {"new york", "America/New_York"},
					       {"Asia/Calcuta", "Asia/Calcutta"},
					       {"Mars/Phobos", NULL}};
	struct zoneinfo *zoneinfo = zoneinfo_create(NULL);
	const struct zone_source *source = zoneinfo_source(zoneinfo);

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const char *near = source->nearest(source->context, pairs[i][0]);

		if (!pairs[i][1])
			assert_null(near);
		else if (!near)
			fail_msg("nothing is near %s", pairs[i][0]);
		else
			assert_string_equal(near, pairs[i][1]);
	}
	zoneinfo_destroy(zoneinfo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_agree_with_glibc),
		cmocka_unit_test(readings_lead_to_instants),
		cmocka_unit_test(fat_and_slim_files_agree),
		cmocka_unit_test(rules_are_told_apart),
		cmocka_unit_test(far_times_are_safe),
		cmocka_unit_test(names_are_judged),
		cmocka_unit_test(near_names_are_offered),
	};

	zone_list_read(&names, "/usr/share/zoneinfo");
	int failed = cmocka_run_group_tests_name("zones", tests, NULL, NULL);
	zone_list_finish(&names);
	return failed;
}
