/*
 * test_tzif.c - TZif bytes that are hostile or plainly wrong: a clear error or a
 * usable zone, never a crash (the sanitizer build watches), always in bounded time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draft.h"
#include "zone.h"

enum { FILE_MAX = 8192, MUTATIONS = 4000 };

/* A file built piece by piece. */
struct file {
	unsigned char bytes[FILE_MAX];
	size_t length;
};

static void put(struct file *f, const void *data, size_t length)
{
	assert_true(f->length + length <= sizeof(f->bytes));
	memcpy(f->bytes + f->length, data, length);
	f->length += length;
}

static void put_number(struct file *f, int64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--) {
		unsigned char byte = (unsigned char)((uint64_t)value >> (8 * i));
		put(f, &byte, 1);
	}
}

static void put_header(struct file *f, char version, uint32_t leap, uint32_t time, uint32_t type,
		       uint32_t name)
{
	put(f, "TZif", 4);
	put(f, &version, 1);
	put_number(f, 0, 8); /* reserved */
	put_number(f, 0, 7);
	put_number(f, 0, 4);
	put_number(f, 0, 4);
	put_number(f, leap, 4);
	put_number(f, time, 4);
	put_number(f, type, 4);
	put_number(f, name, 4);
}

/* A version 2 file of one fixed offset and a footer. */
static struct file with_footer(const char *footer)
{
	struct file f = {.length = 0};

	put_header(&f, '2', 0, 0, 1, 4);
	put(&f, "\0\0\0\0\0\0UTC", 10);
	put_header(&f, '2', 0, 0, 1, 4);
	put(&f, "\0\0\0\0\0\0UTC", 10);
	put(&f, "\n", 1);
	put(&f, footer, strlen(footer));
	put(&f, "\n", 1);
	return f;
}

static struct zone *zone_from(const struct file *f, struct err *err)
{
	/* A copy of the exact size, so that reading past it is seen. */
	unsigned char *copy = malloc(f->length ? f->length : 1);

	memcpy(copy, f->bytes, f->length);
	struct zone *zone = zone_create("Test/Zone", copy, f->length, err);
	free(copy);
	return zone;
}

static void use(const struct zone *zone)
{
	struct zone_transition t;
	int64_t at = INT64_C(-5000000000), instants[2];

	for (int i = 0; i < 40 && zone_next_transition(zone, at, &t); i++) {
		assert_true(t.utc_s > at);
		zone_instants(zone, t.utc_s + t.offset_before, instants);
		assert_non_null(zone_abbreviation(zone, t.utc_s));
		at = t.utc_s;
	}
	zone_offset(zone, INT64_MIN);
	zone_offset(zone, INT64_MAX);
}

static void refused(const struct file *f, const char *message)
{
	struct err err = {{0}};
	struct zone *zone = zone_from(f, &err);

	assert_null(zone);
	assert_string_equal(err.text, message);
}

static void wrong_files_are_refused(void **state)
{
	(void)state;
	struct file f = {.length = 0};

	refused(&f, "ends inside the header at byte 0");
	put(&f, "hello, this is a file that is longer than the header of one", 60);
	refused(&f, "no TZif data: the mark \"TZif\" is missing at byte 0");
	f.length = 0;
	put_header(&f, '1', 0, 0, 1, 4);
	refused(&f, "has the unknown version 0x31 at byte 4");
	f.length = 0;
	put_header(&f, 0, 0, 0, 0, 4);
	refused(&f, "has 0 local time types at byte 36; 1 to 256 are possible");
	f.length = 0;
	put_header(&f, 0, 27, 0, 1, 4);
	refused(&f, "counts leap seconds (byte 28), which UTC clocks do not");
	f.length = 0;
	put_header(&f, 0, 0, UINT32_MAX, 1, 4);
	refused(&f, "has 4294967295 transitions at byte 32; more than 20000 are refused");
	f.length = 0;
	put_header(&f, 0, 0, 2, 1, 4);
	put(&f, "\0\0\0\1", 4);
	refused(&f, "ends inside its data at byte 48");
	put(&f, "\0\0\0\1\0\0\0\0\0\0\0\0UTC", 16);
	refused(&f, "has transitions out of order at byte 48");
	f.length = 0;
	put_header(&f, 0, 0, 1, 1, 4);
	put(&f, "\0\0\0\1\7\0\0\0\0\0\0UTC", 15);
	refused(&f, "names a local time type that is missing at byte 48");
	f.length = 0;
	put_header(&f, 0, 0, 0, 1, 4);
	put(&f, "\1\0\0\0\0\0UTC", 10);
	refused(&f, "has an offset of 16777216 s at byte 44; a day is the most");
	f.length = 0;
	put_header(&f, 0, 0, 0, 1, 4);
	put(&f, "\0\0\0\0\2\0UTC", 10);
	refused(&f, "has a daylight mark other than 0 or 1 at byte 48");
	f.length = 0;
	put_header(&f, 0, 0, 0, 1, 3);
	put(&f, "\0\0\0\0\0\0UTC", 9);
	refused(&f, "has an unreadable name of local time at byte 49");
	f.length = 0;
	put_header(&f, 0, 0, 0, 1, 4);
	put(&f, "\0\0\0\0\0\0\33[m", 10);
	refused(&f, "has an unreadable name of local time at byte 49");
	f = with_footer("");
	f.length -= 2;
	refused(&f, "has no footer at byte 108");
	put(&f, "\nUTC0", 5);
	refused(&f, "has a footer without an end at byte 108");
}

static void footers_are_judged(void **state)
{
	(void)state;
	static const char *const good[] = {"",
					   "UTC0",
					   "EST5EDT,M3.2.0,M11.1.0",
					   "<+0330>-3:30<+0430>,J79/24,J263/24",
					   "IST-1GMT0,M10.5.0,M3.5.0/1",
					   "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
					   "XXX3EDT4,0/0,J365/23",
					   "AAA0BBB,0/-167,365/167",
					   "EST5EDT,M3.2.0/02:00:00,M11.1.0"};
	static const char *const bad[] = {"U0",
					  "UTC",
					  "UTC25",
					  "EST5EDT",
					  "EST5EDT,M3.2.0",
					  "EST5EDT,M13.2.0,M11.1.0",
					  "EST5EDT,M3.6.0,M11.1.0",
					  "EST5EDT,M3.2.7,M11.1.0",
					  "EST5EDT,J0,J1",
					  "EST5EDT,366,1",
					  "EST5EDT,M3.2.0/168,M11.1.0",
					  "EST5EDT,M3.2.0,M11.1.0x",
					  "<+03-3",
					  "E\033ST5",
					  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA5"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct file f = with_footer(good[i]);
		struct err err = {{0}};
		struct zone *zone = zone_from(&f, &err);

		if (!zone)
			fail_msg("\"%s\": %s", good[i], err.text);
		use(zone);
		zone_destroy(zone);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct file f = with_footer(bad[i]);
		struct err err = {{0}};

		if (zone_from(&f, &err))
			fail_msg("\"%s\" is accepted", bad[i]);
		assert_non_null(strstr(err.text, "the footer's rule is wrong at its byte"));
	}
}

/* RFC 9636's own example of daylight saving time all year. */
static void perpetual_summer_has_no_transitions(void **state)
{
	(void)state;
	struct file f = with_footer("XXX3EDT4,0/0,J365/23");
	struct err err = {{0}};
	struct zone *zone = zone_from(&f, &err);
	struct zone_transition t;

	assert_non_null(zone);
	assert_int_equal(zone_offset(zone, INT64_C(1000000000)), -4 * 3600);
	assert_false(zone_next_transition(zone, INT64_C(1000000000), &t));
	assert_string_equal(zone_abbreviation(zone, INT64_C(90000000000)), "EDT");
	zone_destroy(zone);
}

static struct file read_system(const char *name)
{
	struct file f = {.length = 0};
	char path[256];

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
	FILE *stream = fopen(path, "re");
	if (!stream)
		fail_msg("cannot open %s", path);
	f.length = fread(f.bytes, 1, sizeof(f.bytes), stream);
	fclose(stream);
	return f;
}

static void cut_files_are_refused(void **state)
{
	(void)state;
	struct file f = read_system("Europe/Paris");

	for (struct file cut = f; cut.length-- > 0;) {
		struct err err = {{0}};

		if (zone_from(&cut, &err))
			fail_msg("%zu of %zu bytes are accepted", cut.length, f.length);
		assert_true(err.text[0]);
	}
}

static void changed_files_are_safe(void **state)
{
	(void)state;
	static const char *const some[] = {"Asia/Tokyo", "America/New_York", "Africa/Casablanca",
					   "Etc/GMT+5"};
	struct dice dice = {20260101};
	int usable = 0, wrong = 0;

	for (int i = 0; i < MUTATIONS; i++) {
		struct file f = read_system(some[i % 4]);
		struct err err = {{0}};

		for (uint32_t n = 1 + dice_roll(&dice, 4); n; n--)
			f.bytes[dice_roll(&dice, (uint32_t)f.length)] =
				(unsigned char)dice_roll(&dice, 256);
		struct zone *zone = zone_from(&f, &err);
		usable += zone != NULL;
		wrong += !zone && err.text[0];
		if (zone)
			use(zone);
		zone_destroy(zone);
	}
	assert_int_equal(usable + wrong, MUTATIONS);
	assert_true(usable > MUTATIONS / 10 && wrong > MUTATIONS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_files_are_refused),
		cmocka_unit_test(footers_are_judged),
		cmocka_unit_test(perpetual_summer_has_no_transitions),
		cmocka_unit_test(cut_files_are_refused),
		cmocka_unit_test(changed_files_are_safe),
	};

	return cmocka_run_group_tests_name("tzif", tests, NULL, NULL);
}
