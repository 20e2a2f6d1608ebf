/*
 * memory_alone.c - the memory store in a program that has no SQLite: what the
 * simulator will link. That it links is half of the test.
 */
#include "fixture.h"

#include "memory.h"

static void test_memory_store_without_sqlite(void **state)
{
	struct store *store = memory_create();
	struct arena arena = {0};
	struct err err;

	(void)state;
	struct record records[] = {claim_record(1, "a", 0), claim_record(2, "a", 0)};
	assert_true(store_apply(store, records, COUNT(records), &err));
	assert_true(records[1].lost);
	struct store_state loaded;
	assert_true(store_load(store, &arena, &loaded, &err));
	assert_int_equal(loaded.open_count, 1);
	assert_int_equal(loaded.node, 0);
	store_close(store);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_store_without_sqlite)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
