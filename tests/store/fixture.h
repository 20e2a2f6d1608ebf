/*
 * fixture.h - what the tests of the store share: records made in one line, a
 * directory that goes away, and everything a store knows as one text.
 */
#ifndef BELFRY_TESTS_STORE_FIXTURE_H
#define BELFRY_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "mem.h"
#include "store.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-03-29T01:00:00Z, and so many milliseconds after. */
#define T(ms) ((struct utc){INT64_C(1774746000000) + (ms)})

/* A claim at T(at) for that instant. Callers change what they care about. */
struct record claim_record(uint64_t id, const char *job, int64_t at);
/* A claim without an occurrence. */
struct record manual_record(uint64_t id, const char *job, int64_t at);
/* The run as claim_record makes it, started and ended at T(at). */
struct record end_record(uint64_t id, const char *job, enum outcome outcome, int64_t at);
struct record running_record(uint64_t id, const char *job, int64_t at);
struct record attempt_record(uint64_t run, int32_t number, enum outcome outcome);
struct record log_record(uint64_t run, int32_t attempt, int64_t position, const char *text);
struct record skipped_record(const char *job, int64_t at);
struct record missed_record(const char *job, int64_t first, int64_t last, int64_t count);
struct record downtime_record(int64_t since, int64_t until);
struct record left_record(int64_t at);
struct record revision_record(int64_t number, const char *content);
struct record evaluated_record(int64_t until, int32_t epoch);
struct record pause_record(const char *job, int64_t since, const char *reason);
struct record resume_record(const char *job);
struct record rename_record(const char *from, const char *to);

/* Applies, or fails the test with the store's message. */
void apply(struct store *store, struct record *records, size_t count);
#define APPLY(store, ...)                                                                          \
	apply(store, (struct record[]){__VA_ARGS__}, COUNT(((struct record[]){__VA_ARGS__})))
/* Whether the one record was told to be lost. */
bool is_lost(struct store *store, struct record record);
/* Claims, runs and ends a run in one batch. */
void run_through(struct store *store, uint64_t id, const char *job, int64_t at,
		 enum outcome outcome);

/* Ids of the runs in the order they arrive, "3 2 1"; borrowed until the next call. */
const char *run_ids(struct store *store, const struct run_filter *filter);
/* A copy of the run in arena; fails the test if it is not there. */
struct run get_run(struct store *store, struct arena *arena, uint64_t id);
size_t count_runs(struct store *store);
struct store_state load(struct store *store, struct arena *arena);

/* Everything the store knows, but its node, as text. Free with buf_finish. */
void dump(struct store *store, struct buf *text);
void dump_run(struct buf *text, const struct run *run);
void dump_occurrence(struct buf *text, const struct occurrence *occurrence);

/* A new directory under $TMPDIR or /tmp; remove_directory takes it and its files. */
char *make_directory(void);
void remove_directory(char *directory);
/* "sqlite:" of it, opened, or the test fails. */
struct store *open_in(const char *directory);
/* The store must not open; the message, borrowed until the next call. */
const char *refusal_in(const char *directory);
/* DIRECTORY/NAME; free it. */
char *path_of(const char *directory, const char *name);

#endif
