/*
 * runner.c - the runner's pure parts: frames of a spool, messages, the cap on output.
 *
 * Random inputs come from a fixed seed, so that a failure can be had again.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol.h"
#include "runner.h"
#include "spool.h"
#include "str.h"
#include "wire.h"

static uint32_t seed = 20261125;

static uint32_t draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* ---- spools ---- */

static const struct spool_frame frames[] = {
	{.kind = SPOOL_HELD,
	 .at = {1},
	 .pid = 4711,
	 .start_ticks = UINT64_MAX,
	 .cgroup = "belfry-1",
	 .cgroup_length = 8},
	{.kind = SPOOL_HELD, .at = {1}, .pid = 1},
	{.kind = SPOOL_TORN, .at = {2}, .bytes = 7},
	{.kind = SPOOL_STARTED, .at = {2}},
	{.kind = SPOOL_STDOUT, .at = {3}, .data = "a\0b", .length = 3},
	{.kind = SPOOL_STDERR, .at = {-4}, .data = "", .length = 0},
	{.kind = SPOOL_GAP, .at = {5}, .bytes = 1ull << 40},
	{.kind = SPOOL_NOTE, .at = {6}, .data = "note", .length = 4},
	{.kind = SPOOL_FAILED, .at = {7}, .data = "why", .length = 3},
	{.kind = SPOOL_EXIT,
	 .at = {8},
	 .exit = {.exit_code = -1,
		  .signal = 9,
		  .timed_out = true,
		  .out_of_memory = true,
		  .output_bytes = 12,
		  .cpu_ms = 34,
		  .max_rss_kib = 56}},
};
enum { FRAMES = sizeof(frames) / sizeof(frames[0]) };

static struct buf write_all(void)
{
	struct buf buf = {0};

	for (int i = 0; i < FRAMES; i++)
		spool_write(&buf, &frames[i]);
	return buf;
}

static void assert_same(const struct spool_frame *a, const struct spool_frame *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->at.ms, b->at.ms);
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->start_ticks, b->start_ticks);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->cgroup_length, b->cgroup_length);
	if (b->cgroup)
		assert_memory_equal(a->cgroup, b->cgroup, b->cgroup_length);
	if (b->data) {
		assert_int_equal(a->length, b->length);
		assert_memory_equal(a->data, b->data, b->length);
	}
	assert_int_equal(a->exit.exit_code, b->exit.exit_code);
	assert_int_equal(a->exit.signal, b->exit.signal);
	assert_int_equal(a->exit.timed_out, b->exit.timed_out);
	assert_int_equal(a->exit.out_of_memory, b->exit.out_of_memory);
	assert_int_equal(a->exit.output_bytes, b->exit.output_bytes);
	assert_int_equal(a->exit.cpu_ms, b->exit.cpu_ms);
	assert_int_equal(a->exit.max_rss_kib, b->exit.max_rss_kib);
}

static void frames_come_back(void **state)
{
	struct buf buf = write_all();
	struct spool_frame frame;
	size_t at = 0, used;

	(void)state;
	for (int i = 0; i < FRAMES; i++, at += used) {
		assert_int_equal(SPOOL_FRAME,
				 spool_next(buf.data + at, buf.length - at, &frame, &used));
		assert_same(&frame, &frames[i]);
	}
	assert_int_equal(at, buf.length);
	assert_int_equal(SPOOL_MORE, spool_next(buf.data + at, 0, &frame, &used));
	buf_finish(&buf);
}

/* The frame again, of that kind and with so many bytes more. */
static void write_later(struct buf *buf, const struct spool_frame *frame, uint32_t kind,
			size_t more)
{
	struct buf whole = {0}, plain = {0};
	size_t used;
	struct spool_frame same;

	spool_write(&plain, frame);
	assert_int_equal(SPOOL_FRAME, spool_next(plain.data, plain.length, &same, &used));
	/* A text is written as it is given: so any payload can be. */
	buf_add(&whole, same.data, same.length);
	for (size_t i = 0; i < more; i++)
		buf_char(&whole, 'x');
	size_t start = buf->length;
	spool_write(buf, &(struct spool_frame){.kind = SPOOL_NOTE,
					       .at = frame->at,
					       .data = buf_string(&whole),
					       .length = whole.length});
	wire_patch_u32(buf, start + 8, kind);
	uint64_t hash = str_hash(STR_HASH_INIT, buf->data + start + 4, buf->length - start - 4);
	wire_patch_u32(buf, start, (uint32_t)(hash ^ hash >> 32));
	buf_finish(&whole);
	buf_finish(&plain);
}

static void a_later_version_s_frames_are_passed_over(void **state)
{
	static const struct spool_frame stdout_frame = {
		.kind = SPOOL_STDOUT, .at = {9}, .data = "abc", .length = 3};
	struct buf buf = {0};
	struct spool_frame frame;
	size_t at = 0, used;

	(void)state;
	for (int i = 0; i < FRAMES; i++)
		if (!frames[i].data)
			write_later(&buf, &frames[i], frames[i].kind, 5);
	for (int i = 0; i < FRAMES; i++, at += used) {
		if (frames[i].data) {
			used = 0;
			continue;
		}
		assert_int_equal(SPOOL_FRAME,
				 spool_next(buf.data + at, buf.length - at, &frame, &used));
		assert_same(&frame, &frames[i]);
	}
	assert_int_equal(at, buf.length);
	write_later(&buf, &stdout_frame, 4711, 0);
	assert_int_equal(SPOOL_FRAME, spool_next(buf.data + at, buf.length - at, &frame, &used));
	assert_int_equal(4711, (int)frame.kind);
	buf_finish(&buf);
}

/* Whole frames in the text, and how it ends. */
static int count_frames(const char *text, size_t length, enum spool_status *end)
{
	struct spool_frame frame;
	size_t at = 0, used;
	int count = 0;

	while ((*end = spool_next(text + at, length - at, &frame, &used)) == SPOOL_FRAME) {
		at += used;
		count++;
	}
	return count;
}

static void torn_files_end_at_the_last_whole_frame(void **state)
{
	struct buf buf = write_all();
	enum spool_status end;
	int before = 0;

	(void)state;
	for (size_t length = 0; length <= buf.length; length++) {
		/* Of its own size, so that a sanitizer sees a read beyond it. */
		char *text = malloc(length + !length);

		assert_non_null(text);
		memcpy(text, buf.data, length);
		int count = count_frames(text, length, &end);
		assert_int_equal(SPOOL_MORE, end);
		assert_true(count == before || count == before + 1);
		before = count;
		free(text);
	}
	assert_int_equal(before, FRAMES);
	buf_finish(&buf);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct buf buf = write_all();
	enum spool_status end;

	(void)state;
	for (size_t bit = 0; bit < buf.length * 8; bit++) {
		buf.data[bit / 8] = (char)(buf.data[bit / 8] ^ 1 << bit % 8);
		/* A length that has grown may still wait for more; none passes as right. */
		assert_true(count_frames(buf.data, buf.length, &end) < FRAMES);
		buf.data[bit / 8] = (char)(buf.data[bit / 8] ^ 1 << bit % 8);
	}
	assert_int_equal(FRAMES, count_frames(buf.data, buf.length, &end));
	buf_finish(&buf);
}

static void noise_is_no_spool(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t length = draw() % 200;
		char *text = malloc(length + !length);
		enum spool_status end;

		assert_non_null(text);
		for (size_t i = 0; i < length; i++)
			text[i] = (char)(draw() % 4 ? 0 : draw());
		assert_int_equal(0, count_frames(text, length, &end));
		free(text);
	}
}

static void names_of_spools(void **state)
{
	static const char *const bad[] = {"",
					  "x",
					  "1.1.spool",
					  "0000000000000001.0.spool",
					  "0000000000000001.-1.spool",
					  "0000000000000001.1.spool~",
					  "0000000000000001.01.spool",
					  "000000000000000G.1.spool",
					  "../0000000000000001.1.spool"};
	char name[SPOOL_NAME_MAX];
	uint64_t run;
	int32_t attempt;

	(void)state;
	assert_string_equal("00000000deadbeef.12.spool", spool_name(0xdeadbeef, 12, name));
	assert_true(spool_name_parse(spool_name(UINT64_MAX, 999999999, name), &run, &attempt));
	assert_true(run == UINT64_MAX && attempt == 999999999);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(spool_name_parse(bad[i], &run, &attempt));
}

/* ---- messages ---- */

static const char *const argv[] = {"sh", "-c", "", NULL};
static const char *const env[] = {"A=1", "B=\xc3\xa9", NULL};
static const uint32_t groups[] = {0, 65534, UINT32_MAX};
static const struct message start_message = {.kind = MESSAGE_START,
					     .run = UINT64_MAX,
					     .attempt = 3,
					     .order = {.argv = argv,
						       .env = env,
						       .cwd = "/",
						       .program_shown = "${SHELL}",
						       .cwd_shown = "${ROOT}",
						       .timeout_ms = 5000,
						       .grace_ms = 10,
						       .output_max = 1 << 23,
						       .umask = -1,
						       .limits = {-1, 0, 1, INT64_MAX, 5, 6, 7},
						       .no_new_privs = true,
						       .has_user = true,
						       .uid = 1,
						       .gid = 2,
						       .groups = groups,
						       .group_count = 3}};

static void a_start_comes_back(void **state)
{
	struct arena arena = {0};
	struct buf buf = {0};
	struct message got;

	(void)state;
	message_write(&buf, &start_message);
	assert_true(message_read(buf.data, buf.length, &arena, &got));
	assert_true(got.run == UINT64_MAX && got.attempt == 3 && got.text == NULL);
	for (int i = 0; i < 3; i++)
		assert_string_equal(argv[i], got.order.argv[i]);
	assert_null(got.order.argv[3]);
	assert_string_equal(env[1], got.order.env[1]);
	assert_null(got.order.env[2]);
	assert_string_equal("/", got.order.cwd);
	assert_string_equal("${SHELL}", got.order.program_shown);
	assert_string_equal("${ROOT}", got.order.cwd_shown);
	assert_memory_equal(got.order.limits, start_message.order.limits, sizeof(got.order.limits));
	assert_int_equal(3, got.order.group_count);
	assert_memory_equal(groups, got.order.groups, sizeof(groups));
	assert_true(got.order.no_new_privs);
	assert_true(got.order.has_user && got.order.uid == 1 && got.order.gid == 2);
	assert_true(got.order.timeout_ms == 5000 && got.order.grace_ms == 10);
	assert_true(got.order.output_max == 1 << 23 && got.order.umask == -1);
	buf_finish(&buf);
	arena_finish(&arena);
}

static void plain_messages_come_back(void **state)
{
	static const struct message messages[] = {
		{.kind = MESSAGE_HOLDS, .run = 1, .attempt = 2},
		{.kind = MESSAGE_HELLO, .number = 3, .text = "0.1.0"},
		{.kind = MESSAGE_STOP, .run = 5, .number = INT64_MAX},
		{.kind = MESSAGE_QUIT},
		{.kind = MESSAGE_NEWS, .run = 6, .attempt = 1},
		{.kind = MESSAGE_REFUSED, .run = 7, .attempt = 1, .text = ""},
		{.kind = MESSAGE_BURY, .run = 8, .attempt = 1},
		{.kind = MESSAGE_BURIED, .run = 8, .attempt = 1, .number = 1},
		{.kind = MESSAGE_NOTICE, .text = "said"},
	};
	struct arena arena = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct message *sent = &messages[i];
		struct buf buf = {0};
		struct message got;

		message_write(&buf, sent);
		assert_true(message_read(buf.data, buf.length, &arena, &got));
		assert_int_equal(sent->kind, got.kind);
		assert_true(sent->run == got.run && sent->attempt == got.attempt);
		assert_true(sent->number == got.number);
		if (sent->text)
			assert_string_equal(sent->text, got.text);
		else
			assert_null(got.text);
		buf_finish(&buf);
	}
	arena_finish(&arena);
}

/* Reads a copy of exactly that size. */
static bool is_read(const char *data, size_t length, struct arena *arena)
{
	char *copy = malloc(length + !length);
	struct message got;

	assert_non_null(copy);
	if (length)
		memcpy(copy, data, length);
	bool is_done = message_read(copy, length, arena, &got);
	free(copy);
	return is_done;
}

static void hostile_messages(void **state)
{
	struct arena arena = {0};
	struct buf buf = {0};

	(void)state;
	message_write(&buf, &start_message);
	for (size_t length = 0; length < buf.length; length++)
		assert_false(is_read(buf.data, length, &arena));
	buf_char(&buf, '\0');
	assert_false(is_read(buf.data, buf.length, &arena)); /* something follows */
	buf.length--;
	for (int round = 0; round < 20000; round++) {
		char data[512];

		assert_true(buf.length <= sizeof(data));
		memcpy(data, buf.data, buf.length);
		for (uint32_t i = 1 + draw() % 4; i > 0; i--)
			data[draw() % buf.length] = (char)(draw() % 2 ? 0xff : draw());
		is_read(data, buf.length, &arena); /* whatever it is, within its bounds */
		/* No count makes us take more memory than the message could hold. */
		assert_true(arena_size(&arena) < 64 * 1024);
		arena_reset(&arena);
	}
	buf_finish(&buf);
	arena_finish(&arena);
}

static void names_of_runners(void **state)
{
	static const char *const bad[] = {"",
					  "runner-",
					  "runner-.sock",
					  "runner.sock",
					  "runner-1.lock",
					  "xrunner-1.sock",
					  "runner-1.sock~"};
	char name[RUNNER_NAME_MAX], version[VERSION_TEXT_MAX], long_name[200];

	(void)state;
	assert_string_equal("runner-1.2.3+x-y.sock", runner_name("1.2.3+x-y", RUNNER_SOCKET, name));
	assert_true(runner_name_parse(name, RUNNER_SOCKET, version));
	assert_string_equal("1.2.3+x-y", version);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(runner_name_parse(bad[i], RUNNER_SOCKET, version));
	for (int length = 60; length < 70; length++) {
		snprintf(long_name, sizeof(long_name), "runner-%0*d.sock", length, 1);
		assert_int_equal(length < VERSION_TEXT_MAX,
				 runner_name_parse(long_name, RUNNER_SOCKET, version));
	}
}

/* ---- limits by a control group ---- */

struct mono runner_mono(void)
{
	return (struct mono){0};
}

static const struct {
	const char *name, *expected;
} group_files[] = {{"memory.max", "536870912"},
		   {"memory.oom.group", "1"},
		   {"pids.max", "20"},
		   {"cpu.max", "50000 100000"}};
enum { GROUP_FILES = sizeof(group_files) / sizeof(group_files[0]) };

/* The files of a group, as the kernel makes them, in a folder of our own. */
static void make_group_file(int folder, const char *name)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void assert_group_file(int folder, const char *name, const char *expected)
{
	char text[64] = "";
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) >= 0);
	assert_string_equal(expected, text);
	close(fd);
}

static void what_a_group_limits(void **state)
{
	const unsigned all = 1u << LIMIT_MEMORY | 1u << LIMIT_PROCESSES | 1u << LIMIT_CPUS;
	struct start_order order = {.limits = {5, 20, 5, 512 << 20, 5, 5, 500}};
	char path[] = "/tmp/belfry-group-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(path));
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Without the controllers' files nothing is limited, and nothing made up. */
	assert_int_equal(0, cgroup_write_limits(path, &order));
	for (int i = 0; i < GROUP_FILES; i++)
		make_group_file(folder, group_files[i].name);
	assert_int_equal(all, cgroup_write_limits(path, &order));
	for (int i = 0; i < GROUP_FILES; i++)
		assert_group_file(folder, group_files[i].name, group_files[i].expected);
	order.limits[LIMIT_MEMORY] = order.limits[LIMIT_CPUS] = -1;
	assert_int_equal(1u << LIMIT_PROCESSES, cgroup_write_limits(path, &order));
	for (int i = 0; i < GROUP_FILES; i++)
		unlinkat(folder, group_files[i].name, 0);
	close(folder);
	rmdir(path);
}

/* ---- the cap on output ---- */

static bool add(void *context, const char *data, size_t length)
{
	static int calls;

	if (++calls % 3 == 0)
		return false; /* a full disk, now and then */
	buf_add(context, data, length);
	return true;
}

/* What would be in the spool of a run that wrote so many pieces of that length. */
static struct buf print(struct output *output, int pieces, size_t length)
{
	struct buf spool = {0};
	char data[4096];
	int folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(length <= sizeof(data) && folder >= 0);
	for (int i = 0; i < pieces; i++) {
		enum spool_kind stream = i % 2 ? SPOOL_STDERR : SPOOL_STDOUT;
		struct utc at = {i};

		memset(data, 'a' + i % 26, length);
		if (output_takes(output, length))
			spool_write(&spool, &(struct spool_frame){.kind = stream,
								  .at = at,
								  .data = data,
								  .length = length});
		else
			output_keep(output, folder, stream, at, data, length);
	}
	while (!output_pour(output, (struct utc){pieces}, add, &spool))
		continue;
	output_finish(output);
	close(folder);
	return spool;
}

static void the_cap_keeps_head_and_tail(void **state)
{
	(void)state;
	for (int pieces = 0; pieces < 300; pieces += 7) {
		struct output output = {.max = 64 * 1024};
		struct buf spool = print(&output, pieces, 1000);
		struct spool_frame frame;
		uint64_t kept = 0, lost = 0;
		int64_t last = -1;
		size_t used;

		for (size_t at = 0; at < spool.length; at += used) {
			assert_int_equal(SPOOL_FRAME, spool_next(spool.data + at, spool.length - at,
								 &frame, &used));
			if (frame.kind == SPOOL_GAP) {
				lost += frame.bytes;
				continue;
			}
			assert_true(frame.at.ms > last); /* in order, none twice */
			last = frame.at.ms;
			assert_int_equal('a' + last % 26, frame.data[0]);
			kept += frame.length;
		}
		assert_true(kept <= 64 * 1024);
		assert_int_equal(pieces * 1000, kept + lost);
		assert_int_equal(pieces - 1, last); /* the end is always there */
		assert_int_equal(pieces * 1000, output.total);
		assert_true(lost == 0 || kept > 60 * 1000);
		buf_finish(&spool);
	}
}

static void a_cap_of_nothing(void **state)
{
	struct output output = {.max = 0};
	struct buf spool = print(&output, 3, 10);
	struct spool_frame frame;
	size_t used;

	(void)state;
	assert_int_equal(SPOOL_FRAME, spool_next(spool.data, spool.length, &frame, &used));
	assert_int_equal(SPOOL_GAP, frame.kind);
	assert_int_equal(30, frame.bytes);
	assert_int_equal(used, spool.length);
	buf_finish(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_back),
		cmocka_unit_test(torn_files_end_at_the_last_whole_frame),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(noise_is_no_spool),
		cmocka_unit_test(a_later_version_s_frames_are_passed_over),
		cmocka_unit_test(names_of_spools),
		cmocka_unit_test(a_start_comes_back),
		cmocka_unit_test(plain_messages_come_back),
		cmocka_unit_test(hostile_messages),
		cmocka_unit_test(names_of_runners),
		cmocka_unit_test(what_a_group_limits),
		cmocka_unit_test(the_cap_keeps_head_and_tail),
		cmocka_unit_test(a_cap_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
