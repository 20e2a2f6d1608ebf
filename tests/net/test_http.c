/* test_http.c - request targets, addresses, Host headers: the pure parts of src/net. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "http_address.h"
#include "http_target.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Segments and parameters on one line: "a|b?x=1&y=2". */
static void print_target(const struct http_target *target, struct buf *out)
{
	for (size_t i = 0; i < target->segment_count; i++)
		buf_format(out, "%s%s", i ? "|" : "", target->segments[i]);
	for (size_t i = 0; i < target->query_count; i++)
		buf_format(out, "%s%s=%s", i ? "&" : "?", target->query[i].name,
			   target->query[i].value);
}

static void test_targets(void **state)
{
	static const struct {
		const char *raw, *parsed; /* NULL: refused */
	} rows[] = {
		{"/", ""},
		{"/a", "a"},
		{"/a/b", "a|b"},
		{"/a/b/", "a|b"},
		{"/a//b", "a||b"},
		{"/a%2Fb/c", "a/b|c"},
		{"/a%2fb", "a/b"},
		{"/a+b", "a+b"},
		{"/%C3%A9", "\xc3\xa9"},
		{"/a?x=1", "a?x=1"},
		{"/a?x=1&y=2", "a?x=1&y=2"},
		{"/a?x", "a?x="},
		{"/a?x=", "a?x="},
		{"/a?=x", "a?=x"},
		{"/a?&&x=1&", "a?x=1"},
		{"/a?x=1=2", "a?x=1=2"},
		{"/a?x=a+b%2B", "a?x=a b+"},
		{"/a?b?c", "a?b?c="},
		{"/a?x=%26%3D", "a?x=&="},
		{"/?", ""},
		{"", NULL},
		{"a", NULL},
		{"*", NULL},
		{"http://localhost/", NULL},
		{"/%", NULL},
		{"/%4", NULL},
		{"/%zz", NULL},
		{"/%4z", NULL},
		{"/a%00b", NULL},
		{"/a?x=%", NULL},
		{"/a?%00=1", NULL},
	};
	struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_target target;
		struct buf out = {0};
		bool is_parsed = http_target_parse(&arena, rows[i].raw, &target);

		if (is_parsed != (rows[i].parsed != NULL))
			fail_msg("\"%s\" is %s", rows[i].raw, is_parsed ? "taken" : "refused");
		if (is_parsed) {
			print_target(&target, &out);
			assert_string_equal(buf_string(&out), rows[i].parsed);
		}
		buf_finish(&out);
	}
	arena_finish(&arena);
}

static void fill(struct buf *out, const char *first, const char *piece, int count)
{
	buf_clear(out);
	buf_text(out, first);
	for (int i = 0; i < count; i++)
		buf_text(out, piece);
}

static void test_targets_have_bounds(void **state)
{
	struct arena arena = {0};
	struct http_target target;
	struct buf raw = {0};

	(void)state;
	fill(&raw, "", "/a", HTTP_SEGMENTS_MAX);
	assert_true(http_target_parse(&arena, buf_string(&raw), &target));
	fill(&raw, "", "/a", HTTP_SEGMENTS_MAX + 1);
	assert_false(http_target_parse(&arena, buf_string(&raw), &target));
	fill(&raw, "/?", "a=1&", HTTP_QUERY_MAX);
	assert_true(http_target_parse(&arena, buf_string(&raw), &target));
	fill(&raw, "/?", "a=1&", HTTP_QUERY_MAX + 1);
	assert_false(http_target_parse(&arena, buf_string(&raw), &target));
	buf_finish(&raw);
	arena_finish(&arena);
}

static void test_query_gives_the_first_of_a_name(void **state)
{
	struct arena arena = {0};
	struct http_target target;

	(void)state;
	assert_true(http_target_parse(&arena, "/?a=1&b=&a=2", &target));
	assert_string_equal(http_target_query(&target, "a"), "1");
	assert_string_equal(http_target_query(&target, "b"), "");
	assert_null(http_target_query(&target, "c"));
	arena_finish(&arena);
}

static void test_escaping(void **state)
{
	struct buf out = {0};

	(void)state;
	http_escape(&out, "aZ09-._~ /?&=%+\xc3\xa9");
	assert_string_equal(buf_string(&out), "aZ09-._~%20%2F%3F%26%3D%25%2B%C3%A9");
	buf_finish(&out);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *formatted; /* NULL: refused */
		bool is_loopback;
	} rows[] = {
		{"127.0.0.1:7420", "127.0.0.1:7420", true},
		{"127.9.9.9:1", "127.9.9.9:1", true},
		{"localhost:0", "127.0.0.1:0", true},
		{"LocalHost:65535", "127.0.0.1:65535", true},
		{":7420", "127.0.0.1:7420", true},
		{"[::1]:7420", "[::1]:7420", true},
		{"0.0.0.0:7420", "0.0.0.0:7420", false},
		{"192.168.0.1:80", "192.168.0.1:80", false},
		{"[::]:80", "[::]:80", false},
		{"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", false},
		{"", NULL, false},
		{"7420", NULL, false},
		{"127.0.0.1", NULL, false},
		{"127.0.0.1:", NULL, false},
		{"127.0.0.1:65536", NULL, false},
		{"127.0.0.1:-1", NULL, false},
		{"127.0.0.1:+1", NULL, false},
		{"127.0.0.1: 1", NULL, false},
		{"127.0.0.1:1x", NULL, false},
		{"127.1:80", NULL, false},
		{"example.org:80", NULL, false},
		{"[::1", NULL, false},
		{"[::1]", NULL, false},
		{"[::1]7420", NULL, false},
		{"99999999999999999999999999999999999999999999999999999999999999999999:1", NULL,
		 false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_address address;
		struct err err = {""};
		char text[HTTP_ADDRESS_TEXT_MAX];
		bool is_parsed = http_address_parse(rows[i].text, &address, &err);

		if (is_parsed != (rows[i].formatted != NULL))
			fail_msg("\"%s\" is %s", rows[i].text, is_parsed ? "taken" : "refused");
		if (!is_parsed) {
			assert_true(err.text[0]);
			continue;
		}
		assert_string_equal(http_address_format(&address, text), rows[i].formatted);
		assert_int_equal(http_address_is_loopback(&address), rows[i].is_loopback);
	}
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool is_loopback;
	} rows[] = {
		{"localhost", true},
		{"localhost:7420", true},
		{"LOCALHOST", true},
		{"a.localhost:1", true},
		{"127.0.0.1", true},
		{"127.255.0.1:80", true},
		{"[::1]", true},
		{"[::1]:7420", true},
		{"", false},
		{":7420", false},
		{"localhost:x", false},
		{"localhost:99999", false},
		{"localhost.example.org", false},
		{"notlocalhost", false},
		{"example.org", false},
		{"127.0.0.1.example.org", false},
		{"127.1", false},
		{"2130706433", false},
		{"128.0.0.1", false},
		{"0.0.0.0", false},
		{"[::]", false},
		{"[::1", false},
		{"[::1]x", false},
		{"[127.0.0.1]", false},
		{"::1", false},
		{"[]", false},
		{"localhost ", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (http_host_is_loopback(rows[i].host) != rows[i].is_loopback)
			fail_msg("\"%s\" is%s taken for the loopback", rows[i].host,
				 rows[i].is_loopback ? " not" : "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_targets_have_bounds),
		cmocka_unit_test(test_query_gives_the_first_of_a_name),
		cmocka_unit_test(test_escaping),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
